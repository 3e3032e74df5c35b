"""Values in the store's own order: tiers compare by rank (SC-13)."""

from collections.abc import Sequence

import pytest

from domain import changes
from domain.changes import ChangeKind
from domain.customers.model import PropertyDefinition
from domain.kit.db import Database
from domain.kit.errors import DomainError, ErrorCode
from domain.kit.values import ValueType
from domain.segments import language, ranks
from domain.segments.catalogue import catalogue
from domain.segments.compiler.select import customer_ids
from domain.segments.filters import ORDERED
from domain.segments.sql.scope import FilterScope
from tests.domain.segments.stored_people import NOW, TIMEZONE, make_people, store_people
from tests.factories import add_store

PROPERTIES = [
    PropertyDefinition(0, 1, "size", "Size", ValueType.STRING),
    PropertyDefinition(0, 2, "height", "Height", ValueType.NUMBER),
]
PLAIN = catalogue(PROPERTIES)
TIERS = ("Bronze", "Silver", "Gold")


async def test_tiers_compare_by_the_order_that_the_store_gives(database: Database, store_id: int) -> None:
    everyone = make_people(5)
    for person, tier in zip(everyone, (*TIERS, "Paper", None), strict=True):
        person.row |= {"tier": tier, "blacklisted": False, "deleted_at": None}
    tiers = {person.id: person.row["tier"] for person in everyone}
    async with database.write() as tx:
        await store_people(tx, store_id, everyone)
        await ranks.replace(tx, store_id, PLAIN, "tier", TIERS)
    async with database.read() as tx:
        known = catalogue(PROPERTIES, ranks=await ranks.of(tx, store_id))

        async def found(query: str) -> set[object]:
            definition = language.read(query, known, TIMEZONE, property_conditions=5)
            assert language.write(definition) == query
            scope = FilterScope(store_id, TIMEZONE, NOW, tx.dialect)
            return {
                tiers[number] for number in (await tx.execute(customer_ids(definition, known, scope, {}))).scalars()
            }

        assert await found('tier >= "Silver"') == {"Silver", "Gold"}
        assert await found('tier > "Silver"') == {"Gold"}
        assert await found('tier <= "Silver"') == {"Bronze", "Silver"}
        assert await found('tier < "Bronze"') == set()
        assert await found('tier between "Bronze" and "Silver"') == {"Bronze", "Silver"}
        assert await found('NOT tier >= "Silver"') == {"Bronze", "Paper", None}
        assert await found('tier = "Paper"') == {"Paper"}
    assert [option.value for option in known.dimensions["tier"].options or ()] == list(TIERS)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('tier >= "Paper"', "has no rank in tier: choose of Bronze, Silver, Gold"),
        ('tier between "Gold" and "Bronze"', "BETWEEN takes the lower end first"),
        ('property.size >= "L"', "GTE does not go with property.size"),
        ('name > "A"', "GT does not go with name"),
    ],
)
def test_what_has_no_rank_is_not_compared_by_it(query: str, message: str) -> None:
    known = catalogue(PROPERTIES, ranks={"tier": TIERS})
    with pytest.raises(Exception, match=message):
        language.read(query, known, TIMEZONE, property_conditions=5)


async def test_an_order_is_replaced_and_taken_away(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        other = await add_store(tx)
        await ranks.replace(tx, other, PLAIN, "tier", ["A"])
        before = await changes.versions(tx, store_id)
    async with database.write() as tx:
        await ranks.replace(tx, store_id, PLAIN, "tier", TIERS)
        await ranks.replace(tx, store_id, PLAIN, "property.size", ["S", "M"])
        await ranks.replace(tx, store_id, PLAIN, "tier", TIERS[::-1])
        assert await ranks.of(tx, store_id) == {"tier": TIERS[::-1], "property.size": ("S", "M")}
        await ranks.replace(tx, store_id, PLAIN, "tier", [])
    async with database.read() as tx:
        assert await ranks.of(tx, store_id) == {"property.size": ("S", "M")}
        assert await ranks.of(tx, other) == {"tier": ("A",)}
        after = await changes.versions(tx, store_id)
    assert after.of(ChangeKind.PROFILE) != before.of(ChangeKind.PROFILE)


WRONG: list[tuple[str, Sequence[str], tuple[str | int, ...], ErrorCode]] = [
    ("tear", ["a"], ("dimension",), ErrorCode.NOT_FOUND),
    ("name", ["a"], ("dimension",), ErrorCode.INVALID),
    ("property.height", ["a"], ("dimension",), ErrorCode.INVALID),
    ("tier", ["a", ""], ("values", 1), ErrorCode.INVALID),
    ("tier", ["a\0"], ("values", 0), ErrorCode.INVALID),
    ("tier", ["x" * 201], ("values", 0), ErrorCode.INVALID),
    ("tier", ["a", "b", "a"], ("values", 2), ErrorCode.TAKEN),
    ("tier", [str(number) for number in range(101)], ("values",), ErrorCode.LIMIT_EXCEEDED),
]


@pytest.mark.parametrize(("dimension", "values", "field", "code"), WRONG)
async def test_an_order_that_cannot_be_is_refused(
    database: Database,
    store_id: int,
    dimension: str,
    values: Sequence[str],
    field: tuple[str | int, ...],
    code: ErrorCode,
) -> None:
    async with database.write() as tx:
        with pytest.raises(DomainError) as caught:
            await ranks.replace(tx, store_id, PLAIN, dimension, values)
    assert (caught.value.field, caught.value.code) == (field, code)


def test_a_rank_that_was_taken_away_is_said_so() -> None:
    known = catalogue(ranks={"tier": TIERS})
    definition = language.read('tier >= "Silver"', known, TIMEZONE, property_conditions=5)
    with pytest.raises(DomainError, match="'Silver', which has no rank any more"):
        customer_ids(definition, catalogue(), FilterScope(1, TIMEZONE, NOW, "sqlite"), {})


def test_orders_of_values_are_asked_for_only_where_there_are_some() -> None:
    assert not set(ORDERED) & set(PLAIN.dimensions["tier"].operators)
