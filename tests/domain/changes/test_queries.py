"""Changes are recorded by the customers and the kinds of data that they are of."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import literal, select, union_all

from domain import changes
from domain.changes import IMMEDIATELY, ChangeKind
from domain.changes.model import MAX_CUSTOMER_ID
from domain.changes.tables import customer_changes
from domain.kit.db import Database, Transaction
from domain.kit.db.types import Instant
from tests.factories import NOW, add_store

LATER = datetime(2027, 1, 1, tzinfo=UTC)


async def marks(tx: Transaction, store_id: int) -> list[tuple[int, int, int, datetime]]:
    mark = customer_changes.c
    rows = await tx.execute(
        select(mark.kinds, mark.first_id, mark.last_id, mark.due_at)
        .where(mark.store_id == store_id)
        .order_by(mark.due_at, mark.first_id)
    )
    return [(row.kinds, row.first_id, row.last_id, row.due_at) for row in rows]


@pytest.mark.parametrize("as_select", [False, True])
async def test_consecutive_customers_are_one_mark(database: Database, store_id: int, *, as_select: bool) -> None:
    customer_ids = [7, 3, 1, 2, 7, 9]
    ids = union_all(*(select(literal(customer_id).label("id")) for customer_id in customer_ids)).subquery()
    async with database.write() as tx:
        await changes.record_change(tx, store_id, ChangeKind.ORDERS, select(ids.c.id) if as_select else customer_ids)
        assert await marks(tx, store_id) == [
            (ChangeKind.ORDERS, first, last, IMMEDIATELY) for first, last in [(1, 3), (7, 7), (9, 9)]
        ]


async def test_a_change_of_no_customer_is_none(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        before = await changes.versions(tx, store_id)
        await changes.record_change(tx, store_id, ChangeKind.ORDERS, [])
        await changes.record_future_change(tx, store_id, ChangeKind.ORDERS, [])
        assert await marks(tx, store_id) == []
        assert await changes.versions(tx, store_id) == before


async def test_a_change_of_a_store_is_one_of_every_customer(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await changes.record_store_change(tx, store_id, ChangeKind.GROUPS)
        await changes.record_range_change(tx, store_id, ChangeKind.PROFILE, 5, 8)
        assert await marks(tx, store_id) == [
            (ChangeKind.GROUPS, 0, MAX_CUSTOMER_ID, IMMEDIATELY),
            (ChangeKind.PROFILE, 5, 8, IMMEDIATELY),
        ]


async def test_what_is_dated_ahead_is_a_change_of_its_time(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await changes.record_future_change(tx, store_id, ChangeKind.EVENTS, [(4, LATER), (1, NOW)])
        due_times = select(literal(6).label("id"), literal(LATER + timedelta(1), Instant()).label("at"))
        await changes.record_future_changes(tx, store_id, ChangeKind.ORDERS, due_times)
        assert await marks(tx, store_id) == [
            (ChangeKind.EVENTS, 1, 1, NOW),
            (ChangeKind.EVENTS, 4, 4, LATER),
            (ChangeKind.ORDERS, 6, 6, LATER + timedelta(1)),
        ]


async def test_versions_grow_once_a_transaction_of_the_kinds_that_were_written(
    database: Database, store_id: int
) -> None:
    async with database.write() as tx:
        before, other_store = await changes.versions(tx, store_id), await add_store(tx)
    for _ in range(2):
        async with database.write() as tx:
            await changes.record_change(tx, store_id, ChangeKind.ORDERS | ChangeKind.EVENTS, [1])
            await changes.record_change(tx, store_id, ChangeKind.ORDERS, [2])
    async with database.read() as tx:
        after = await changes.versions(tx, store_id)
        assert await changes.versions(tx, other_store) == before
    grown = {kind: after.of(kind)[0] - before.of(kind)[0] for kind in ChangeKind}
    assert {kind: count for kind, count in grown.items() if count} == {ChangeKind.ORDERS: 2, ChangeKind.EVENTS: 2}
