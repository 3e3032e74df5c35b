"""PostgreSQL servers of a test's own: pairs of a primary and a standby that may be killed, stopped and promoted."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from api.settings import Settings
from domain.kit.db import Database
from domain.migrations import migrate
from tests.cluster import programs
from tests.journeys.processes import free_port, wait_for

USER = "postgres"
_OPTIONS = {
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_senders": "4",
    "wal_level": "replica",
    "hot_standby": "on",
    "wal_keep_size": "128MB",
    "unix_socket_directories": "",
}


@dataclass
class Server:
    """A PostgreSQL server in a folder; on the host of a network namespace when one is named."""

    folder: Path
    host: str = "127.0.0.1"
    namespace: str | None = None
    port: int = field(default_factory=free_port)
    options: dict[str, str] = field(default_factory=dict[str, str])
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@{self.host}:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {**_OPTIONS, "port": str(self.port), "listen_addresses": self.host, **self.options}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = programs.start(
            "postgres", "-D", str(self.folder), *arguments, log=self.log, user=USER, namespace=self.namespace
        )
        wait_for(self.is_up, "PostgreSQL does not answer")

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    def is_up(self) -> bool:
        ready = programs.command(
            "pg_isready", "-q", "-h", self.host, "-p", str(self.port), user=USER, namespace=self.namespace
        )
        return subprocess.run(ready, check=False).returncode == 0

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT closes all connections, SIGQUIT is its crash, SIGKILL that of its machine."""
        if self.process is None:
            return
        if how is signal.SIGKILL:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            for child in self._children():
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        self.process.send_signal(how)
        self.process.wait(20)
        self.process = None

    def _children(self) -> list[int]:
        """Each backend is the leader of a session of its own."""
        assert self.process is not None
        with suppress(FileNotFoundError):
            listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            return [int(child) for child in listed.split()]
        return []

    def psql(self, statement: str) -> str:
        """Run a statement on the server's own machine; return the first value of its answer."""
        arguments = ("-h", self.host, "-p", str(self.port), "-U", USER, "-Atqc", statement, "postgres")
        return programs.run("psql", *arguments, user=USER, namespace=self.namespace).strip()

    def promote(self) -> None:
        """Make a primary of a standby, and wait until it takes writes."""
        self.psql("SELECT pg_promote(true, 20)")
        wait_for(lambda: self.psql("SELECT pg_is_in_recovery()") == "f", "the standby was not promoted")

    def stop_following(self) -> None:
        """Have a standby fetch no more from its primary: from now on it falls behind."""
        self.psql("ALTER SYSTEM SET primary_conninfo = ''")
        self.psql("SELECT pg_reload_conf()")
        wait_for(lambda: self.psql("SELECT count(*) FROM pg_stat_wal_receiver") == "0", "the standby still follows")

    def wait_for_commits_on(self, standby: str) -> None:
        """Have every commit wait until the standby of this name has it."""
        self.psql(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        self.psql("SELECT pg_reload_conf()")
        state = f"SELECT sync_state FROM pg_stat_replication WHERE application_name = '{standby}'"
        wait_for(lambda: self.psql(state) == "sync", "the standby is not synchronous")

    @contextmanager
    def followed_by(
        self, folder: Path, *, name: str = "standby", host: str | None = None, namespace: str | None = None
    ) -> "Generator[Server]":
        """A standby of this primary that runs."""
        folder.mkdir()
        programs.owned_by(USER, folder)
        standby = Server(folder, host or self.host, namespace)
        source = f"host={self.host} port={self.port} user=postgres application_name={name}"
        arguments = ("-D", str(folder), "-d", source, "-R", "-c", "fast", "--no-sync", "-X", "stream")
        programs.run("pg_basebackup", *arguments, user=USER, namespace=namespace)
        folder.chmod(0o700)
        standby.start()
        try:
            yield standby
        finally:
            standby.stop(signal.SIGKILL)


def urls_of(*servers: Server) -> str:
    """Return the URL of a database on several hosts, as the settings make it of an operator's."""
    hosts = ",".join(f"{server.host}:{server.port}" for server in servers)
    settings = Settings.model_validate({"database_url": f"postgresql://postgres@{hosts}/postgres"})
    return settings.database_url


@contextmanager
def fail_over_to_the_past(primary: Server, standby: Server) -> Generator[None]:
    """Lose what is committed inside: the primary dies at the end, and an asynchronous standby knows nothing of it.

    Whoever has both hosts in its URL comes to the standby next, which is another timeline that begins before.
    """
    # What comes meanwhile may be there too: where much is written, the standby has all of it at no moment.
    before = primary.psql("SELECT pg_current_wal_lsn()")
    caught_up = f"SELECT bool_and(replay_lsn >= '{before}') FROM pg_stat_replication"
    wait_for(lambda: primary.psql(caught_up) == "t", "the standby does not catch up")
    standby.stop_following()
    yield
    primary.stop(signal.SIGKILL)
    standby.promote()


@contextmanager
def template(folder: Path) -> Generator[Path]:
    """A folder of a migrated server, for copies."""
    data = folder / "template"
    data.mkdir()
    programs.owned_by(USER, data)
    programs.run("initdb", "-D", str(data), "-A", "trust", "-U", USER, "--no-sync", "--no-instructions", user=USER)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all,replication all 10.0.0.0/8 trust\n")
        rules.write("host replication all 127.0.0.1/32 trust\n")
    server = Server(data)
    server.start()
    try:
        asyncio.run(_migrate(server.url))
    finally:
        server.stop()
    yield data


@contextmanager
def server(template: Path, folder: Path, host: str = "127.0.0.1", namespace: str | None = None) -> Generator[Server]:
    """A copy of the template that runs."""
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("postmaster.pid"))
    folder.chmod(0o700)
    programs.owned_by(USER, folder, recursive=True)
    running = Server(folder, host, namespace)
    running.start()
    try:
        yield running
    finally:
        running.stop(signal.SIGKILL)


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()
