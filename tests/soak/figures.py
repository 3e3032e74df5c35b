"""What a server has open, sampled while it runs, and whether any of it grows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests import procfs


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that is sampled; within half a run it may rise by a share of it and an amount, and does not grow."""

    name: str
    unit: str
    share: float
    amount: float

    def allowance(self, usual: float) -> float:
        return self.share * usual + self.amount


FIGURES = (
    Figure("memory", "MB", share=0.08, amount=10),
    Figure("descriptors", "", share=0.05, amount=15),
    Figure("threads", "", share=0.05, amount=3),
    Figure("tasks", "", share=0.05, amount=20),
    Figure("connections", "", share=0, amount=3),
    Figure("lag", "ms", share=0.5, amount=100),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures at a moment, in seconds since the start."""

    seconds: float
    values: Mapping[str, float]


class Sampler:
    """Samples a process of `muster serve`: from outside, and by its own metrics."""

    def __init__(self, process: int, url: str) -> None:
        self._process, self._url = process, url
        self._lag = (0.0, 0.0)

    async def sample(self, client: httpx.AsyncClient, seconds: float) -> Sample:
        response = await client.get(f"{self._url}/metrics", timeout=60)
        own = {
            (sample.name, sample.labels.get("part") or sample.labels.get("state") or ""): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
            if sample.name.startswith(("muster_tasks", "muster_connections", "muster_loop_lag_seconds"))
        }
        lag, asked = own["muster_loop_lag_seconds_sum", "server"], own["muster_loop_lag_seconds_count", "server"]
        before, self._lag = self._lag, (lag, asked)
        return Sample(
            seconds,
            {
                "memory": procfs.resident_bytes(self._process) / 1_000_000,
                "descriptors": procfs.descriptors(self._process),
                "threads": procfs.threads(self._process),
                "tasks": own["muster_tasks", ""],
                "connections": own["muster_connections", "used"],
                "lag": 1_000 * (lag - before[0]) / max(asked - before[1], 1),
            },
        )


@dataclass(frozen=True, slots=True)
class Trend:
    """How much a figure has grown within the second half of a run, and how much may be chance."""

    figure: Figure
    growth: float
    noise: float

    @property
    def grows(self) -> bool:
        return self.growth > self.noise


def trends(samples: Sequence[Sample]) -> list[Trend]:
    """Return the trend of each figure over the second half of the samples."""
    half = samples[len(samples) // 2 :]
    return [_trend(figure, [(s.seconds, s.values[figure.name]) for s in half]) for figure in FIGURES]


def _trend(figure: Figure, points: Sequence[tuple[float, float]]) -> Trend:
    """The median of the slopes between all pairs is not led astray by a few high points (Theil and Sen)."""
    slopes = [(later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in combinations(points, 2)]
    slope = median(slopes) if slopes else 0.0
    usual = median(value for _, value in points)
    spread = median(abs(value - usual) for _, value in points)
    return Trend(figure, slope * (points[-1][0] - points[0][0]), max(figure.allowance(usual), 2 * spread))


def left_open(before: Sample, after: Sample) -> list[str]:
    """Return a line for each figure that is higher, with nobody there, than it was before anybody came."""
    names = ("descriptors", "tasks", "connections")
    figures = [figure for figure in FIGURES if figure.name in names]
    return [
        f"{figure.name}: {after.values[figure.name]:.0f} left open, {before.values[figure.name]:.0f} at first"
        for figure in figures
        if after.values[figure.name] - before.values[figure.name] > figure.amount
    ]
