"""What is done with a store."""

from domain.kit.db import Transaction
from domain.kit.errors import NotFound
from domain.stores import queries
from domain.stores.model import Store, StoreChange, changed


async def change(tx: Transaction, store_id: int, given: StoreChange) -> tuple[Store, Store]:
    """The store as it was, and as it is from now on."""
    had = await queries.lock(tx, store_id)
    if had is None:
        raise NotFound("There is no such store")
    made = changed(had, given)
    await queries.change(tx, made)
    return had, made
