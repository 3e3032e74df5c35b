"""A short soak: everything is done at once, nothing fails, and nothing is left open when all are gone."""

import sys
from pathlib import Path

import pytest

from tests.soak.figures import FIGURES, Sample, left_open, trends
from tests.soak.soak import Load, run

SHORT = Load(seconds=10, customers=100, clients=20, subscriptions=40, pause=0.5, stay=2, warm=4, grace=3, every=1)
SAMPLES = 40


def samples(**growth: float) -> list[Sample]:
    """Figures that waver, and grow by so much within the second half."""
    usual = {figure.name: 200.0 for figure in FIGURES}
    return [
        Sample(
            at * 5,
            {name: value + (at % 3) + growth.get(name, 0) * at * 2 / SAMPLES for name, value in usual.items()},
        )
        for at in range(SAMPLES)
    ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the figures of processes in /proc")
def test_nothing_is_left_open_by_many_clients(empty_url: str, tmp_path: Path) -> None:
    as_operators_write_it = empty_url.replace("+asyncpg", "").replace("+aiosqlite", "")
    report = run(as_operators_write_it, tmp_path, SHORT, lambda _: None)
    # So short a run says nothing of growth: caches fill.
    assert [line for line in report.wrong if "grows" not in line] == [], (tmp_path / "muster.log").read_text()[-5_000:]
    assert report.outcomes["streams"] > 20
    assert report.outcomes["sockets"] > 4


@pytest.mark.parametrize("name", [figure.name for figure in FIGURES])
def test_what_grows_is_found_and_what_wavers_is_not(name: str) -> None:
    assert [trend.figure.name for trend in trends(samples()) if trend.grows] == []
    assert [trend.figure.name for trend in trends(samples(**{name: 2_000})) if trend.grows] == [name]


def test_what_is_left_open_is_named() -> None:
    before = samples()[0]
    after = Sample(9, {**before.values, "descriptors": 300, "memory": 900})
    assert left_open(before, after) == ["descriptors: 300 left open, 200 at first"]
