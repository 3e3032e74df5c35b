"""Every statement on the installation's row."""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from domain.installation.life import Life
from domain.installation.tables import installation
from domain.jobs import Queue
from domain.jobs.model import JobStatus
from domain.jobs.tables import jobs
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now, insert_into

_ID = 1
_IS_IT = installation.c.id == _ID
_SEALED_KEYS = select(installation.c.sealed_keys).where(_IS_IT)
# Seconds between two beats, while messages go out and otherwise.
_BEAT_SECONDS = 1.0
_IDLE_BEAT_SECONDS = 30.0


async def sealed_keys(tx: Transaction, *, lock: bool = False) -> bytes | None:
    """Return the lasting keys as they are sealed, None in a new database. While locked, nobody seals them anew."""
    sealed: bytes | None = await tx.scalar(_SEALED_KEYS.with_for_update(read=True) if lock else _SEALED_KEYS)
    return sealed


async def add(tx: Transaction, sealed: bytes) -> None:
    """Add the row unless it is there."""
    now = database_now(tx.dialect)
    row = {"id": _ID, "sealed_keys": sealed, "epoch": ids.new(), "beat": 0, "beat_at": now, "created_at": now}
    await tx.execute(insert_into(installation, tx.dialect).values(row).on_conflict_do_nothing())


async def replace_keys(tx: Transaction, sealed: bytes) -> None:
    values = {"sealed_keys": bindparam("sealed", type_=LargeBinary())}
    await tx.execute(update(installation).where(_IS_IT).values(values), {"sealed": sealed})


async def life(tx: Transaction) -> Life | None:
    """Return the present life of the database, None in one that nobody has worked with."""
    row = (await tx.execute(_life(tx.dialect))).one_or_none()
    if row is None:
        return None
    wal: str | None = row.wal
    timeline = None if wal is None else wal[:8]
    return Life(row.epoch, row.replaced_epoch, row.beat, row.beat_at, row.now, timeline, row.place)


@cache
def _life(dialect: str) -> Select[*tuple[Any, ...]]:
    columns = (
        installation.c.epoch,
        installation.c.replaced_epoch,
        installation.c.beat,
        installation.c.beat_at,
        database_now(dialect).label("now"),
    )
    if dialect != "postgresql":
        return select(*columns, null().label("wal"), null().label("place")).where(_IS_IT)
    wal = func.pg_walfile_name(func.pg_current_wal_lsn()).label("wal")
    # Files of the server that stay with its standbys, and are others once a dump is restored.
    place = cast(literal_column("installation.tableoid"), String).label("place")
    return select(*columns, wal, place).where(_IS_IT)


async def beat_is_due(tx: Transaction) -> bool:
    """Return whether it is time for another beat: once a second while messages go out."""
    return bool(await tx.scalar(select(_IS_DUE[tx.dialect]).where(_IS_IT)))


async def beat(tx: Transaction, epoch: UUID) -> bool:
    """Let the database live on; return whether it was time to: of all processes, one does it."""
    values = {"beat": installation.c.beat + 1, "beat_at": database_now(tx.dialect)}
    is_due = _IS_IT, installation.c.epoch == epoch, _IS_DUE[tx.dialect]
    beaten = await tx.execute(update(installation).where(*is_due).values(values))
    return bool(beaten.rowcount)


def _is_due(dialect: str) -> ColumnElement[bool]:
    running = exists().where(jobs.c.queue == Queue.DELIVERIES.value, jobs.c.status == JobStatus.RUNNING.value)
    return or_(
        installation.c.beat == 0,
        and_(installation.c.beat_at < database_later(-_BEAT_SECONDS, dialect), running),
        installation.c.beat_at < database_later(-_IDLE_BEAT_SECONDS, dialect),
    )


_IS_DUE = {dialect: _is_due(dialect) for dialect in ("postgresql", "sqlite")}


async def begin_epoch(tx: Transaction, replaced: UUID) -> None:
    """Begin another life of the database, which follows the replaced one: those who know that one go on."""
    await _set_life(tx, replaced, beat=0)


async def begin_unknown_epoch(tx: Transaction) -> None:
    """Begin another life of the database that nobody knows: all who would work with it stop."""
    await _set_life(tx, None, beat=1)


async def _set_life(tx: Transaction, replaced: UUID | None, beat: int) -> None:
    values = {"epoch": ids.new(), "replaced_epoch": replaced, "beat": beat, "beat_at": database_now(tx.dialect)}
    await tx.execute(update(installation).where(_IS_IT).values(values))
