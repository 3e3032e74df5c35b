"""Soak a server: 200 clients, 500 subscriptions, an import, an export and a campaign at once (`make soak`).

Sampled every few seconds; it fails when something grew in the second half, or was left open at the end.
DATABASE_URL names an empty PostgreSQL database; otherwise it is SQLite.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from tests.soak.figures import FIGURES, Sample
from tests.soak.soak import Load, Report, run

_COLUMN = 13


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--subscriptions", type=int, default=500)
    parser.add_argument("--pause", type=float, default=5, help="seconds between two requests of a client, about")
    parser.add_argument("--every", type=float, default=5, help="seconds between two samples")
    options = parser.parse_args(arguments)
    # Its processes end with it.
    signal.signal(signal.SIGTERM, _end)
    seconds = options.minutes * 60
    load = Load(
        seconds,
        clients=options.clients,
        subscriptions=options.subscriptions,
        pause=options.pause,
        stay=min(60, seconds / 5),
        warm=min(60, seconds / 4),
        every=options.every,
    )
    with TemporaryDirectory(prefix="muster-soak-") as name:
        url = os.environ.get("DATABASE_URL") or f"sqlite+aiosqlite:///{Path(name) / 'muster.db'}"
        print("seconds".rjust(8) + "".join(f"{f.name} {f.unit}".strip().rjust(_COLUMN) for f in FIGURES))
        return _summarize(run(url, Path(name), load, _show))


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def _show(sample: Sample) -> None:
    values = "".join(f"{sample.values[figure.name]:.0f}".rjust(_COLUMN) for figure in FIGURES)
    print(f"{sample.seconds:8.0f}{values}", flush=True)


def _summarize(report: Report) -> int:
    """Print how much each figure grew in the second half and what was done; return the exit status."""
    for label, values in (
        ("growth", [trend.growth for trend in report.trends]),
        ("allowed", [trend.noise for trend in report.trends]),
    ):
        print(label.rjust(8) + "".join(f"{value:+.1f}".rjust(_COLUMN) for value in values))
    print(", ".join(f"{count:,} {name}" for name, count in sorted(report.outcomes.items())))
    print("\n".join(report.wrong) or "Nothing grew, and nothing was left open.")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
