"""Filters are resolved by one walk over their conditions, and as many statements for many as for one."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.kit.errors import DomainError
from domain.segments.compiler.normal_form import FilterOutdated, leaves
from domain.segments.evaluation.resolve import ResolvedFilter, resolve, resolve_each, select_ids_of_each
from domain.segments.filters import AllOf, AttributeCondition, Definition, Filter, MembershipCondition, Operator
from domain.segments.sql.scope import FilterScope
from tests.domain.memberships.tracked_store import TrackedStore, make_tracked_store
from tests.domain.segments.statements import statements
from tests.factories import NOW

VIP, NEW = (AttributeCondition("tag", Operator.EQ, (tag,)) for tag in ("VIP", "new"))
BASE, ON_BASE, STATIC, GONE = (UUID(int=number) for number in (1, 2, 3, 99))


class CountedParts(tuple[Filter, ...]):  # noqa: SLOT001 - tuples have no slots of their own
    """The parts of a group, which count how often they are walked."""

    walks = 0

    def __iter__(self) -> Iterator[Filter]:
        self.walks += 1
        return super().__iter__()


@pytest.fixture
async def tracked(database: Database, store_id: int) -> TrackedStore:
    opened = await make_tracked_store(database, store_id, NOW, people=1)
    await opened.add(BASE.int, VIP)
    await opened.add(ON_BASE.int, AllOf((MembershipCondition(BASE), NEW)))
    await opened.add(STATIC.int, None, kind="STATIC")
    return opened


def scope_of(tracked: TrackedStore) -> FilterScope:
    return FilterScope(tracked.store.id, tracked.store.timezone, tracked.now, tracked.database.dialect)


async def test_a_filter_is_walked_once_and_once_for_its_normal_form(tracked: TrackedStore) -> None:
    parts = CountedParts((VIP, NEW, MembershipCondition(BASE), AttributeCondition("consent.line", Operator.IS_SET)))
    async with tracked.database.read() as tx:
        resolved = await resolve(tx, Definition(AllOf(parts), None), scope_of(tracked), NO_EXTENSIONS)
        resolved.select_ids()
    assert parts.walks == 2
    assert "consent.line" in resolved.catalogue.dimensions


async def test_many_filters_take_as_many_statements_as_one(tracked: TrackedStore) -> None:
    single = {0: Definition(MembershipCondition(ON_BASE))}
    many = single | {number: Definition(AllOf((MembershipCondition(ON_BASE), NEW))) for number in range(1, 20)}
    counts: list[int] = []
    for definitions in (single, many):
        with statements(tracked.database) as executed:
            async with tracked.database.read() as tx:
                assert all(
                    isinstance(filter_, ResolvedFilter)
                    for filter_ in (await resolve_each(tx, definitions, scope_of(tracked), NO_EXTENSIONS)).values()
                )
        counts.append(len(executed))
    assert counts[0] == counts[1]


async def test_static_segments_are_resolved_without_a_statement(tracked: TrackedStore) -> None:
    async with tracked.database.read() as tx:
        segment = await tracked.segment(tx, STATIC)
        with statements(tracked.database) as executed:
            [leaf] = leaves((await resolve(tx, segment, scope_of(tracked), NO_EXTENSIONS)).node)
    assert executed == []
    assert leaf.condition == MembershipCondition(STATIC)


async def test_a_filter_that_asks_for_what_is_gone_does_not_spoil_the_others(tracked: TrackedStore) -> None:
    gone = await tracked.add(4, MembershipCondition(GONE))
    no_dimension = await tracked.add(5, AttributeCondition("property.gone", Operator.IS_SET))
    async with tracked.database.read() as tx:
        segments = [await tracked.segment(tx, key) for key in (gone, ON_BASE, no_dimension, STATIC)]
        selected = await select_ids_of_each(tx, segments, scope_of(tracked), NO_EXTENSIONS)
        with pytest.raises(FilterOutdated, match="no longer exists"):
            await resolve(tx, segments[0], scope_of(tracked), NO_EXTENSIONS)
    assert [isinstance(ids, DomainError) for ids in selected] == [True, False, True, False]
