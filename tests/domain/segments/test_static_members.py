"""How many a static segment holds, in its real numbers, and when several add to it at a time."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import insert

from domain.customers.tables import customer_facts, customers
from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.kit.db.portable import refresh_statistics
from domain.kit.errors import DomainError, ErrorCode
from domain.segments import actions
from domain.segments.evaluation.resolve import catalogue
from domain.segments.model import Segment, SegmentInput, SegmentKind
from domain.segments.validation import FilterContext
from domain.stores.model import PROPERTY_CONDITIONS, STATIC_SEGMENT_MEMBERS, Limits, Store
from tests.factories import NOW
from tests.journeys.processes import customer

MANY = STATIC_SEGMENT_MEMBERS + 1


@pytest.fixture
async def context(database: Database, store_id: int) -> FilterContext:
    """A store as it is created, with a customer more than a static segment holds."""
    async with database.write() as tx:
        await tx.execute(insert(customers), [customer(store_id, number) for number in range(1, MANY + 1)])
        facts = [
            {"store_id": store_id, "customer_id": number, "order_count": 0, "total_spent": Decimal(0)}
            for number in range(1, MANY + 1)
        ]
        await tx.execute(insert(customer_facts), facts)
        await refresh_statistics(tx, customers, customer_facts)
        known = await catalogue(tx, store_id, {}, NO_EXTENSIONS)
    limits = Limits(STATIC_SEGMENT_MEMBERS, PROPERTY_CONDITIONS)
    return FilterContext(Store(store_id, "Shop", "UTC", "USD", limits), known, NOW, extensions=NO_EXTENSIONS)


async def made(database: Database, context: FilterContext) -> Segment:
    async with database.write() as tx:
        return await actions.create(tx, context, SegmentInput(name="S", kind=SegmentKind.STATIC))


async def test_ten_thousand_fit_and_not_one_more(database: Database, context: FilterContext) -> None:
    """QS-02, QS-14 and vector 12; a raised limit takes them."""
    segment, everyone = await made(database, context), range(1, MANY + 1)
    for customer_ids, room in ((everyone, STATIC_SEGMENT_MEMBERS), ([MANY], 0)):
        with pytest.raises(DomainError, match=f"{room:,} would fit, and these are {len(customer_ids):,}") as caught:
            async with database.write() as tx:
                await actions.add_members(tx, context, segment.id, customer_ids, None)
        assert caught.value.code is ErrorCode.LIMIT_EXCEEDED
        if room:
            async with database.write() as tx:
                change = await actions.add_members(tx, context, segment.id, everyone[:-1], None)
            assert change.count == STATIC_SEGMENT_MEMBERS
    everybody = {"attribute": {"dimension": "email", "operator": "IS_SET"}}
    with pytest.raises(DomainError, match="10,000 are in it, 0 would fit, and these are 1") as caught:
        async with database.write() as tx:
            await actions.add_members(tx, context, segment.id, None, everybody)
    assert caught.value.field == ("filter",)
    raised = replace(context, store=replace(context.store, limits=Limits(MANY, PROPERTY_CONDITIONS)))
    async with database.write() as tx:
        assert (await actions.add_members(tx, raised, segment.id, None, everybody)).count == 1
        assert (await actions.remove_members(tx, context, segment.id, everyone)).count == MANY


async def test_those_who_add_at_a_time_do_not_go_beyond_the_limit(database: Database, context: FilterContext) -> None:
    segment = await made(database, context)
    tight = replace(context, store=replace(context.store, limits=Limits(30, PROPERTY_CONDITIONS)))
    beside = [Database(database.url) for _ in range(4)]

    async def add(at: int) -> int:
        try:
            async with beside[at].write() as tx:
                customer_ids = range(1 + at * 20, 21 + at * 20)
                return (await actions.add_members(tx, tight, segment.id, customer_ids, None)).count
        except DomainError:
            return 0

    try:
        added = await asyncio.gather(*map(add, range(4)))
    finally:
        for database_ in beside:
            await database_.close()
    assert sorted(added) == [0, 0, 0, 20]
