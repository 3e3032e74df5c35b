"""Keyset pages, against what slicing the whole list gives, on both databases."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLError
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select
from sqlalchemy.schema import CreateTable

from api.graphql.kit.connection import Page, Slice, fetch_page
from api.graphql.kit.keyset import Ordering, SortKey
from domain.kit.db import Database, Transaction
from domain.kit.db.types import Id, Instant, Money

ROWS = Table(
    "page_rows",
    MetaData(),
    Column("id", Id, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("name", Text),
    Column("at", Instant),
    Column("spent", Money, nullable=False),
    prefixes=["TEMPORARY"],
)
START = datetime(2026, 1, 1, tzinfo=UTC)
ID = SortKey(ROWS.c.id, UUID)

ORDERINGS = [
    Ordering("id", (ID,)),
    Ordering("number", (SortKey(ROWS.c.number, int), ID)),
    Ordering("number desc", (SortKey(ROWS.c.number, int, descending=True), SortKey(ROWS.c.id, UUID, descending=True))),
    Ordering("spent desc, id", (SortKey(ROWS.c.spent, Decimal, descending=True), ID)),
    Ordering("name", (SortKey(ROWS.c.name, str, nullable=True), ID)),
    Ordering("at desc", (SortKey(ROWS.c.at, datetime, descending=True, nullable=True), ID)),
    Ordering("at, nulls first", (SortKey(ROWS.c.at, datetime, nullable=True, nulls_first=True), ID)),
    Ordering("name desc, at", (SortKey(ROWS.c.name, str, True, True), SortKey(ROWS.c.at, datetime, False, True), ID)),
]


def row(key: int) -> dict[str, Any]:
    return {
        "id": UUID(int=(key * 7919) % 1000 + 1),
        "number": key % 4,
        "name": None if key % 5 == 0 else f"name {key % 3}",
        "at": None if key % 4 == 1 else START + timedelta(microseconds=key % 3),
        "spent": Decimal(key % 6) / 4,
    }


@pytest.fixture
async def tx(database: Database) -> AsyncGenerator[Transaction]:
    async with database.write() as open_tx:
        await open_tx.execute(CreateTable(ROWS))
        await open_tx.execute(insert(ROWS), [row(key) for key in range(30)])
        yield open_tx


async def ask(tx: Transaction, ordering: Ordering, page: Page) -> Slice[UUID]:
    return await fetch_page(tx, select(ROWS.c.id), ordering, page, lambda row: row[0])


@pytest.mark.parametrize("ordering", ORDERINGS, ids=lambda o: o.name)
async def test_pages_forward_and_backward_are_slices_of_one_list(tx: Transaction, ordering: Ordering) -> None:
    all_rows = await ask(tx, ordering, Page.of(first=250))
    assert len(set(all_rows.items)) == 30
    assert (all_rows.has_next, all_rows.has_previous) == (False, False)
    after: str | None = None
    for at in range(0, 30, 7):
        page = await ask(tx, ordering, Page.of(first=7, after=after))
        assert page.items == all_rows.items[at : at + 7]
        assert (page.has_next, page.has_previous) == (at + 7 < 30, at > 0)
        after = page.cursors[-1]
    before: str | None = None
    for at in range(30, 0, -7):
        page = await ask(tx, ordering, Page.of(last=7, before=before))
        assert page.items == all_rows.items[max(at - 7, 0) : at]
        assert (page.has_next, page.has_previous) == (at < 30, at - 7 > 0)
        before = page.cursors[0]


@pytest.mark.parametrize("ordering", ORDERINGS, ids=lambda o: o.name)
async def test_each_row_has_a_place_between_its_neighbours(tx: Transaction, ordering: Ordering) -> None:
    all_rows = await ask(tx, ordering, Page.of(first=250))
    for (at, cursor), (_, next_one) in pairwise(enumerate(all_rows.cursors)):
        following = await ask(tx, ordering, Page.of(first=1, after=cursor))
        assert following.items == [all_rows.items[at + 1]]
        assert (await ask(tx, ordering, Page.of(first=5, after=cursor, before=next_one))).items == []


async def test_an_empty_page_still_knows_whether_there_is_more(tx: Transaction) -> None:
    page = await ask(tx, ORDERINGS[0], Page.of(first=0))
    assert (page.items, page.has_next) == ([], True)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"first": -1}, "first"), ({"first": 251}, "first"), ({"last": 251}, "last"), ({"first": 1, "last": 1}, "last")],
)
def test_a_wrong_size_is_refused_by_name(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(GraphQLError) as refused:
        Page.of(**arguments)
    assert refused.value.extensions == {"code": "BAD_USER_INPUT", "field": [named]}


def forged(ordering: Ordering, *values: object) -> str:
    return ordering.cursor(values)


BY_NUMBER = ORDERINGS[1]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "\0", "!" * 5_000, "W10", "bnVsbA", forged(ORDERINGS[0], UUID(int=1)), forged(BY_NUMBER, 1),
     forged(BY_NUMBER, None, UUID(int=1)), forged(BY_NUMBER, "1", UUID(int=1)), forged(BY_NUMBER, 1, 1),
     forged(BY_NUMBER, 2**63, UUID(int=1)), forged(BY_NUMBER, True, UUID(int=1)), forged(ORDERINGS[2], 1, UUID(int=1))],
)  # fmt: skip
async def test_a_cursor_of_another_list_is_refused(tx: Transaction, cursor: str) -> None:
    with pytest.raises(GraphQLError, match="is no cursor of this list"):
        await ask(tx, BY_NUMBER, Page.of(first=1, after=cursor))


@pytest.mark.parametrize("text", ["a\0b", "x" * 1_999])
async def test_a_cursor_with_a_text_that_no_database_takes_is_refused(tx: Transaction, text: str) -> None:
    ordering = ORDERINGS[4]
    with pytest.raises(GraphQLError):
        await ask(tx, ordering, Page.of(first=1, after=forged(ordering, text, UUID(int=1))))
