"""Sending waits on a timeline that this machine has not compared with its journals, and a while longer."""

from pathlib import Path

import pytest

from domain.kit.db import Database
from domain.sessions import continuity as module
from domain.sessions.continuity import SETTLING_SECONDS, Continuity, timeline_of


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: time[0])
    return time


def test_the_first_timeline_is_taken_as_it_is(tmp_path: Path, now: list[float]) -> None:
    continuity = Continuity(tmp_path / "journals")
    assert continuity.is_compared("00000001")
    assert not continuity.suspends("00000001")
    continuity.remember("00000001")
    assert not continuity.suspends("00000001")


def test_another_one_suspends_until_all_machines_had_time_to_compare(tmp_path: Path, now: list[float]) -> None:
    Continuity(tmp_path).remember("00000001")
    continuity = Continuity(tmp_path)
    assert not continuity.is_compared("00000002")
    assert continuity.suspends("00000002")
    now[0] += 1000
    assert continuity.suspends("00000002"), "as long as it is not compared"
    continuity.remember("00000002")
    assert continuity.is_compared("00000002")
    now[0] += SETTLING_SECONDS - 1
    continuity.remember("00000002")
    assert continuity.suspends("00000002")
    now[0] += 2
    assert not continuity.suspends("00000002")
    now[0] = 5.0
    assert not continuity.suspends("00000002"), "the machine was started anew"


def test_without_a_directory_or_a_timeline_nothing_is_suspended() -> None:
    continuity = Continuity(None)
    continuity.remember("00000001")
    assert (continuity.is_compared("00000002"), continuity.suspends("00000002")) == (True, False)
    assert (continuity.is_compared(None), continuity.suspends(None)) == (True, False)


async def test_postgresql_has_a_timeline(database: Database) -> None:
    async with database.read() as tx:
        timeline = await timeline_of(tx)
    assert timeline is None if database.dialect == "sqlite" else len(timeline or "") == 8
