"""Traces of a piece of work: log lines, prints, warnings, connections to hosts, threads and sockets."""

import io
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["OpenThings", "Traces", "network_calls", "traced"]

_DESCRIPTORS = Path("/proc/self/fd")
_OWN_THREADS = ("provider-double", "loop-watch", "asyncio_")
_NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"}


@dataclass(slots=True)
class Traces:
    """`logs`: lines of the log, as formatted with their tracebacks; `output`: what was printed; `warnings`."""

    logs: list[str] = field(default_factory=list[str])
    output: str = ""
    warnings: list[str] = field(default_factory=list[str])


@contextmanager
def traced() -> Generator[Traces]:
    """Yield the traces of what runs in the block, on any thread but the doubles'; complete when the block is left."""
    traces = Traces()
    handler = _Collector(traces.logs)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    written = io.StringIO()
    try:
        with warnings.catch_warnings(record=True) as caught, redirect_stdout(written), redirect_stderr(written):
            warnings.simplefilter("always")
            yield traces
        traces.warnings += [f"{warning.category.__name__}: {warning.message}" for warning in caught]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        traces.output = written.getvalue()


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if (record.threadName or "").startswith(_OWN_THREADS):
            return
        own = {key: value for key, value in vars(record).items() if key not in _RECORD}
        self._lines.append(f"{self.format(record)} {own or ''}")


_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@contextmanager
def network_calls() -> Generator[list[str]]:
    """Yield what this thread asks of the network in the block: names of hosts, connections, datagrams.

    with network_calls() as calls:
        channel.prepare(content, settings, templates)
    assert calls == []
    """
    _hook_audit()
    calls: list[str] = []
    _LISTENERS[threading.get_ident()] = calls
    try:
        yield calls
    finally:
        del _LISTENERS[threading.get_ident()]


_LISTENERS: dict[int, list[str]] = {}
_HOOKED = threading.Event()


def _hook_audit() -> None:
    # A hook stays for as long as the process: one is enough.
    if not _HOOKED.is_set():
        _HOOKED.set()
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _NETWORK and (calls := _LISTENERS.get(threading.get_ident())) is not None:
        calls.append(f"{event}({', '.join(str(argument) for argument in arguments[-2:])})")


class OpenThings:
    """The threads and sockets that are open when it is made, and those that came since.

    Example:

        before = OpenThings()
        ...
        assert before.since() == []
    """

    def __init__(self) -> None:
        self._before = set(_open_things())

    def since(self, grace_seconds: float = 1.0) -> list[str]:
        """Return what has come and is still open after a moment of grace, in which things end that were told to."""
        until = time.monotonic() + grace_seconds
        while (left := sorted(set(_open_things()) - self._before)) and time.monotonic() < until:
            time.sleep(0.01)
        return left


def _open_things() -> Iterator[str]:
    for thread in threading.enumerate():
        if not thread.name.startswith(_OWN_THREADS):
            yield f"the thread {thread.name}"
    if _DESCRIPTORS.exists():
        for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - a Path of each would cost more than the look
            try:
                target = os.readlink(_DESCRIPTORS / name)  # noqa: PTH115 - a link to nothing that is a file
            except OSError:
                continue
            if target.startswith("socket:"):
                yield f"a socket ({target})"
