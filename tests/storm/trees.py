"""Muster with all of its processes: killed, frozen, started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import sleep

from tests.journeys.processes import ROOT, free_port

WORKER = "api.worker_process worker"
CHANNEL = "plugins.isolation.child"


def session_members(session: int) -> dict[int, str]:
    """Return the session's living processes, each with its command. Those that we start lead no sessions of theirs."""
    members: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(folder.name)) == session:
                status = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if status != "Z":
                    members[int(folder.name)] = command
    return members


class Tree:
    """`muster serve` or `muster work`, and everything that it starts."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self._settings, self._folder = dict(settings), folder
        self._process: subprocess.Popen[bytes] | None = None
        # What a killed process has left is of its session.
        self._sessions: list[int] = []

    @property
    def embedded(self) -> bool:
        return "MUSTER_BROKER_URL" not in self._settings

    def start(self, now: datetime | None = None) -> None:
        """Start it, with a clock that stands there or with the machine's."""
        settings = dict(self._settings)
        if now is not None:
            clock = self._folder / f"clock-{len(self._sessions)}"
            clock.write_text(now.isoformat())
            settings |= {"MUSTER_ENV": "test", "MUSTER_CLOCK_FILE": str(clock)}
        arguments = ["serve", "--port", str(free_port())] if self.embedded else ["work"]
        with (self._folder / "muster.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *arguments],
                cwd=self._folder,
                env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._sessions.append(self._process.pid)

    def processes(self, part: str = "") -> list[int]:
        """Return its processes whose command has this part."""
        members = {
            process: command for session in self._sessions for process, command in session_members(session).items()
        }
        return [process for process, command in members.items() if part in command]

    def workers(self) -> list[int]:
        """Return the processes that run jobs."""
        assert self._process is not None
        return [self._process.pid] if self.embedded else self.processes(WORKER)

    def signal(self, number: signal.Signals) -> None:
        """Send it to every process of the tree."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """Kill every process of it at once."""
        # Stopped first, so that none sees another die.
        self.signal(signal.SIGSTOP)
        while self.processes():
            self.signal(signal.SIGKILL)
            self._reap()
            sleep(0.01)
        self._reap()

    def end(self) -> None:
        """Have it end by itself."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(60)

    def kill_worker(self, choose: Callable[[list[int]], int]) -> None:
        """Kill a process that runs jobs, and no other; where nobody supervises it, start another."""
        if workers := self.workers():
            os.kill(choose(workers), signal.SIGKILL)
        if self.embedded:
            self._reap()
            self.start()

    def _reap(self) -> None:
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
