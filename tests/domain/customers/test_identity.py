"""Imports, API and events find a customer by one rule: whoever comes, and however, the customers are the same."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from domain.customers import actions, writes
from domain.customers.identity import Identifiers, find
from domain.customers.key import CustomerKey
from domain.customers.model import CustomerChange
from domain.customers.tables import customers
from domain.customers.upsert import upsert, upsert_many
from domain.imports.model import ImportKind
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database, Transaction
from domain.kit.values import UNSET
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW, add_store
from tests.properties import examples

A, B, P, Q = "a@shop.example", "b@shop.example", "+886912000111", "+886912000222"
LATER = NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("known", "named", "found"),
    [
        # An external id that is known, whatever else is named.
        ([Identifiers("x", A), Identifiers("y", B)], Identifiers("x", B), 0),
        # One that is unknown gets an address without an external id, and leaves others alone.
        ([Identifiers("x", A), Identifiers(None, A)], Identifiers("y", A), 1),
        ([Identifiers("x", A)], Identifiers("y", A), None),
        ([Identifiers("x", A), Identifiers(None, None, P)], Identifiers("y", A, P), 1),
        ([Identifiers(None, B, P)], Identifiers("y", None, P), 0),
        # An address alone, with or without an external id: the oldest.
        ([Identifiers("x", A), Identifiers(None, A)], Identifiers(None, A), 0),
        # A phone number finds nobody whose e-mail address is another one.
        ([Identifiers(None, B, P)], Identifiers(None, A, P), None),
        ([Identifiers(None, B, P), Identifiers("x", None, P)], Identifiers(None, A, P), 1),
        ([Identifiers(None, B, P), Identifiers("x", None, P)], Identifiers("y", A, P), None),
        ([Identifiers("x", B, P)], Identifiers(None, None, P), 0),
        ([Identifiers("x", A, P)], Identifiers("y", B, Q), None),
    ],
)
async def test_who_is_found(
    database: Database, store_id: int, known: list[Identifiers], named: Identifiers, found: int | None
) -> None:
    async with database.write() as tx:
        other_store_id = await add_store(tx)
        await upsert(tx, other_store_id, _change(named), NOW)
        ids = [await _add(tx, store_id, keys) for keys in known]
        assert await find(tx, store_id, [Identifiers(), named]) == [None, None if found is None else ids[found]]


async def test_who_is_not_deleted_is_found_first(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        deleted, live = [await _add(tx, store_id, Identifiers(key, A)) for key in "xy"]
        await actions.remove(tx, store_id, deleted, NOW)
        assert await find(tx, store_id, [Identifiers(None, A)]) == [live]
        await actions.remove(tx, store_id, live, NOW)
        assert await find(tx, store_id, [Identifiers(None, A), Identifiers("x")]) == [deleted, deleted]


async def test_a_newsletter_address_and_the_shops_row_are_one_customer(database: Database, store_id: int) -> None:
    """h07, in two files and in one; the phone number alone is h15."""
    await _import(database, store_id, "email,consent.email\nnora@mail.example,SUBSCRIBED\n")
    await _import(database, store_id, "external_id,name,email\nshop-9,Nora,nora@mail.example\n")
    await _import(database, store_id, "external_id,email\n,bo@mail.example\nshop-8,bo@mail.example\n")
    await _import(database, store_id, "phone,name\n+886912000111,Phone Only\n")
    await _import(database, store_id, "phone,name\n+886912000111,Renamed\n+886912000111,Again\n")
    assert await _stored(database, store_id) == [
        ("shop-9", "nora@mail.example", None, "Nora", False),
        ("shop-8", "bo@mail.example", None, None, False),
        (None, None, "+886912000111", "Again", False),
    ]
    async with database.write() as tx:
        assert await find(tx, store_id, [Identifiers("shop-9")]) == await find(
            tx, store_id, [Identifiers(None, "nora@mail.example")]
        )


_identifiers = st.builds(
    Identifiers,
    st.sampled_from([None, None, "x", "y", "z"]),
    st.sampled_from([None, A, B]),
    st.sampled_from([None, None, P, Q]),
).filter(lambda named: named != Identifiers())
_event_keys = st.one_of(
    st.sampled_from("xyz").map(Identifiers), st.sampled_from([A, B]).map(lambda email: Identifiers(None, email))
)
_steps = st.one_of(
    st.tuples(st.just("import"), st.lists(_identifiers, min_size=1, max_size=5)),
    st.tuples(st.just("api"), st.lists(_identifiers, min_size=1, max_size=5)),
    st.tuples(st.just("events"), st.lists(_event_keys, min_size=1, max_size=3)),
    st.tuples(st.just("delete"), st.lists(st.sampled_from("xyz").map(Identifiers), min_size=1, max_size=1)),
)
Step = tuple[str, list[Identifiers]]


@pytest.mark.slow
@examples(60, shrink=False)
@given(steps=st.lists(_steps, min_size=1, max_size=6))
def test_all_ways_in_make_the_same_customers(database_url: str, steps: list[Step]) -> None:
    asyncio.run(_check(database_url, steps))


async def _check(url: str, steps: Sequence[Step]) -> None:
    database = Database(url)
    names, expected = map(str, count(1)), _Customers()
    try:
        async with database.write() as tx:
            store_id = await add_store(tx)
        for way, descriptions in steps:
            named = [(keys, next(names)) for keys in descriptions]
            await _bring(database, store_id, way, named)
            for keys, name in named:
                expected.bring(way, keys, name)
        assert await _stored(database, store_id) == expected.rows
    finally:
        await database.close()


async def _bring(database: Database, store_id: int, way: str, named: Sequence[tuple[Identifiers, str]]) -> None:
    if way == "import":
        rows = [",".join((keys.external_id or "", keys.email or "", keys.phone or "", name)) for keys, name in named]
        await _import(database, store_id, "\n".join(["external_id,email,phone,name", *rows]))
        return
    async with database.write() as tx:
        if way == "api":
            await upsert_many(tx, store_id, [_change(keys, name) for keys, name in named], LATER)
        elif way == "events":
            events = [
                TrackedEvent(name, "tasting", CustomerKey(external_id=keys.external_id, email=keys.email), NOW, {})
                for keys, name in named
            ]
            await track.track(tx, store_id, events, LATER)
        else:
            for known_id in await find(tx, store_id, [keys for keys, _ in named]):
                if known_id is not None:
                    await actions.remove(tx, store_id, known_id, LATER)


@dataclass
class _Known:
    external_id: str | None
    email: str | None
    phone: str | None
    name: str | None
    deleted: bool = False


@dataclass
class _Customers:
    """The rule in plain Python, a description after the other."""

    known: list[_Known] = field(default_factory=list[_Known])

    @property
    def rows(self) -> list[tuple[str | None, str | None, str | None, str | None, bool]]:
        return [(one.external_id, one.email, one.phone, one.name, one.deleted) for one in self.known]

    def bring(self, way: str, named: Identifiers, name: str) -> None:
        known = self._find(named)
        if way == "delete":
            if known is not None:
                known.deleted = True
        elif known is None:
            self.known.append(_Known(named.external_id, named.email, named.phone, None if way == "events" else name))
        elif way != "events":
            known.external_id = named.external_id or known.external_id
            known.email, known.phone = named.email or known.email, named.phone or known.phone
            known.name, known.deleted = name, False

    def _find(self, named: Identifiers) -> _Known | None:
        for at, key in enumerate(("external_id", "email", "phone")):
            value = getattr(named, key)
            stronger = [name for name in ("external_id", "email", "phone")[:at] if getattr(named, name)]
            found = [
                one
                for one in self.known
                if value and getattr(one, key) == value and not any(getattr(one, name) for name in stronger)
            ]
            if found:
                return min(found, key=lambda one: one.deleted)
        return None


def _change(named: Identifiers, name: str | None = None) -> CustomerChange:
    return CustomerChange(
        external_id=named.external_id or UNSET, email=named.email or UNSET, phone=named.phone or UNSET, name=name
    )


async def _add(tx: Transaction, store_id: int, keys: Identifiers) -> int:
    number = await writes.take_numbers(tx, store_id, 1)
    row = writes.new_row(store_id, number, NOW)
    row |= {"external_id": keys.external_id, "email": keys.email, "phone": keys.phone}
    await writes.add(tx, [row])
    return number


async def _import(database: Database, store_id: int, text: str) -> None:
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, text.encode())
    assert done.status == "DONE"
    assert await problems_of(database, done) == []


async def _stored(
    database: Database, store_id: int
) -> list[tuple[str | None, str | None, str | None, str | None, bool]]:
    columns = (customers.c.external_id, customers.c.email, customers.c.phone, customers.c.name, customers.c.deleted_at)
    async with database.read() as tx:
        rows = await tx.execute(select(*columns).where(customers.c.store_id == store_id).order_by(customers.c.id))
        return [(*keys, deleted_at is not None) for *keys, deleted_at in rows]
