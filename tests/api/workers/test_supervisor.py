"""`muster work`: whatever is killed comes back, and nothing is left when it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
MUSTER = Path(sys.executable).with_name("muster")


class Work:
    """A running `muster work`, by its log."""

    def __init__(self, folder: Path, broker_url: str, database_url: str) -> None:
        self._log = folder / "log"
        settings = {
            "MUSTER_BROKER_URL": broker_url,
            "MUSTER_DATABASE_URL": database_url,
            "MUSTER_LOG_FORMAT": "json",
            "MUSTER_SECRET_KEY": "a key for tests alone",
        }
        with self._log.open("w") as log:
            self.process = subprocess.Popen([MUSTER, "work"], cwd=folder, env=os.environ | settings, stderr=log)

    def pids(self, name: str) -> list[int]:
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line["pid"] for line in lines if line["event"] == "process_started" and line["name"] == name]

    def all_pids(self) -> list[int]:
        return [pid for name in ("worker-1", "scheduler") for pid in self.pids(name)]


@pytest.fixture
def work(tmp_path: Path, redis_url: str, migrated_sqlite: Path) -> Iterator[Work]:
    database = shutil.copy(migrated_sqlite, tmp_path / "muster.db")
    running = Work(tmp_path, redis_url, f"sqlite:///{database}")
    yield running
    running.process.kill()
    running.process.wait()
    until(lambda: not any(alive(pid) for pid in running.all_pids()))


def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """A zombie is as good as dead: who should have waited for it is dead too."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("name", ["worker-1", "scheduler"])
def test_a_process_that_is_killed_comes_back(work: Work, name: str) -> None:
    until(lambda: len(work.pids(name)) == 1)
    os.kill(work.pids(name)[0], signal.SIGKILL)
    until(lambda: len(work.pids(name)) == 2)
    assert alive(work.pids(name)[1])


def test_everything_ends_in_good_time_when_told_to(work: Work) -> None:
    until(lambda: len(work.all_pids()) == 2)
    time.sleep(3)  # long enough to have booted
    work.process.send_signal(signal.SIGTERM)
    assert work.process.wait(30) == 0
    assert not any(alive(pid) for pid in work.all_pids())


def test_nothing_is_left_when_the_supervisor_is_killed(work: Work) -> None:
    until(lambda: len(work.all_pids()) == 2)
    time.sleep(3)
    work.process.kill()
    work.process.wait()
    until(lambda: not any(alive(pid) for pid in work.all_pids()), seconds=30)
