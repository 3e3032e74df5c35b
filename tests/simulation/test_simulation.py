"""Ten seconds of histories, each of which ends as it must; and the simulation itself: its seeds, and its bugs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation.bugs import BUGS

ROOT = Path(__file__).parents[2]


def simulate(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the simulation in processes of its own: it replaces clocks and dice, which no other test may meet."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.xdist_group("simulation")
def test_every_history_ends_as_it_must(record_property: Callable[[str, object], None]) -> None:
    run = simulate("--first", "1", "--seconds", "10")
    assert run.returncode == 0, run.stdout + run.stderr
    record_property("simulation", run.stdout.splitlines()[0])
    assert " histories with " in run.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("simulation")
def test_a_seed_is_the_same_history_every_time() -> None:
    first, second = (simulate("--seed", "3") for _ in range(2))
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(first.stdout.splitlines()) > 20
    assert first.stdout == second.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("simulation")
def test_a_planted_bug_is_found_and_its_seed_replays_it() -> None:
    name = "events count twice"
    run = simulate("--first", "1", "--seconds", "10", "--bug", name)
    assert run.returncode == 1
    line = next(line for line in run.stdout.splitlines() if line.startswith("make simulate SEED="))
    command, _, wrong = line.partition(": ")
    replayed = simulate("--seed", command.partition("=")[2], "--bug", name)
    assert replayed.returncode == 1
    assert wrong.partition("; ")[0] in replayed.stdout


@pytest.mark.parametrize("name", BUGS)
def test_every_bug_can_be_planted(name: str) -> None:
    """The code that a bug changes is still there; `make simulate-bugs` shows that each is found."""
    assert BUGS[name].code() != BUGS[name].function().__code__
