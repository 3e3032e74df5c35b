"""`make simulate`: run histories for a while, replay one by its seed, or plant bugs and see that each is found."""

import argparse
import sys
from random import SystemRandom

from tests.simulation.bugs import BUGS
from tests.simulation.environment import environment
from tests.simulation.runs import Run, Seeds, simulate_beside

_PROCESSES = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this history, and show what happens in it")
    parser.add_argument("--first", type=int, help="the first seed; one by chance without it")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=_PROCESSES)
    parser.add_argument("--bug", choices=list(BUGS), help="plant this bug")
    parser.add_argument("--bugs", action="store_true", help="plant each of the bugs in turn")
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed, given.bug)
    first = SystemRandom().randrange(1_000_000_000) if given.first is None else given.first
    if given.bugs:
        return find_bugs(first, given.seconds)
    run = Run()
    seeds = [Seeds(first + number, given.processes, given.seconds, bug=given.bug) for number in range(given.processes)]
    for part in simulate_beside(seeds):
        run.add(part)
    print(run.report())
    return 1 if run.broken else 0


def replay(seed: int, bug: str | None) -> int:
    """Run one history, and show what happened in it."""
    with environment() as opened:
        if bug is not None:
            BUGS[bug].plant()
        outcome = opened.run(seed, traced=True)
    print(*outcome.trace, sep="\n")
    print(f"{seed} is a history of {' and '.join(outcome.stories)} with {sum(outcome.faults.values())} faults:")
    print(*(outcome.wrong or ["nothing is wrong"]), sep="\n")
    return 1 if outcome.wrong else 0


def find_bugs(first: int, seconds: float) -> int:
    """Plant one bug after another, two at a time, and show how long it takes until each is found."""
    missed: list[str] = []
    names = list(BUGS)
    for start in range(0, len(names), _PROCESSES):
        pair = names[start : start + _PROCESSES]
        runs = simulate_beside([Seeds(first, 1, seconds, stop_at_broken=True, bug=name) for name in pair])
        for name, run in zip(pair, runs, strict=True):
            if not run.broken or is_broken_anyway(run.broken[0].seed):
                missed.append(name)
                print(f"MISSED in {run.seconds:.0f} s and {run.histories:,} histories: {name}", flush=True)
                continue
            wrong = run.broken[0].wrong[0]
            print(f"{run.seconds:5.1f} s {run.histories:6,} histories  {name}: {wrong}", flush=True)
    print(f"{len(names) - len(missed)} of {len(names)} bugs were found")
    return 1 if missed else 0


def is_broken_anyway(seed: int) -> bool:
    """Return whether the history is broken without a bug that was planted."""
    [run] = simulate_beside([Seeds(seed, 1, 0.001)])
    return bool(run.broken)


if __name__ == "__main__":
    sys.exit(main())
