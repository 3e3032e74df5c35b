"""Plugins are inspected, each in a process of its own: what one does there harms no other, and not this process."""

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.metadata import EntryPoint
from time import monotonic

from plugins.inspection import PluginDescription, refused
from plugins.isolation.exit_status import how_it_ended
from plugins.isolation.limits import ChildLimits

# From the moment at which its process is ready for it: a machine that is busy is not the plugin's fault.
_SECONDS = 20.0
_START_SECONDS = 60.0
_AT_A_TIME = 8
_MOST_BYTES = 4_000_000
# Between the end of its output and its own.
_END_SECONDS = 2.0


def inspect_each(entry_points: Sequence[EntryPoint], limits: ChildLimits) -> list[PluginDescription]:
    """Return the description of each plugin; that of one which misbehaves brings nothing, and says why."""
    if not entry_points:
        return []
    with ThreadPoolExecutor(min(len(entry_points), _AT_A_TIME), "plugin") as threads:
        return list(threads.map(partial(_inspect, limits), entry_points))


def _inspect(limits: ChildLimits, entry_point: EntryPoint) -> PluginDescription:
    # -P keeps the working directory out of the import path.
    command = [sys.executable, "-P", "-m", "plugins.isolation.inspector", entry_point.name, entry_point.value]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, str(limits.memory_mb), ",".join(limits.private_targets)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(limits.environment),
            process_group=0,
        )
    except OSError as error:
        return refused(f"no process could be started for it: {error.strerror}")
    try:
        return _described(process)
    finally:
        # What the plugin has started, too.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _described(process: "subprocess.Popen[bytes]") -> PluginDescription:
    answer = _answer(process)
    if answer is None:
        return refused(f"it was not loaded in {_SECONDS:.0f} seconds")
    if len(answer) > _MOST_BYTES:
        return refused(f"it describes itself in more than {_MOST_BYTES:,} bytes")
    if not answer.endswith(b"\n"):
        try:
            return refused(f"it {how_it_ended(process.wait(_END_SECONDS))} while it was loaded")
        except subprocess.TimeoutExpired:
            return refused("it closed what it should have answered on")
    try:
        return PluginDescription.of_json(answer)
    except ValueError:
        return refused("it answered with what is no description of a plugin")


def _answer(process: "subprocess.Popen[bytes]") -> bytes | None:
    """Return a line, as far as it comes; None when it does not come in time."""
    assert process.stdout is not None
    file, chunks, size = process.stdout.fileno(), list[bytes](), 0
    deadline = monotonic() + _START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(file, selectors.EVENT_READ)
        while (patience := deadline - monotonic()) > 0:
            if not selector.select(patience):
                continue
            chunk = os.read(file, 65_536)
            if not chunks:
                deadline = monotonic() + _SECONDS
            chunks.append(chunk)
            size += len(chunk)
            if not chunk or chunk.endswith(b"\n") or size > _MOST_BYTES:
                return b"".join(chunks)
    return None
