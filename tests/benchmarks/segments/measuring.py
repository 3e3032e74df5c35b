"""Wall and processor time of statements, on the server where it is another process."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from sqlalchemy import text

from domain.kit.db import Transaction


@dataclass(slots=True)
class Times:
    """Milliseconds of the same thing done again and again."""

    each: list[float] = field(default_factory=list[float])

    @property
    def p50(self) -> float:
        return median(self.each)

    @property
    def p95(self) -> float:
        return sorted(self.each)[ceil(0.95 * len(self.each)) - 1]

    async def add(self, work: Callable[[], Awaitable[int]]) -> int:
        began = perf_counter()
        result = await work()
        self.each.append((perf_counter() - began) * 1000)
        return result


async def processor(tx: Transaction) -> Callable[[], float]:
    """Milliseconds that the connection's server process has worked, or this process where the database is in it."""
    if tx.dialect != "postgresql":
        return lambda: process_time() * 1000
    return _of_process(await tx.scalar(text("SELECT pg_backend_pid()")))


def _of_process(number: int) -> Callable[[], float]:
    schedule = Path(f"/proc/{number}/schedstat")
    if not schedule.exists():
        return lambda: perf_counter() * 1000  # a server elsewhere: the time that it takes must do
    return lambda: int(schedule.read_text().split()[0]) / 1e6


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    texts = [[_text(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[at]) for row in texts) for at in range(len(header))]
    return "\n".join("  ".join(map(_aligned, range(len(row)), row, widths)) for row in texts)


def _aligned(at: int, value: str, width: int) -> str:
    return value.rjust(width) if at else value.ljust(width)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
