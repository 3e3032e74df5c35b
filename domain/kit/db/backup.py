"""A copy of the SQLite database as it is at one moment, while others write to it."""

import asyncio
import os
import secrets
from pathlib import Path

from sqlalchemy import text

from domain.kit.db.engine import Database


async def copy_sqlite(database: Database, file: Path) -> None:
    """Write the copy, which its owner alone can read; the file is there whole, or not at all."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    # SQLite writes into an empty file as into none.
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        async with database.read() as tx:
            await tx.execute(text("VACUUM INTO :file"), {"file": str(unfinished)})
        await asyncio.to_thread(_store, unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def _store(unfinished: Path, file: Path) -> None:
    _sync(unfinished)
    unfinished.replace(file)
    _sync(file.absolute().parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
