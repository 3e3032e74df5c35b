"""Every statement on the installation's row."""

from sqlalchemy import LargeBinary, bindparam, select, update

from domain.installation.tables import installation
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import database_now, insert_into

_ID = 1
_SEALED_KEYS = select(installation.c.sealed_keys).where(installation.c.id == _ID)


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
    await tx.execute(update(installation).where(installation.c.id == _ID).values(values), {"sealed": sealed})
