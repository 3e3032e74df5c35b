"""Continuity: whether the database still has what it had committed.

A standby that is promoted has lost the last commits of its primary unless it was synchronous. Its WAL has a new
timeline then. Each machine remembers the timeline whose deliveries it has compared with its journals; on another one
nobody sends before every machine has had the time to tell what it knows. A backup that is restored has lost more than
journals can tell (`domain.installation.life`): nobody sends before an operator has said what is to become of it.
"""

from contextlib import suppress
from pathlib import Path
from time import monotonic

from sqlalchemy import func, select

from domain.installation import queries
from domain.installation.life import Life, Standing
from domain.installation.marker import LifeMarker
from domain.kit import private_files
from domain.kit.db import Database, Transaction

# Seconds that all machines have to compare their journals with a database that was promoted.
SETTLING_SECONDS = 20.0
_FILE = "timeline"
_SETTLING = "A standby of the database was promoted: sending waits for what workers know"
_COMPARING = "The process has just started: it compares its machine's journals with the database"
_WHAT_TO_DO = (
    "nothing is sent until an operator runs `muster resume --from-backup`, which leaves unknown what may have gone out "
    "since the backup, or `muster resume --moved`, if nothing can have gone out since"
)
HELD = {
    Standing.WENT_BACK: f"The database was restored from a backup, or is another one: {_WHAT_TO_DO}",
    Standing.UNPROVEN: (
        f"Nothing in MUSTER_FILES_DIR knows this database, which others have worked with: {_WHAT_TO_DO}"
    ),
}
_REPLACED = "The file of the database was replaced while this process had it open: start all processes anew"


async def timeline_of(tx: Transaction) -> str | None:
    """Return the timeline of PostgreSQL's WAL; None on SQLite, which has no standby."""
    if tx.dialect != "postgresql":
        return None
    name: str = await tx.scalar(select(func.pg_walfile_name(func.pg_current_wal_lsn())))
    return name[:8]


class Continuity:
    """Remembers the timeline in a file beside the journals, and the newest life of the database by a marker.

    `database_file` is SQLite's.
    """

    def __init__(self, path: Path | None, marker: LifeMarker | None = None, database_file: Path | None = None) -> None:
        self._path = path
        self.marker = marker or LifeMarker(None)
        self._database_file = database_file
        self._opened = _identity(database_file)
        # False in a process that starts, until it knows that no journal here knows more than the database.
        self.compared = True

    async def held(self, tx: Transaction) -> str | None:
        """Return why nothing may be sent now, None when all is in order."""
        if self._path is None and not self.marker.enabled:
            return None
        if not self.compared:
            return _COMPARING
        life = await queries.life(tx)
        if self.suspends(None if life is None else life.timeline):
            return _SETTLING
        return await self.problem_of(life)

    async def held_everywhere(self, tx: Transaction) -> str | None:
        """Return why nobody sends now, None when all is in order or somebody works who knows the database."""
        if not self.marker.enabled:
            return None
        life = await queries.life(tx)
        problem = await self.problem_of(life)
        attended = life is not None and not life.silent
        return None if problem == HELD[Standing.UNPROVEN] and attended else problem

    async def problem_of(self, life: Life | None) -> str | None:
        """Return why nothing may be sent with such a database, None when it is the one that is known."""
        if not self.marker.enabled:
            return None
        self._opened = self._opened or _identity(self._database_file)
        if self._opened != _identity(self._database_file):
            return _REPLACED
        return HELD.get(await self.marker.standing(life))

    async def beat(self, database: Database) -> str | None:
        """Let the database live on, and have all processes know; or return why nothing may be sent.

        Raise MarkerUnwritable.
        """
        async with database.read() as tx:
            life = await queries.life(tx)
            is_due = await queries.beat_is_due(tx)
        problem = await self.problem_of(life)
        if problem is not None or life is None:
            return problem
        # Known outside before anybody works with it: one that has a beat and no marker is a stranger.
        await self.marker.write(life)
        if not is_due:
            return None
        async with database.write() as tx:
            life = await queries.life(tx) if await queries.beat(tx, life.epoch) else None
        if life is not None and await self.problem_of(life) is None:
            await self.marker.write(life)
        return None

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
        private_files.make_directory(self._path)
        # The first timeline that a machine sees was not promoted before its eyes.
        since = 0.0 if remembered is None else monotonic()
        new = self._path / f"{_FILE}.new"
        new.touch(private_files.FILE)
        new.write_text(f"{timeline} {since}\n")
        new.replace(self._path / _FILE)

    def _remembered(self) -> tuple[str, float] | None:
        if self._path is not None:
            with suppress(OSError, ValueError):
                timeline, since = (self._path / _FILE).read_text().split()
                return timeline, float(since)
        return None


def _identity(file: Path | None) -> tuple[int, int] | None:
    if file is not None:
        with suppress(OSError):
            stat = file.stat()
            return stat.st_dev, stat.st_ino
    return None
