"""Segments in segments: no circle, no more than can be asked, found out at once however they refer to each other."""

from time import perf_counter
from uuid import UUID

import pytest

from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.segments import actions
from domain.segments.compiler.normal_form import LEAVES
from domain.segments.evaluation import references
from domain.segments.evaluation.references import (
    CHAIN,
    CircularReference,
    DirectReferences,
    Extent,
    ReferencesTooDeep,
    ReferenceWalker,
)
from domain.segments.evaluation.resolve import catalogue
from domain.segments.filters import (
    AllOf,
    AnyOf,
    AttributeCondition,
    Condition,
    Definition,
    Filter,
    MembershipCondition,
    Operator,
)
from domain.segments.model import SegmentInput
from domain.segments.validation import FilterContext
from domain.stores.model import Limits, Store
from tests.domain.segments.stored_people import NOW

VIP = AttributeCondition("tag", Operator.EQ, ("VIP",))
OTHER = AttributeCondition("tag", Operator.EQ, ("other",))


def refer(*numbers: int) -> list[Condition]:
    return [MembershipCondition(UUID(int=number)) for number in numbers]


def walk(groups: dict[int, Filter], conditions: list[Condition], own: int | None = None) -> Extent:
    direct = {UUID(int=number): DirectReferences.of(Definition(tree, None)) for number, tree in groups.items()}
    walker = ReferenceWalker(direct, None if own is None else UUID(int=own))
    return walker.extent(DirectReferences.of(Definition(AllOf(tuple(conditions)), None)))


def test_conditions_of_other_segments_are_counted() -> None:
    groups: dict[int, Filter] = {1: AllOf((VIP, OTHER)), 2: AnyOf((VIP, *refer(1, 1)))}
    assert walk(groups, [VIP, *refer(2)]) == Extent(6, 2)


def test_a_filter_that_doubles_with_each_segment_is_refused_at_once() -> None:
    doubled: dict[int, Filter] = {0: VIP}
    for number in range(1, CHAIN):
        inner, *_ = refer(number - 1)
        doubled[number] = AnyOf((AllOf((inner, VIP)), AllOf((inner, OTHER))))
    began = perf_counter()
    with pytest.raises(ReferencesTooDeep, match=f"more than {LEAVES:,} conditions"):
        walk(doubled, refer(CHAIN - 1))
    assert perf_counter() - began < 0.5


def test_a_chain_of_segments_has_an_end() -> None:
    chain: dict[int, Filter] = {0: VIP}
    for number in range(1, 5_000):
        [chain[number]] = refer(number - 1)
    assert walk(chain, refer(CHAIN - 1)).segments == CHAIN
    for longer in ([CHAIN], [4_999], [CHAIN - 1, CHAIN], [3, CHAIN]):
        with pytest.raises(ReferencesTooDeep, match=f"more than {CHAIN} segments"):
            walk(chain, refer(*longer))


@pytest.mark.parametrize("own", [1, None])
def test_no_filter_comes_back_to_itself(own: int | None) -> None:
    circle: dict[int, Filter] = {
        1: refer(2)[0],
        2: AnyOf((VIP, *refer(3))),
        3: refer(1 if own is None else 4)[0],
        4: VIP,
    }
    with pytest.raises(CircularReference):
        walk(circle, refer(2, 1), own)


async def test_a_filter_too_wide_with_what_it_refers_to_is_refused_with_its_path(
    database: Database, store_id: int
) -> None:
    async with database.write() as tx:
        known = await catalogue(tx, store_id, {}, NO_EXTENSIONS)
        context = FilterContext(
            Store(store_id, "Shop", "UTC", "USD", Limits(20, 5)), known, NOW, extensions=NO_EXTENSIONS
        )
        wide = " OR ".join(f'tag = "t{number}"' for number in range(99))
        segment = await actions.create(tx, context, SegmentInput(name="Wide", query=wide))
        ten_times = AnyOf(
            tuple(
                AllOf((MembershipCondition(segment.id), AttributeCondition("tag", Operator.EQ, (str(n),))))
                for n in range(10)
            )
        )
        faults = await references.faults(tx, store_id, Definition(ten_times, None), None)
    assert [fault.field for fault in faults] == [("include", "any", 9, "all", 0, "membership", "segmentId")]
    assert "more than 1,000 conditions" in faults[0].message
