"""A loop that does not turn any more is told of, and ends its process."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from api.workers import watchdog as module
from api.workers.watchdog import Watchdog


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Watchdog, list[str], threading.Event]]:
    monkeypatch.setattr(module, "WARN_AFTER", 0.3)
    monkeypatch.setattr(module, "_LOOK", 0.02)
    parts: list[str] = []
    happened = threading.Event()

    def end(part: str) -> None:
        parts.append(part)
        happened.set()

    watchdog = Watchdog(end, end_after=1.0)
    yield watchdog, parts, happened
    watchdog.close()


def test_a_loop_that_turns_is_left_alone(
    loop: asyncio.AbstractEventLoop, ended: tuple[Watchdog, list[str], threading.Event]
) -> None:
    watchdog, parts, _ = ended
    watchdog.watch("lists", loop)
    time.sleep(1.5)
    assert (watchdog.stuck(), parts) == ({}, [])


def test_a_loop_that_is_blocked_is_told_of_and_ends_the_process(
    loop: asyncio.AbstractEventLoop, ended: tuple[Watchdog, list[str], threading.Event]
) -> None:
    watchdog, parts, happened = ended
    go_on = threading.Event()
    watchdog.watch("lists", loop)
    loop.call_soon_threadsafe(go_on.wait)
    try:
        assert happened.wait(30)
        assert set(parts) == {"lists"}
        assert list(watchdog.stuck()) == ["lists"]
    finally:
        go_on.set()


def test_a_loop_that_is_forgotten_or_closed_ends_nothing(ended: tuple[Watchdog, list[str], threading.Event]) -> None:
    watchdog, parts, _ = ended
    closed, forgotten = asyncio.new_event_loop(), asyncio.new_event_loop()
    watchdog.watch("closed", closed)
    watchdog.watch("forgotten", forgotten)
    closed.close()
    watchdog.forget("forgotten")
    time.sleep(1.5)
    forgotten.close()
    assert (watchdog.stuck(), parts) == ({}, [])
