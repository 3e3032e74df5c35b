from datetime import timedelta

import pytest
from sqlalchemy import insert

from domain.customers.tables import customer_facts, customer_tags, customers
from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.segments.catalogue import catalogue
from domain.segments.evaluation.resolve import select_ids
from domain.segments.language import read
from domain.segments.sql.scope import FilterScope
from tests.factories import NOW

TAGGED = [
    (1, "VIP", "manual", NOW - timedelta(days=40)),
    (2, "VIP", "import", NOW - timedelta(days=3)),
    (2, "new", "form", NOW - timedelta(days=1)),
    (3, "new", "form", NOW),
]


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        ('tag.added(tag = "VIP", last 7 days) >= 1', {2}),
        ("tag.added.count() >= 2", {2}),
        ('tag.added.first(tag = "VIP") before 2026-06-01', {1}),
        ('NOT tag.added(source = "form", last 30 days)', {1, 4}),
    ],
)
async def test_when_a_tag_was_added_can_be_asked(
    database: Database, store_id: int, query: str, matching: set[int]
) -> None:
    """Condition 37."""
    definition = read(query, catalogue(), "UTC", property_conditions=5)
    async with database.write() as tx:
        bare: dict[str, object] = {
            "store_id": store_id,
            "email_verified": False,
            "phone_verified": False,
            "member": False,
        }
        bare |= {"blacklisted": False, "created_at": NOW, "updated_at": NOW}
        for number in range(1, 5):
            await tx.execute(insert(customers).values(**bare, id=number))
            counts = {"order_count": 0, "total_spent": 0}
            await tx.execute(insert(customer_facts).values(store_id=store_id, customer_id=number, **counts))
        for customer_id, tag, source, at in TAGGED:
            row = {"customer_id": customer_id, "tag": tag, "source": source, "added_at": at}
            await tx.execute(insert(customer_tags).values(store_id=store_id, **row))
        ids = await select_ids(tx, definition, FilterScope(store_id, "UTC", NOW, tx.dialect), NO_EXTENSIONS)
        assert set((await tx.execute(ids)).scalars()) == matching
