"""Watches an event loop from another thread: a callback that holds it up is named with its line."""

import selectors
import sys
import threading
import time
from asyncio.events import Handle
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["LoopWatch"]

_STEP_SECONDS = 0.01
# A sample stands for no more than this: on a busy machine the watching thread itself may wait for long.
_MOST_OF_A_SAMPLE = 0.03
_RUN: Any = vars(Handle)["_run"].__code__
_WAITS = {("selectors", "select"), ("windows_events", "_poll")}


class LoopWatch:
    """Samples the thread that made it, within a `with` block, and finds callbacks that hold up its event loop.

    A thread that merely waits for a processor does not count, where the system tells (Linux).

    - `blocks`: what held it up for longer than `limit` seconds, a sentence each.

        with LoopWatch(limit=0.1) as watch:
            asyncio.run(main())
        assert watch.blocks == []
    """

    def __init__(self, limit: float = 0.1) -> None:
        self._limit = limit
        self._thread = threading.get_ident()
        self._native = threading.get_native_id()
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._watch, name="loop-watch", daemon=True)
        self._found: dict[str, float] = {}

    @property
    def blocks(self) -> list[str]:
        return [f"{where} held up the event loop for {seconds:.1f} s" for where, seconds in self._found.items()]

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._sampler.join()

    def _watch(self) -> None:
        callback: FrameType | None = None
        held, waiting, before = 0.0, self._waiting_seconds(), time.monotonic()
        while not self._ended.wait(_STEP_SECONDS):
            now, waits = time.monotonic(), self._waiting_seconds()
            # Time in which the thread was ready to run, and the machine did not let it.
            starved = max(0.0, waits - waiting)
            passed = min(now - before - starved, _MOST_OF_A_SAMPLE)
            before, waiting = now, waits
            frames: Mapping[int, FrameType] = vars(sys)["_current_frames"]()  # the documented way, which linters hide
            frame = frames.get(self._thread)
            current = None if frame is None else _callback(frame)
            if current is None or frame is None or current is not callback:
                callback, held = current, 0.0
                continue
            held += max(0.0, passed)
            if held > self._limit:
                where = _place(frame)
                self._found[where] = max(held, self._found.get(where, 0.0))

    def _waiting_seconds(self) -> float:
        """Return for how long the thread has waited for a processor; 0 where the system does not tell."""
        with suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/self/task/{self._native}/schedstat").read_text().split()[1]) / 1e9
        return 0.0


def _callback(frame: FrameType) -> FrameType | None:
    """Return the frame of the event loop's callback that runs, None while the loop waits or does not run."""
    module, name = Path(frame.f_code.co_filename).stem, frame.f_code.co_name
    if (module, name) in _WAITS or frame.f_code.co_filename == selectors.__file__:
        return None
    current: FrameType | None = frame
    while current is not None and current.f_code is not _RUN:
        current = current.f_back
    return current


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_qualname} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})"
