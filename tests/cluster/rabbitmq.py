"""Nodes of RabbitMQ of a test's own, joined into a cluster."""

import subprocess
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import programs
from tests.journeys.processes import answers, free_port, wait_for

USER = "rabbitmq"


@dataclass
class Node:
    """A node of RabbitMQ in a folder."""

    folder: Path
    epmd_port: int
    port: int = field(default_factory=free_port)
    dist_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def name(self) -> str:
        return f"muster-{self.port}@localhost"

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}"

    def start(self, *first: "Node") -> None:
        """Start it, as a member of the first node's cluster when there is one."""
        self.folder.mkdir(exist_ok=True)
        cookie, settings = self.folder / ".erlang.cookie", self.folder / "rabbitmq.conf"
        if not cookie.exists():
            cookie.write_text("MUSTER")
            cookie.chmod(0o400)
        members = "".join(f"cluster_formation.classic_config.nodes.1 = {node.name}\n" for node in first)
        settings.write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\nlog.file.level = warning\n{members}")
        programs.owned_by(USER, self.folder, recursive=True)
        self.process = programs.start(
            "rabbitmq-server", log=self.folder / "log", user=USER, environment=self._environment(), cwd=self.folder
        )

    def wait(self) -> None:
        """Wait until it serves clients."""
        wait_for(lambda: answers(self.port), f"{self.name} does not answer: {self.folder}", 60)

    def kill(self) -> None:
        if self.process is not None:
            programs.kill(self.process)
            self.process = None

    def members(self) -> int:
        """Return how many nodes of its cluster run, this one among them."""
        count = "length([N || N <- rabbit_nodes:all_running(), rabbit:is_booted(N)])."
        return int(self._control("eval", count))

    def queue_types(self) -> set[str]:
        """Return the kinds of all its queues."""
        return {*self._control("list_queues", "--silent", "type").split()}

    def _control(self, *arguments: str) -> str:
        return programs.run(
            "rabbitmqctl", "--quiet", "-n", self.name, *arguments, user=USER, environment=self._environment()
        )

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/dev/null",
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            # Beside others on few processors, nodes are to sleep when they have nothing to do.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        }


@contextmanager
def cluster(folder: Path, count: int) -> Generator[Sequence[Node]]:
    """Nodes that know of each other, and serve."""
    programs.require("epmd", "rabbitmq-server", "rabbitmqctl", "setpriv")
    epmd_port = free_port()
    with ExitStack() as stack:
        stack.enter_context(programs.running("epmd", "-port", str(epmd_port), log=folder / "epmd.log", user=USER))
        nodes = [Node(folder / f"node-{number}", epmd_port) for number in range(count)]
        for node in nodes:
            stack.callback(node.kill)
        nodes[0].start()
        nodes[0].wait()
        for node in nodes[1:]:
            node.start(nodes[0])
        for node in nodes[1:]:
            node.wait()
        wait_for(lambda: nodes[0].members() == count, "the nodes do not join", 60)
        yield nodes
