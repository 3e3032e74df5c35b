"""One storm: a campaign, its faults in the order of a seed, and the verdict."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic, sleep

from tests.storm.faults import FAULTS
from tests.storm.scene import Cell, Scene, scene
from tests.storm.verdict import Verdict, judge

CELLS = [
    Cell("sqlite", "memory"),
    Cell("postgresql", "memory"),
    Cell("postgresql", "redis"),
    Cell("postgresql", "rabbitmq"),
]
_STUCK_SECONDS = 60


@dataclass(frozen=True)
class Storm:
    """A campaign to so many recipients, each of whom the mail server answers after `delay` seconds.

    Each fault lasts up to about `seconds`.
    """

    cell: Cell
    faults: Sequence[str]
    seed: int
    recipients: int = 1_200
    delay: float = 0.2
    seconds: float = 4


@dataclass(frozen=True)
class Report:
    storm: Storm
    faults: int
    verdict: Verdict
    may_be_unknown: int
    seconds: float


def rage(storm: Storm, template: Path | None, folder: Path) -> Report:
    """Send the campaign through the faults, and return what became of it."""
    began, rng, may_be_unknown = monotonic(), Random(storm.seed), 0
    with scene(storm.cell, template, folder, recipients=storm.recipients, delay=storm.delay) as stage:
        for tree in stage.trees:
            tree.start()
        for number, name in enumerate(storm.faults):
            # Spread over the campaign, its launch included, and at any moment of a window.
            _wait_for(stage, int(storm.recipients * rng.uniform(number, number + 1) / (len(storm.faults) + 1)))
            sleep(rng.uniform(0, 0.5))
            FAULTS[name].run(stage, rng, storm.seconds)
            may_be_unknown += FAULTS[name].may_be_unknown(storm.delay)
        _settle(stage, storm.recipients, may_be_unknown)
        for tree in stage.trees:
            tree.kill()
        # Nothing has come since from what was frozen or cut off.
        verdict = asyncio.run(judge(stage, storm.recipients, may_be_unknown))
    return Report(storm, len(storm.faults), verdict, may_be_unknown, monotonic() - began)


def _wait_for(stage: Scene, messages: int) -> None:
    deadline = monotonic() + _STUCK_SECONDS
    while stage.received() < messages and monotonic() < deadline:
        sleep(0.05)


def _settle(stage: Scene, recipients: int, may_be_unknown: int) -> None:
    """Wait until nothing is wrong, for a minute after the last fault at most."""
    deadline = monotonic() + _STUCK_SECONDS
    while asyncio.run(judge(stage, recipients, may_be_unknown)).wrong and monotonic() < deadline:
        sleep(0.5)
