"""A loop that does not turn any more is told of, and ends its process."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import metrics
from api.workers import watchdog as module
from api.workers.watchdog import Watchdog

ROOT = Path(__file__).parents[3]


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


def test_it_measures_how_long_a_loop_takes_to_answer(
    loop: asyncio.AbstractEventLoop, ended: tuple[Watchdog, list[str], threading.Event]
) -> None:
    watchdog, _, _ = ended
    watchdog.watch("slow", loop)
    loop.call_soon_threadsafe(time.sleep, 0.2)
    deadline = time.monotonic() + 10
    while (_lag("sum") or 0) < 0.1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (_lag("sum") or 0) >= 0.1
    assert _lag("count")


def _lag(part: str) -> float | None:
    return metrics.registry.get_sample_value(f"muster_loop_lag_seconds_{part}", {"part": "slow"})


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


_STOOD_STILL = """
import asyncio, threading, sys
from api.workers import watchdog
watchdog._LOOK = 0.02
watching = watchdog.Watchdog(end_after=1)
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
watching.watch("lists", loop)
print("ready", flush=True)
sys.stdin.readline()
print(watching.stuck(), flush=True)
"""


@pytest.mark.slow
def test_a_process_that_stood_still_as_a_whole_is_not_stuck() -> None:
    command = [sys.executable, "-c", _STOOD_STILL]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        assert process.poll() is None
        assert process.communicate("\n")[0] == "{}\n"
