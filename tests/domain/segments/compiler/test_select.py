"""Compiled filters find whom a plain reading of the same tree finds, on both databases."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, and_, exists, not_, or_, select, true

from domain.customers.tables import customer_tags, customers
from domain.kit.db import Database
from domain.segments.compiler.normal_form import FilterOutdated
from domain.segments.compiler.select import customer_ids
from domain.segments.filters import (
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Window,
)
from domain.segments.sql.scope import FilterScope
from tests.domain.segments import oracle
from tests.domain.segments.filter_strategies import CATALOGUE, definitions
from tests.domain.segments.statements import alternative_selects
from tests.domain.segments.stored_people import NOW, PICKED, SEGMENT, TIMEZONE, make_people, store_people
from tests.factories import add_store
from tests.properties import examples

EVERYONE = make_people()
GROUPS: dict[UUID, Definition | None] = {
    SEGMENT: Definition(AttributeCondition("tag", Operator.EQ, ("VIP",)), None),
    PICKED: None,
}
SEGMENTS: oracle.Segments = {SEGMENT: lambda person: "VIP" in person.tags, PICKED: lambda person: person.picked}


@pytest.fixture
async def store(database: Database, store_id: int) -> tuple[Database, int]:
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
    return database, store_id


async def found(store: tuple[Database, int], definition: Definition) -> set[int]:
    database, store_id = store
    scope = FilterScope(store_id, TIMEZONE, NOW, database.dialect)
    async with database.read() as tx:
        rows = (await tx.execute(customer_ids(definition, CATALOGUE, scope, GROUPS))).scalars().all()
    assert len(rows) == len(set(rows))
    return set(rows)


def expected(definition: Definition) -> set[int]:
    return {person.id for person in EVERYONE if oracle.matches_definition(definition, person, SEGMENTS)}


@examples(150)
@given(definition=definitions)
async def test_any_filter_finds_whom_it_means(store: tuple[Database, int], definition: Definition) -> None:
    assert await found(store, definition) == expected(definition)


VIP = AttributeCondition("tag", Operator.EQ, ("VIP",))
RECENT = BehaviorCondition("order", values=(2,), window=Window(last_days=30))
SOON = BehaviorCondition("order", window=Window(last_days=400))
SEEN = BehaviorCondition("visit", window=Window(last_days=30))
LIKES = AttributeCondition("tag", Operator.CONTAINS, ("s",))
MEMBER = AttributeCondition("member", Operator.EQ, (True,))
RICH = AttributeCondition("total_spent", Operator.GT, (20,))


EASILY_GOT_WRONG: list[Filter] = [
    AnyOf((AllOf((Not(VIP), Not(LIKES))), RECENT)),
    AllOf((AnyOf((LIKES, VIP)), AnyOf((MEMBER, RECENT, Not(SOON))), Not(AllOf((SOON, MEMBER))))),
    AllOf((MEMBER, AnyOf((SOON, VIP)), AnyOf((RICH, AllOf((Not(RICH), LIKES)))))),
    AllOf((AnyOf((MEMBER, SEEN, VIP)), AnyOf((RICH, Not(SEEN))), RICH)),
    AttributeCondition("name", Operator.CONTAINS, ("İ",)),
    AttributeCondition("name", Operator.CONTAINS, ("i",)),
    AttributeCondition("name", Operator.CONTAINS, ("SS",)),
    AttributeCondition("name", Operator.CONTAINS, ("ß",)),
    AttributeCondition("name", Operator.STARTS_WITH, ("😀 z",)),
    AttributeCondition("name", Operator.CONTAINS, ("%",)),
    AttributeCondition("name", Operator.CONTAINS, ("_",)),
    AttributeCondition("name", Operator.ENDS_WITH, ("\\slash",)),
    AttributeCondition("name", Operator.EQ, ("ana",)),
    AttributeCondition("name", Operator.NEQ, ("Ana",)),
    AttributeCondition("birthday", Operator.ANNIVERSARY_IN_DAYS, (364,)),
    AttributeCondition("age", Operator.GTE, (26,)),
    AttributeCondition("total_spent", Operator.GTE, (19.99995,)),
    AttributeCondition("order_count", Operator.LT, (2.5,)),
    AttributeCondition("order_count", Operator.LT, (2**63 - 1,)),
    AttributeCondition("property.number", Operator.IS_NOT_SET),
    AttributeCondition("consent.email", Operator.EQ, ("NOT_SUBSCRIBED",)),
    BehaviorCondition("order", values=(3,), window=Window(last_days=7)),
    BehaviorCondition("order", values=(6,), window=Window(last_days=400)),
    BehaviorCondition("order", operator=Operator.LT, values=(7,), window=Window(last_days=31)),
    BehaviorCondition("order", operator=Operator.BETWEEN, values=(2, 3), window=Window(since=NOW - timedelta(days=31))),
    BehaviorCondition("visit", values=(2,)),
    BehaviorCondition("visit", operator=Operator.LT, values=(2,)),
    BehaviorCondition("order", operator=Operator.EQ, values=(0,), window=Window(last_days=30)),
    BehaviorCondition(
        "order", (AttributeCondition("category", Operator.EQ, ("Accessories",)),), operator=Operator.LT, values=(2,)
    ),
    BehaviorCondition(
        "visit",
        (AttributeCondition("first time", Operator.IS_SET), AttributeCondition("first time", Operator.NEQ, (True,))),
    ),
    AllOf((RECENT, Not(VIP), AnyOf((RECENT, VIP)))),
    AnyOf((Not(VIP), Not(RECENT), MembershipCondition(list_id=UUID(int=3)))),
]


async def test_what_is_easily_got_wrong(store: tuple[Database, int]) -> None:
    for tree in EASILY_GOT_WRONG:
        for sense in (tree, Not(tree)):
            assert await found(store, Definition(sense)) == expected(Definition(sense)), sense


async def test_a_filter_and_its_opposite_part_the_customers(store: tuple[Database, int]) -> None:
    tree = AnyOf((AttributeCondition("city", Operator.CONTAINS, ("tai",)), RECENT))
    both = await found(store, Definition(tree, None)), await found(store, Definition(Not(tree), None))
    assert both[0].isdisjoint(both[1])
    assert both[0] | both[1] == {person.id for person in EVERYONE if person.row["deleted_at"] is None}


async def test_another_stores_customers_are_never_found(store: tuple[Database, int]) -> None:
    database, _ = store
    async with database.write() as tx:
        other = await add_store(tx)
        await store_people(tx, other, [person for person in EVERYONE if person.id < 10])
    assert await found(store, Definition(VIP)) == expected(Definition(VIP))
    assert max(await found((database, other), Definition())) < 10


@examples(150)
@given(definition=definitions, dialect=st.sampled_from(["sqlite", "postgresql"]))
def test_no_or_has_a_sub_select(definition: Definition, dialect: str) -> None:
    statement = customer_ids(definition, CATALOGUE, FilterScope(1, TIMEZONE, NOW, dialect), GROUPS)
    assert list(alternative_selects(statement)) == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_or_has_a_sub_select_in_what_is_easily_got_wrong(dialect: str) -> None:
    for tree in EASILY_GOT_WRONG:
        for sense in (tree, Not(tree)):
            scope = FilterScope(1, TIMEZONE, NOW, dialect)
            assert list(alternative_selects(customer_ids(Definition(sense), CATALOGUE, scope, GROUPS))) == [], sense


_SET = customer_tags.c.customer_id.in_(select(customer_tags.c.customer_id).where(customer_tags.c.tag == "VIP"))
_FACT = customers.c.member.is_(True)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (or_(_FACT, _SET), 1),
        (or_(_FACT, and_(customers.c.id > 1, _SET)), 1),
        (or_(_FACT, exists().where(customers.c.id > 1)), 1),
        (not_(and_(_FACT, _SET)), 1),
        (and_(_FACT, _SET).is_not(true()), 1),
        (and_(_FACT, not_(_SET)), 0),
        (customers.c.id.in_(select(customer_tags.c.customer_id).where(or_(_FACT, customers.c.id > 1))), 0),
        (customers.c.id.in_(select(customer_tags.c.customer_id).where(or_(_FACT, _SET))), 1),
    ],
)
def test_a_sub_select_under_an_or_is_seen(condition: ColumnElement[bool], found: int) -> None:
    assert len(list(alternative_selects(select(customers.c.id).where(condition)))) == found


def test_one_set_asked_twice_is_made_once() -> None:
    nested = Definition(
        AnyOf((AllOf((VIP, RECENT)), AllOf((Not(VIP), AttributeCondition("member", Operator.EQ, (True,))))))
    )
    sql = str(customer_ids(nested, CATALOGUE, FilterScope(1, TIMEZONE, NOW, "sqlite"), {}))
    assert sql.count("customer_tags.tag =") == 1


def test_facts_alone_are_read_without_the_customers() -> None:
    sql = str(customer_ids(Definition(RECENT), CATALOGUE, FilterScope(1, TIMEZONE, NOW, "postgresql"), {}))
    assert "FROM customer_facts WHERE" in " ".join(sql.split())
    assert "JOIN" not in sql


def test_values_are_never_part_of_the_statement() -> None:
    tree = AttributeCondition("name", Operator.IN, ("Robert'); DROP TABLE customers;--", "x"))
    for dialect in ("sqlite", "postgresql"):
        assert "Robert" not in str(
            customer_ids(Definition(tree), CATALOGUE, FilterScope(1, TIMEZONE, NOW, dialect), {})
        )


def test_a_property_that_is_gone_is_said_so() -> None:
    gone = Definition(AttributeCondition("property.gone", Operator.IS_SET))
    with pytest.raises(FilterOutdated, match=r"property\.gone"):
        customer_ids(gone, CATALOGUE, FilterScope(1, TIMEZONE, NOW, "sqlite"), {})
