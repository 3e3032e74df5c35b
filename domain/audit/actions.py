"""Deletes what stores no longer keep."""

from domain.audit import queries
from domain.kit.db import Database

_PORTION = 1_000
_PORTIONS = 100


async def delete_expired(database: Database) -> None:
    """Delete the entries past their store's time, in short transactions; what is left is deleted in the next round."""
    async with database.read() as tx:
        store_ids = await queries.stores_with_expired(tx)
    for store_id in store_ids:
        for _ in range(_PORTIONS):
            async with database.write() as tx:
                if await queries.delete_expired(tx, store_id, _PORTION) < _PORTION:
                    break
