"""What is done with a store."""

from domain.db import Transaction
from domain.errors import NotFound
from domain.stores import store
from domain.stores.model import Store, StoreChange, changed


async def change(tx: Transaction, store_id: int, given: StoreChange) -> tuple[Store, Store]:
    """The store as it was, and as it is from now on."""
    had = await store.lock(tx, store_id)
    if had is None:
        raise NotFound("There is no such store")
    made = changed(had, given)
    await store.change(tx, made)
    return had, made
