"""Makes rows for tests, each value a keyword away."""

from datetime import UTC, datetime

from sqlalchemy import insert

from domain.kit.db import Transaction
from domain.stores.tables import stores

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)


async def add_store(tx: Transaction, **values: object) -> int:
    row = {
        "name": "Shop",
        "timezone": "UTC",
        "currency": "USD",
        "static_segment_members": 10_000,
        "property_conditions": 5,
        "created_at": NOW,
    }
    store_id: int = await tx.scalar(insert(stores).values(row | values).returning(stores.c.id))
    return store_id
