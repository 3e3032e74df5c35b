from datetime import timedelta

import pytest
from sqlalchemy import insert

from domain.customers.tables import customer_facts, customers
from domain.events import log
from domain.events.model import Event
from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.segments.catalogue import catalogue
from domain.segments.evaluation.resolve import select_ids
from domain.segments.language import read
from domain.segments.sql.scope import FilterScope
from tests.factories import NOW

# Days from now at which each customer came.
VISITS = {1: [-1], 2: [-1, 1], 3: [1], 4: [-60], 5: [-60, 1], 6: []}


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        ("visit(last 7 days)", {1, 2}),
        ("NOT visit(last 7 days)", {3, 4, 5, 6}),
        ("visit.count(last 7 days) = 0", {3, 4, 5, 6}),
        ("visit(last 30 hours)", {1, 2}),
        ("visit(last 3 hours)", set[int]()),
        ("visit(last 90 days)", {1, 2, 4, 5}),
        ("visit.count(last 90 days) >= 2", set[int]()),
    ],
)
async def test_what_is_dated_ahead_hides_nothing_that_was(
    database: Database, store_id: int, query: str, matching: set[int]
) -> None:
    definition = read(query, catalogue(), "UTC", property_conditions=5)
    async with database.write() as tx:
        row: dict[str, object] = {"store_id": store_id, "created_at": NOW, "updated_at": NOW}
        row |= dict.fromkeys(("email_verified", "phone_verified", "member", "blacklisted"), False)
        await tx.execute(insert(customers), [row | {"id": number} for number in VISITS])
        facts = {"store_id": store_id, "order_count": 0, "total_spent": 0}
        await tx.execute(insert(customer_facts), [facts | {"customer_id": number} for number in VISITS])
        entries = [
            Event(f"{number}.{days}", number, "visit", NOW + timedelta(days=days))
            for number, visits in VISITS.items()
            for days in visits
        ]
        await log.append(tx, store_id, entries, NOW)
        ids = await select_ids(tx, definition, FilterScope(store_id, "UTC", NOW, tx.dialect), NO_EXTENSIONS)
        assert set((await tx.execute(ids)).scalars()) == matching
