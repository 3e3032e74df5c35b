"""Many histories: one after another in each of a few processes, until the time is over or one is broken."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.faults import Fault
from tests.simulation.history import Outcome

_SHOWN = 20


@dataclass(slots=True)
class Run:
    """What came of many histories; `broken` are those in which something is wrong."""

    histories: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    faults: Counter[Fault] = field(default_factory=Counter[Fault])
    stories: Counter[str] = field(default_factory=Counter[str])
    broken: list[Outcome] = field(default_factory=list[Outcome])

    def add(self, other: "Run") -> None:
        self.histories += other.histories
        self.seconds = max(self.seconds, other.seconds)
        self.cpu_seconds += other.cpu_seconds
        self.faults += other.faults
        self.stories += other.stories
        self.broken += other.broken

    def report(self) -> str:
        faults = sum(self.faults.values())
        seconds = max(self.seconds, 0.001)
        speed = f"{self.histories / seconds:.0f} histories and {faults / seconds:.0f} faults a second"
        cost = f"{1000 * self.cpu_seconds / max(self.histories, 1):.1f} ms of CPU a history"
        lines = [
            f"{self.histories:,} histories with {faults:,} faults in {self.seconds:.1f} s: {speed}, {cost}",
            ", ".join(f"{story} {count:,}" for story, count in self.stories.most_common()),
            ", ".join(f"{fault} {count:,}" for fault, count in self.faults.most_common()),
            f"{len(self.broken):,} are broken",
            *(f"make simulate SEED={outcome.seed}: {'; '.join(outcome.wrong)}" for outcome in self.broken[:_SHOWN]),
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Seeds:
    """Every `step`-th seed from the first on, for so many seconds."""

    first: int
    step: int
    seconds: float
    stop_at_broken: bool = False
    bug: str | None = None


def simulate(seeds: Seeds) -> Run:
    """Run histories in this process, which does nothing else ever after."""
    from tests.simulation.bugs import BUGS
    from tests.simulation.environment import environment

    run = Run()
    with environment() as opened:
        if seeds.bug is not None:
            BUGS[seeds.bug].plant()
        began, began_cpu = time.monotonic(), time.process_time()
        seed = seeds.first
        while time.monotonic() - began < seeds.seconds:
            outcome = opened.run(seed)
            seed += seeds.step
            run.histories += 1
            run.faults += outcome.faults
            run.stories.update(outcome.stories)
            if outcome.wrong:
                run.broken.append(outcome)
                if seeds.stop_at_broken:
                    break
        run.seconds = time.monotonic() - began
        run.cpu_seconds = time.process_time() - began_cpu
    return run


def simulate_beside(seeds: Sequence[Seeds]) -> list[Run]:
    """Run histories in a process each."""
    with ProcessPoolExecutor(
        len(seeds), mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        return list(pool.map(simulate, seeds))
