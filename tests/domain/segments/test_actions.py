"""Segments as they are created, changed and previewed."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from muster_sdk import AddressKind
from sqlalchemy import text

from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.kit.errors import DomainError, DomainErrors, ErrorCode, NotFound
from domain.segments import actions, queries
from domain.segments.evaluation.deadline import TookTooLong, reading
from domain.segments.evaluation.preview import Previews
from domain.segments.evaluation.reach import ChannelReach
from domain.segments.evaluation.resolve import catalogue, select_ids
from domain.segments.filters import (
    BLACKLISTED,
    AllOf,
    AttributeCondition,
    Definition,
    MembershipCondition,
    Operator,
)
from domain.segments.model import PolicyInput, Segment, SegmentInput, SegmentKind, UpdateMode
from domain.segments.validation import FilterContext
from domain.stores.model import Limits, Store
from tests.domain.segments.dimension_values import values_of
from tests.domain.segments.stored_people import LIST, NOW, TIMEZONE, make_people, store_people

EVERYONE = make_people()
LIVE = [person for person in EVERYONE if person.row["deleted_at"] is None]
VIPS = [person.id for person in LIVE if "VIP" in person.tags]
IS_VIP = {"attribute": {"dimension": "tag", "operator": "EQ", "values": ["VIP"]}}


@dataclass(frozen=True)
class StoreStage:
    database: Database
    context: FilterContext

    @property
    def id(self) -> int:
        return self.context.store.id

    async def create(self, **given: object) -> Segment:
        async with self.database.write() as tx:
            return await actions.create(tx, self.context, SegmentInput(**{"name": "G", **given}))  # type: ignore[arg-type]

    async def change(self, segment: Segment, context: FilterContext | None = None, **given: object) -> Segment:
        async with self.database.write() as tx:
            input_ = SegmentInput(**given)  # type: ignore[arg-type]
            return await actions.change(tx, context or self.context, segment.id, input_)

    async def members(self, segment: Segment) -> list[int]:
        async with self.database.read() as tx:
            ids = await tx.execute(await select_ids(tx, segment, self.context.scope(tx), NO_EXTENSIONS))
            return sorted(ids.scalars())

    async def stored(self, segment: Segment) -> Segment | None:
        async with self.database.read() as tx:
            return await queries.by_id(tx, self.id, segment.id)


@pytest.fixture
async def store(database: Database, store_id: int) -> StoreStage:
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
        known = await catalogue(tx, store_id, {"email": "E-mail", "sms": "SMS"}, NO_EXTENSIONS)
    return StoreStage(
        database,
        FilterContext(Store(store_id, "Shop", TIMEZONE, "TWD", Limits(20, 5)), known, NOW, extensions=NO_EXTENSIONS),
    )


async def test_a_segment_is_stored_as_it_was_drawn_up(store: StoreStage) -> None:
    segment = await store.create(include=IS_VIP, description="Ours", update=PolicyInput(UpdateMode.AUTO, 7))
    assert await store.stored(segment) == segment
    assert segment.definition == Definition(AttributeCondition("tag", Operator.EQ, ("VIP",)), BLACKLISTED)
    assert segment.policy.started_on == date(2026, 3, 1)  # in Taipei
    assert (segment.name, segment.list_name, segment.active, segment.kind) == ("G", "G", True, SegmentKind.DYNAMIC)


async def test_blacklisted_customers_are_left_out_unless_it_says_otherwise(store: StoreStage) -> None:
    """SL-53, vector 10."""
    listed = [person.id for person in LIVE if person.row["blacklisted"]]
    assert listed
    assert set(await store.members(await store.create(include=IS_VIP))) == set(VIPS) - set(listed)
    anyone = await store.create(name="H", query='tag = "VIP" EXCLUDE NOBODY')
    assert await store.members(anyone) == VIPS


async def test_a_name_is_unique_in_its_store(store: StoreStage) -> None:
    await store.create()
    other = await store.create(name="Other")
    for attempt in (store.create(name=" G "), store.change(other, name="G")):
        with pytest.raises(DomainError) as caught:
            await attempt
        assert (caught.value.code, caught.value.field) == (ErrorCode.TAKEN, ("name",))


async def test_everything_wrong_is_told_at_once(store: StoreStage) -> None:
    with pytest.raises(DomainErrors) as caught:
        await store.create(
            name="x" * 51,
            include={"all": [{"not": {"membership": {"segmentId": str(UUID(int=99))}}}]},
            exclude={"membership": {"listId": str(UUID(int=98))}},
            update=PolicyInput(UpdateMode.AUTO, 8),
            customer_ids=[1],
        )
    assert {error.field for error in caught.value.errors} == {
        ("name",),
        ("include", "all", 0, "not", "membership", "segmentId"),
        ("exclude", "membership", "listId"),
        ("update", "everyDays"),
        ("customerIds",),
    }


async def test_a_query_and_a_filter_are_one_too_many(store: StoreStage) -> None:
    with pytest.raises(DomainErrors) as caught:
        await store.create(include=IS_VIP, query='tag = "VIP"')
    assert caught.value.errors[0].field == ("query",)


async def test_what_is_left_out_of_a_change_stays(store: StoreStage) -> None:
    segment = await store.create(include=IS_VIP, description="Ours", update=PolicyInput(UpdateMode.AUTO, 7))
    later = replace(store.context, now=NOW + timedelta(days=3))
    changed = await store.change(segment, later, name="New name")
    assert changed == replace(segment, name="New name", updated_at=later.now)
    assert changed.list_name == "G"  # SL-15: lists keep the name given at creation
    assert await store.stored(segment) == changed
    assert (await store.change(segment, later, exclude=None, description=None)).description is None


async def test_a_changed_policy_begins_a_new_cycle_that_day(store: StoreStage) -> None:
    """SL-06 and SL-07; the same policy again goes on as it was."""
    segment = await store.create(update=PolicyInput(UpdateMode.AUTO, 7))
    later = replace(store.context, now=NOW + timedelta(days=9))
    assert (await store.change(segment, later, update=PolicyInput(UpdateMode.AUTO, 7))).policy == segment.policy
    changed = await store.change(segment, later, update=PolicyInput(UpdateMode.AUTO, 14))
    assert changed.policy.started_on == date(2026, 3, 10)
    by_hand = await store.change(segment, later, update=None)
    assert (by_hand.policy.mode, by_hand.next_refresh_at) == (UpdateMode.MANUAL, None)


async def test_a_segment_never_refers_back_to_itself(store: StoreStage) -> None:
    first = await store.create()
    second = await store.create(name="H", include={"membership": {"segmentId": str(first.id)}})
    third = {"all": [IS_VIP, {"membership": {"segmentId": str(second.id), "member": False}}]}
    for circle, path in ((third, ("all", 1)), ({"membership": {"segmentId": str(first.id)}}, ())):
        with pytest.raises(DomainErrors) as caught:
            await store.change(first, include=circle)
        assert [error.field for error in caught.value.errors] == [("include", *path, "membership", "segmentId")]


async def test_segments_within_segments_and_lists_are_followed(store: StoreStage) -> None:
    inner = await store.create(include=IS_VIP, exclude={"membership": {"listId": str(LIST)}})
    outer = await store.create(name="H", query=f'NOT in segment "{inner.id}" EXCLUDE NOBODY')
    listed = {person.id for person in LIVE if person.listed}
    assert set(await store.members(outer)) == {person.id for person in LIVE} - (set(VIPS) - listed)


async def test_a_static_segment_holds_the_customers_picked_for_it(store: StoreStage) -> None:
    """QS-05."""
    customer_ids = [person.id for person in LIVE[:5]]
    segment = await store.create(kind=SegmentKind.STATIC, customer_ids=[*customer_ids, customer_ids[0]])
    assert await store.members(segment) == customer_ids
    assert segment.definition == Definition(None, None)


async def test_a_static_segment_holds_all_that_a_filter_found_then(store: StoreStage) -> None:
    """QS-06: what comes later does not change it."""
    segment = await store.create(kind=SegmentKind.STATIC, query='tag = "VIP" EXCLUDE NOBODY')
    assert await store.members(segment) == VIPS
    async with store.database.write() as tx:
        await tx.execute(text("DELETE FROM customer_tags"))
    assert await store.members(segment) == VIPS


async def test_picking_beyond_the_limit_picks_nobody(store: StoreStage) -> None:
    """QS-02, QS-14 and vector 12: all or nothing, and how many would fit."""
    many = [person.id for person in LIVE]
    await store.create(name="Full", kind=SegmentKind.STATIC, customer_ids=many[:20])
    for fields in ({"customer_ids": many[:21]}, {"query": "EVERYONE"}):
        with pytest.raises(DomainError, match="20 would fit, and these are") as caught:
            await store.create(kind=SegmentKind.STATIC, **fields)
        assert caught.value.code is ErrorCode.LIMIT_EXCEEDED
    raised = replace(store.context, store=replace(store.context.store, limits=Limits(21, 5)))
    segment = await StoreStage(store.database, raised).create(kind=SegmentKind.STATIC, customer_ids=many[:21])
    assert len(await store.members(segment)) == 21


async def test_unknown_and_deleted_customers_are_told_by_their_place(store: StoreStage) -> None:
    gone = next(person.id for person in EVERYONE if person.row["deleted_at"] is not None)
    with pytest.raises(DomainErrors) as caught:
        await store.create(kind=SegmentKind.STATIC, customer_ids=[LIVE[0].id, gone, 999])
    assert [error.field for error in caught.value.errors] == [("customerIds", 1), ("customerIds", 2)]


async def test_another_stores_segment_does_not_exist(store: StoreStage) -> None:
    segment = await store.create()
    async with store.database.write() as tx:
        other = replace(store.context, store=replace(store.context.store, id=store.id + 1))
        with pytest.raises(NotFound):
            await actions.change(tx, other, segment.id, SegmentInput(name="Mine"))


async def test_segments_are_found_by_name_and_state(store: StoreStage) -> None:
    segments = [await store.create(name=name) for name in ("Spring 100%", "spring_b", "Autumn")]
    async with store.database.read() as tx:
        for search, expected in (
            ("SPRING", segments[:2]),
            ("100%", segments[:1]),
            ("_", segments[1:2]),
            (None, segments),
        ):
            rows = await tx.execute(queries.listing(store.id, search, active=True))
            segment_ids = {segment.id for segment in map(queries.segment, rows)}
            assert {segment.id for segment in expected} <= segment_ids
            assert search is None or len(segment_ids) == len(expected)


async def test_event_types_that_were_seen_are_in_the_catalogue(store: StoreStage) -> None:
    assert {"order", "visit", "Added to cart"} <= set(store.context.catalogue.behaviors)
    assert "property.number" in store.context.catalogue.dimensions


async def test_a_preview_counts_and_says_whom_each_channel_reaches(store: StoreStage) -> None:
    channels = {"email": AddressKind.EMAIL, "sms": AddressKind.PHONE, "line": AddressKind.HANDLE}
    async with store.database.write() as tx:
        await tx.execute(
            text("UPDATE contacts SET invalid = :yes WHERE customer_id = :id"), {"yes": True, "id": VIPS[0]}
        )
        await tx.execute(
            text(
                "INSERT INTO contacts (store_id, customer_id, channel, address, consent, invalid)"
                " VALUES (:s, :a, 'line', 'U1', 'SUBSCRIBED', :no), (:s, :b, 'line', 'U2', 'UNSUBSCRIBED', :no)"
            ),
            {"s": store.id, "a": VIPS[1], "b": VIPS[2], "no": False},
        )
    definition = Definition(AttributeCondition("tag", Operator.EQ, ("VIP",)), None)
    result = await Previews(store.database, extensions=NO_EXTENSIONS).preview(
        store.context.store, definition, channels, NOW
    )
    people = {person.id: person for person in EVERYONE}
    expected: list[ChannelReach] = []
    for channel in ("email", "sms"):
        failing = {VIPS[0]} if channel in people[VIPS[0]].contacts else set[int]()
        reachable = [
            customer_id
            for customer_id in VIPS
            if channel in values_of(people[customer_id], "channel") and customer_id not in failing
        ]
        accepting = [
            customer_id for customer_id in reachable if people[customer_id].consents.get(channel) == "SUBSCRIBED"
        ]
        expected.append(ChannelReach(channel, len(reachable), len(accepting)))
    assert result.count == len(VIPS)
    assert result.reach == (*expected, ChannelReach("line", 2, 1))
    assert result.sample == tuple(VIPS[:5])
    for reach in result.reach:
        on_channel = AttributeCondition("channel", Operator.EQ, (reach.channel,))
        among = Definition(AllOf((on_channel, AttributeCondition("tag", Operator.EQ, ("VIP",)))), None)
        found = await Previews(store.database, extensions=NO_EXTENSIONS).preview(store.context.store, among, {}, NOW)
        assert (reach.channel, found.count) == (reach.channel, reach.reachable)


async def test_a_preview_of_nobody(store: StoreStage) -> None:
    nobody = Definition(AttributeCondition("city", Operator.EQ, ("Nowhere",)))
    result = await Previews(store.database, extensions=NO_EXTENSIONS).preview(
        store.context.store, nobody, {"email": AddressKind.EMAIL}, NOW
    )
    assert (result.count, result.reach, result.sample) == (0, (ChannelReach("email", 0, 0),), ())


ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n"


async def test_what_takes_too_long_is_cut_short_and_says_so(store: StoreStage) -> None:
    with pytest.raises(TookTooLong, match=r"took longer than 0\.2 s"):
        async with reading(store.database, 0.2) as tx:
            await tx.execute(text(ENDLESS))
    async with reading(store.database, 30) as tx:
        assert await tx.scalar(text("SELECT 1")) == 1


async def test_a_list_that_is_gone_is_not_taken_for_an_empty_one(store: StoreStage) -> None:
    async with store.database.read() as tx:
        with pytest.raises(DomainError, match="no longer exists"):
            await select_ids(
                tx,
                Definition(MembershipCondition(list_id=UUID(int=77), member=False)),
                store.context.scope(tx),
                NO_EXTENSIONS,
            )
