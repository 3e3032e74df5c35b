"""Members of lists and static segments: who is a recipient, and why another is not."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import insert, select

from domain.deliveries.audience import Audience, members_with_reasons
from domain.deliveries.model import AcceptMarketing
from domain.kit import ids
from domain.kit.db import Database, Transaction
from domain.segments.tables import segment_members, segments
from tests.domain.campaigns.stage import add_customer, add_list
from tests.factories import NOW


async def add_static_segment(tx: Transaction, store_id: int, members: list[int]) -> UUID:
    segment_id = ids.new()
    row = {"store_id": store_id, "id": segment_id, "name": "Staff", "list_name": "S", "kind": "STATIC", "active": True}
    dates = {"started_on": NOW.date(), "created_at": NOW, "updated_at": NOW}
    await tx.execute(insert(segments).values(row | dates | {"update_mode": "MANUAL"}))
    rows = [{"store_id": store_id, "segment_id": segment_id, "customer_id": member} for member in members]
    await tx.execute(insert(segment_members), rows)
    return segment_id


async def make_audience(tx: Transaction, store_id: int, members: list[int]) -> Audience:
    list_id = await add_list(tx, store_id, members)
    return Audience(store_id, list_id, "recording", AddressKind.EMAIL, AcceptMarketing.ACCEPTED_ONLY)


async def reasons(tx: Transaction, audience: Audience) -> Mapping[int, str | None]:
    members = members_with_reasons(audience, tx.dialect)
    rows = await tx.execute(select(members.c.customer_id, members.c.reason))
    return {row.customer_id: row.reason for row in rows}


async def test_the_first_reason_counts(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await add_customer(tx, store_id, 1, deleted_at=NOW, blacklisted=True)
        await add_customer(tx, store_id, 2, blacklisted=True, email=None)
        await add_customer(tx, store_id, 3, email=None, consent="UNSUBSCRIBED")
        await add_customer(tx, store_id, 4, invalid=True, consent="UNSUBSCRIBED")
        await add_customer(tx, store_id, 5, consent="UNSUBSCRIBED")
        await add_customer(tx, store_id, 6, consent=None)
        await add_customer(tx, store_id, 7)
        audience = await make_audience(tx, store_id, [1, 2, 3, 4, 5, 6, 7])
        accepted_only = await reasons(tx, audience)
        everyone = await reasons(tx, replace(audience, accept_marketing=AcceptMarketing.ALL_BUT_UNSUBSCRIBED))
    assert accepted_only == {
        1: "DELETED",
        2: "BLACKLISTED",
        3: "NO_ADDRESS",
        4: "INVALID_ADDRESS",
        5: "UNSUBSCRIBED",
        6: "NOT_SUBSCRIBED",
        7: None,
    }
    assert everyone == {**accepted_only, 6: None}


async def test_of_several_recipients_with_one_address_the_first_gets_the_message(
    database: Database, store_id: int
) -> None:
    async with database.write() as tx:
        for number in (1, 2, 3, 4):
            consent = "UNSUBSCRIBED" if number == 1 else "SUBSCRIBED"
            await add_customer(tx, store_id, number, email="all@shop.example", consent=consent)
        audience = await make_audience(tx, store_id, [4, 3, 2, 1])
        # The first customer is no recipient, and takes the address from nobody.
        duplicate = "DUPLICATE_ADDRESS"
        assert await reasons(tx, audience) == {1: "UNSUBSCRIBED", 2: None, 3: duplicate, 4: duplicate}


async def test_members_of_excluded_lists_and_static_segments_are_excluded(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        members = [await add_customer(tx, store_id, number) for number in (1, 2, 3)]
        audience = await make_audience(tx, store_id, members)
        list_id, segment_id = await add_list(tx, store_id, [1]), await add_static_segment(tx, store_id, [2])
        excluding = replace(audience, exclude=(list_id, segment_id), static_segments={segment_id})
        assert await reasons(tx, excluding) == {1: "EXCLUDED", 2: "EXCLUDED", 3: None}
        of_segment = replace(audience, list_id=segment_id, static_segments={segment_id})
        assert await reasons(tx, of_segment) == {2: None}
