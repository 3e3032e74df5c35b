"""Under any faults nothing goes out twice or is lost, and unknown is only what was in flight where a process died."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import postgres, programs
from tests.storm.faults import FAULTS
from tests.storm.folder import open_folder
from tests.storm.storm import CELLS, Storm, rage

pytestmark = [pytest.mark.storm, pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")]
SQLITE, MEMORY, REDIS, RABBITMQ = CELLS
STORMS = [
    Storm(SQLITE, ["kill_tree", "lose_mail", "kill_channel", "kill_worker"], seed=1),
    Storm(SQLITE, ["freeze", "lock_database", "freeze_beyond_lease", "hold_mail"], seed=2),
    Storm(REDIS, ["cut_database", "wipe_broker", "restart_database", "cut_broker"], seed=3),
    Storm(RABBITMQ, ["kill_tree", "kill_channel", "kill_machine"], seed=4),
    # A server that takes seconds for each message.
    Storm(MEMORY, ["shift_clock", "restart_database"], seed=5, recipients=24, delay=3),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    with open_folder() as folder, postgres.template(folder) as data:
        yield data


def name(storm: Storm) -> str:
    kind = "deadly" if any(FAULTS[fault].deadly for fault in storm.faults) else "gentle"
    return f"{storm.cell}-{kind}-{storm.seed}"


@pytest.mark.parametrize("storm", STORMS, ids=name)
def test_nothing_is_lost_and_nothing_goes_out_twice(storm: Storm, folder: Path, request: pytest.FixtureRequest) -> None:
    template: Path | None = None
    if storm.cell.database == "postgresql":
        programs.require("initdb", "postgres", "psql", "setpriv")
        template = request.getfixturevalue("template")
    report = rage(storm, template, folder)
    log = (folder / "muster.log").read_text()
    assert report.verdict.wrong == (), f"{storm}, the end of its log:\n{log[-20_000:]}"


def test_every_fault_has_its_storm() -> None:
    assert {fault for storm in STORMS for fault in storm.faults} == set(FAULTS)
    assert all(FAULTS[fault].cells(storm.cell) for storm in STORMS for fault in storm.faults)
