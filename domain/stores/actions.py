"""Changes of a store's settings."""

from domain.kit.db import Transaction
from domain.kit.errors import NotFound
from domain.stores import queries
from domain.stores.model import Store, StoreChange, apply_change


async def update(tx: Transaction, store_id: int, change: StoreChange) -> tuple[Store, Store]:
    """Change the store. Return it as it was before and as it is now. Raise DomainErrors when a value is refused."""
    before = await queries.lock(tx, store_id)
    if before is None:
        raise NotFound("There is no such store")
    after = apply_change(before, change)
    await queries.update_store(tx, after)
    return before, after
