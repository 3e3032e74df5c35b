"""Continuity: whether the database still has what it had committed.

A standby that is promoted has lost the last commits of its primary unless it was synchronous. Its WAL has a new
timeline then. Each machine remembers the timeline whose deliveries it has compared with its journals; on another one
nobody sends before every machine has had the time to tell what it knows.
"""

from contextlib import suppress
from pathlib import Path
from time import monotonic

from sqlalchemy import func, select

from domain.kit.db import Transaction

# Seconds that all machines have to compare their journals with a database that was promoted.
SETTLING_SECONDS = 20.0
_FILE = "timeline"


async def timeline_of(tx: Transaction) -> str | None:
    """Return the timeline of PostgreSQL's WAL; None on SQLite, which has no standby."""
    if tx.dialect != "postgresql":
        return None
    name: str = await tx.scalar(select(func.pg_walfile_name(func.pg_current_wal_lsn())))
    return name[:8]


class Continuity:
    """Remembers the timeline in a file beside the journals, for all processes of the machine."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def is_compared(self, timeline: str | None) -> bool:
        """Return whether this machine has compared its journals with the database; one that knows of none has."""
        return timeline is None or (self._remembered() or (timeline, 0.0))[0] == timeline

    def suspends(self, timeline: str | None) -> bool:
        """Return whether sending has to wait for what machines still have to tell."""
        remembered = self._remembered()
        if timeline is None or remembered is None:
            return False
        compared, since = remembered
        # The machine's clock has begun anew where the time lies ahead of it.
        return compared != timeline or since <= monotonic() < since + SETTLING_SECONDS

    def remember(self, timeline: str) -> None:
        """Note that this machine's journals have been compared with the timeline."""
        remembered = self._remembered()
        if self._path is None or (remembered is not None and remembered[0] == timeline):
            return
        self._path.mkdir(parents=True, exist_ok=True)
        # The first timeline that a machine sees was not promoted before its eyes.
        since = 0.0 if remembered is None else monotonic()
        new = self._path / f"{_FILE}.new"
        new.write_text(f"{timeline} {since}\n")
        new.replace(self._path / _FILE)

    def _remembered(self) -> tuple[str, float] | None:
        if self._path is not None:
            with suppress(OSError, ValueError):
                timeline, since = (self._path / _FILE).read_text().split()
                return timeline, float(since)
        return None
