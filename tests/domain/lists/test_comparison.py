"""Two lists of a segment, compared."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import insert

from domain.customers.queries import profile_of
from domain.kit.db import Database
from domain.kit.db.portable import ParentFilter
from domain.kit.errors import DomainError, ErrorCode
from domain.lists.comparison import ListChanges, Move, check_comparable, count_changes, moved
from domain.lists.model import CustomerList, ListStatus
from domain.lists.tables import list_members, lists
from tests.domain.segments.stored_people import NOW, SEGMENT, make_people, store_people

EARLIER, LATER, LATEST = UUID(int=11), UUID(int=12), UUID(int=13)
EVERYONE = make_people(60)
DELETED = {person.id for person in EVERYONE if person.row["deleted_at"] is not None}


def listed(list_id: UUID, **more: object) -> CustomerList:
    at = {"created_at": NOW, "expires_at": NOW + timedelta(days=180)}
    row = {"store_id": 1, "id": list_id, "segment_id": SEGMENT, "name": f"L{list_id.int}", "number": list_id.int}
    result = CustomerList(**row, **at, status=ListStatus.READY, count=0, problem=None, latest=False)  # type: ignore[arg-type]
    return replace(result, **more)  # type: ignore[arg-type]


async def test_who_joined_left_and_stayed(database: Database, store_id: int) -> None:
    chance = Random(3)
    on = {each: {person.id for person in EVERYONE if chance.random() < 0.5} for each in (EARLIER, LATER, LATEST)}
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
        for list_id, members in on.items():
            row = vars_of(listed(list_id, store_id=store_id))
            await tx.execute(insert(lists).values(row))
            rows = [{"store_id": store_id, "list_id": list_id, "customer_id": each} for each in members]
            await tx.execute(insert(list_members), rows)
    live = {list_id: members - DELETED for list_id, members in on.items()}
    async with database.read() as tx:
        counts = await count_changes(tx, store_id, EARLIER, [LATER, LATEST, UUID(int=77)])
        for later in (LATER, LATEST):
            before, after = live[EARLIER], live[later]
            expected = {Move.JOINED: after - before, Move.LEFT: before - after, Move.STAYED: before & after}
            for move, members in expected.items():
                rows_ = await tx.execute(moved(store_id, EARLIER, move, parent_is(later)))
                assert sorted(profile_of(each).customer.id for each in rows_) == sorted(members), (later, move)
                assert members
            assert counts[later] == ListChanges(*(len(members) for members in expected.values()))
    assert counts[UUID(int=77)] == ListChanges(0, len(live[EARLIER]), 0)


def parent_is(list_id: UUID) -> ParentFilter:
    return lambda column: column == list_id


def vars_of(customer_list: CustomerList) -> Mapping[str, object]:
    fields = ("store_id", "id", "segment_id", "name", "number", "count", "created_at", "expires_at")
    return {name: getattr(customer_list, name) for name in fields} | {"status": customer_list.status.value}


def test_lists_of_two_segments_are_not_compared() -> None:
    later = listed(LATER)
    assert check_comparable(later, listed(EARLIER)) == EARLIER
    for earlier, code in (
        (None, ErrorCode.NOT_FOUND),
        (listed(EARLIER, segment_id=UUID(int=5)), ErrorCode.INVALID),
        (listed(EARLIER, status=ListStatus.GENERATING), ErrorCode.INVALID_STATE),
    ):
        with pytest.raises(DomainError) as caught:
            check_comparable(later, earlier)
        assert (caught.value.field, caught.value.code) == (("from",), code)
