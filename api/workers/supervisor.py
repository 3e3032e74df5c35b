"""Keeps processes alive: one that dies is started again, and all end when this one does."""

import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

GRACE = 30.0
_STEADY = 60.0
_BACKOFF_AT_MOST = 30.0
_LOOK = 0.1


@dataclass(slots=True)
class Child:
    """A process to keep alive. Its standard input is a pipe that nobody writes to: it closes when we die."""

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    started: float = field(default=0, init=False)
    start_at: float = field(default=0, init=False)
    failures: int = field(default=0, init=False)

    def look(self, now: float) -> None:
        """Start the process when it does not run, some time after it died."""
        if self.process is not None and self.process.poll() is not None:
            self.process.communicate()
            self.failures = 1 if now - self.started > _STEADY else self.failures + 1
            wait = min(0.1 * 2 ** (self.failures - 1), _BACKOFF_AT_MOST)
            log.warning("process_died", name=self.name, status=self.process.returncode, again_in=wait)
            self.process, self.start_at = None, now + wait
        if self.process is None and now >= self.start_at:
            # A group of its own, so that Ctrl-C reaches the supervisor alone.
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                self.command, stdin=subprocess.PIPE, process_group=0
            )
            self.started = now
            log.info("process_started", name=self.name, pid=self.process.pid)


def supervise(children: Sequence[Child], grace: float = GRACE) -> None:
    """Keep the children alive until SIGTERM or SIGINT, then end them within the grace."""
    stopping = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    while not stopping.wait(_LOOK):
        for child in children:
            child.look(time.monotonic())
    processes = [child.process for child in children if child.process is not None]
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace
    for process in processes:
        try:
            process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process_killed", pid=process.pid)
            process.kill()
            process.wait()
