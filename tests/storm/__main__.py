"""Storms over the whole matrix until the time is over (`make storm`), each with a line of the table.

Of the deliveries that are unknown, so many may be: what was in flight where processes died or answers were lost.
"""

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from random import Random
from secrets import randbelow
from time import monotonic
from types import FrameType

from tests.cluster import postgres
from tests.storm.faults import FAULTS
from tests.storm.folder import open_folder
from tests.storm.scene import Cell
from tests.storm.storm import CELLS, Report, Storm, rage

_LINE = "{:20} {:8} {:>6} {:>10} {:>6} {:>6} {:>5} {:>10} {:>7}  {}"
_HEAD = _LINE.format("cell", "faults", "seed", "recipients", "delay", "faults", "sent", "unknown", "seconds", "wrong")


def forecast(cell: Cell, seed: int, *, deadly: bool) -> Storm:
    """Return the seed's storm: with deaths and lost answers, or without any."""
    rng = Random(seed)
    names = [name for name, fault in FAULTS.items() if fault.cells(cell) and (deadly or not fault.deadly)]
    faults = rng.choices(names, k=rng.randint(3, 8))
    delay = rng.choice([0.1, 0.2, 0.5, 2.0])
    # About half a minute of sending; a batch of 500 has four connections.
    recipients = round(120 / delay) if delay >= 0.5 else rng.choice([1_000, 2_000, 4_000])
    return Storm(cell, faults, seed, recipients, delay, seconds=rng.choices([2, 6, 20, 80], [4, 4, 4, 1])[0])


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make storm", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="begin no storm later than this")
    parser.add_argument(
        "--seed", type=int, default=randbelow(100_000), help="of the first storm; the next one has the next"
    )
    parser.add_argument("--only", help="one cell, such as postgresql-redis")
    parser.add_argument("--faults", choices=["deadly", "gentle"], help="with deaths and lost answers, or without")
    parser.add_argument("--keep", type=Path, help="a folder for the logs of storms that found something")
    options = parser.parse_args(arguments)
    # Its processes end with it.
    signal.signal(signal.SIGTERM, _end)
    cells = [cell for cell in CELLS if options.only in {None, str(cell)}]
    kinds = [kind for kind in ("deadly", "gentle") if options.faults in {None, kind}]
    reports: list[Report] = []
    until = monotonic() + options.minutes * 60
    print(_HEAD)
    with ExitStack() as stack:
        root = stack.enter_context(open_folder())
        template = stack.enter_context(postgres.template(root))
        seed = options.seed
        while monotonic() < until or not reports:
            for cell, kind in product(cells, kinds):
                if monotonic() >= until and reports:
                    break
                storm = forecast(cell, seed, deadly=kind == "deadly")
                folder = root / str(seed)
                folder.mkdir(mode=0o755)
                reports.append(rage(storm, template, folder))
                show(reports[-1], kind)
                if reports[-1].verdict.wrong and options.keep:
                    shutil.copytree(folder, options.keep / str(seed), ignore=shutil.ignore_patterns("postgres"))
                shutil.rmtree(folder, ignore_errors=True)
                seed += 1
    return summarize(reports)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def show(report: Report, kind: str) -> None:
    """Print a storm's line; one that found something with the command that repeats it."""
    storm, verdict = report.storm, report.verdict
    unknown = f"{verdict.unknown} of {report.may_be_unknown}"
    figures = (storm.recipients, storm.delay, report.faults, verdict.sent, unknown, round(report.seconds))
    print(_LINE.format(str(storm.cell), kind, storm.seed, *figures, "; ".join(verdict.wrong)), flush=True)
    if verdict.wrong:
        arguments = f"--only {storm.cell} --faults {kind}"
        print(f'    make storm SEED={storm.seed} MINUTES=0 ARGS="{arguments}"   {", ".join(storm.faults)}', flush=True)


def summarize(reports: Sequence[Report]) -> int:
    """Print the sums; return the exit status."""
    recipients = sum(report.storm.recipients for report in reports)
    unknown = sum(report.verdict.unknown for report in reports)
    faults = sum(report.faults for report in reports)
    failed = sum(bool(report.verdict.wrong) for report in reports)
    print(
        f"{len(reports)} storms, {recipients:,} recipients, {faults} faults, {unknown} unknown: {failed} found faults"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
