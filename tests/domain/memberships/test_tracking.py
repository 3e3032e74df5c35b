"""Members are those whom the filters find, and events tell of exactly those who came and went."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from domain import jobs
from domain.changes.tables import customer_changes
from domain.jobs import LeaseLost, Queue
from domain.kit.db import Database
from domain.memberships import queries, tracking
from domain.memberships.model import StepLimits
from domain.memberships.tables import segment_memberships, tracked_segments
from domain.segments.filters import (
    AllOf,
    AttributeCondition,
    BehaviorCondition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Window,
)
from tests.domain.memberships.tracked_store import TrackedStore, make_tracked_store, moves_between
from tests.factories import add_store
from tests.fakes import make_services
from tests.properties import examples

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
VIP = AttributeCondition("tag", Operator.EQ, ("VIP",))
INNER, PICKED = UUID(int=1), UUID(int=90)
ASKED: list[Filter | None] = [
    VIP,
    None,
    Not(VIP),
    BehaviorCondition("visit", values=(2,), window=Window(last_days=3)),
    Not(BehaviorCondition("order", window=Window(last_days=2))),
    BehaviorCondition("order", values=(2,), window=Window(last_days=7)),
    AttributeCondition("last_order_at", Operator.MORE_THAN_DAYS_AGO, (3,)),
    AttributeCondition("created_at", Operator.WITHIN_LAST_DAYS, (4,)),
    AllOf((MembershipCondition(segment_id=INNER), Not(BehaviorCondition("visit")))),
    MembershipCondition(segment_id=PICKED),
    BehaviorCondition("segment.entered", window=Window(last_days=2)),
]


@pytest.fixture
async def tracked(database: Database) -> TrackedStore:
    async with database.write() as tx:
        store_id = await add_store(tx, timezone="Asia/Taipei")
    return await make_tracked_store(database, store_id, START)


async def follow_all(tracked: TrackedStore) -> None:
    for number, include in enumerate(ASKED, 1):
        await tracked.add(number, include)
    await tracked.add(90, None, kind="STATIC")
    await tracked.track_memberships()


person = st.integers(0, 11)
steps = st.one_of(
    st.tuples(st.just("tag"), person, st.booleans()),
    st.tuples(st.just("visit"), person, st.sampled_from([-50, -1, 0, 5])),
    st.tuples(st.just("order"), person, st.sampled_from([-100, -1, 0, 30])),
    st.tuples(st.just("blacklist"), person, st.booleans()),
    st.tuples(st.just("gone"), person, st.booleans()),
    st.tuples(st.just("pick"), person, st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 25, 80]), st.none()),
)


async def take(tracked: TrackedStore, step: tuple[str, int, object]) -> None:
    match step:
        case ("tag", who, bool(on)):
            await tracked.tag(who, "VIP", on=on)
        case ("visit" | "order" as kind, who, int(hours)):
            await tracked.track(who, kind, timedelta(hours=hours), **({"total": 5} if kind == "order" else {}))
        case ("blacklist", who, bool(on)):
            await tracked.blacklist(who, on=on)
        case ("gone", who, bool(on)):
            await (tracked.delete(who) if on else tracked.restore(who))
        case ("pick", who, _):
            await tracked.pick(PICKED, who)
        case (_, hours, _):
            tracked.now += timedelta(hours=hours)


@examples(12, shrink=False)
@given(rounds=st.lists(st.lists(steps, min_size=1, max_size=5), min_size=1, max_size=4))
async def test_after_any_history_members_are_those_whom_the_filters_find(
    tracked: TrackedStore, rounds: list[list[tuple[str, int, object]]]
) -> None:
    if not await tracked.members():
        await follow_all(tracked)
        assert await tracked.members() == await tracked.matching()
    for steps in rounds:
        before, recorded = await tracked.members(), Counter(await tracked.recorded_moves())
        for step in steps:
            await take(tracked, step)
        await tracked.track_memberships()
        after = await tracked.members()
        assert after == await tracked.matching()
        # Who came and went again within a round may be told of both ways.
        net = Counter[tuple[UUID, int]]()
        for (segment, customer, came), times in (Counter(await tracked.recorded_moves()) - recorded).items():
            net[segment, customer] += times if came else -times
        expected = {(segment, customer): 1 if came else -1 for segment, customer, came in moves_between(before, after)}
        assert {key: times for key, times in net.items() if times} == expected


async def test_whoever_is_in_a_new_or_edited_segment_did_not_come(tracked: TrackedStore) -> None:
    segment_id = await tracked.add(1, VIP)
    await tracked.tag(0, "VIP", on=True)
    await tracked.track_memberships()
    assert await tracked.members() == {segment_id: {tracked.people[0]}}
    await tracked.edit(segment_id, include=None)
    await tracked.track_memberships()
    assert await tracked.members() == {segment_id: set(tracked.people)}
    assert await tracked.recorded_moves() == []
    await tracked.delete(3)
    await tracked.track_memberships()
    assert await tracked.recorded_moves() == [(segment_id, tracked.people[3], False)]


async def test_time_alone_takes_customers_in_and_out_at_the_stores_midnight(tracked: TrackedStore) -> None:
    segment_id = await tracked.add(1, BehaviorCondition("visit", window=Window(last_days=1)))
    await tracked.track_memberships()
    await tracked.track(2, "visit", timedelta(0))
    await tracked.track_memberships()
    # The day after tomorrow begins in Taipei at 16:00 UTC of tomorrow.
    tracked.now = datetime(2026, 6, 2, 15, 59, tzinfo=UTC)
    await tracked.track_memberships()
    assert await tracked.members() == {segment_id: {tracked.people[2]}}
    tracked.now = datetime(2026, 6, 2, 16, 0, tzinfo=UTC)
    await tracked.track_memberships()
    assert await tracked.members() == {}
    assert await tracked.recorded_moves() == [
        (segment_id, tracked.people[2], True),
        (segment_id, tracked.people[2], False),
    ]


async def test_an_event_dated_ahead_counts_when_its_time_has_come(tracked: TrackedStore) -> None:
    segment_id = await tracked.add(1, BehaviorCondition("visit", window=Window(last_days=1)))
    await tracked.track_memberships()
    await tracked.track(2, "visit", timedelta(minutes=5))
    await tracked.track_memberships()
    assert await tracked.members() == {}
    tracked.now += timedelta(minutes=5)
    await tracked.track_memberships()
    assert await tracked.members() == {segment_id: {tracked.people[2]}}


async def test_a_segment_that_is_switched_off_or_deleted_is_forgotten(tracked: TrackedStore) -> None:
    first, second = await tracked.add(1, None), await tracked.add(2, VIP)
    await tracked.track_memberships()
    await tracked.edit(first, active=False)
    await tracked.track_memberships()
    assert await tracked.members() == {}
    async with tracked.database.read() as tx:
        assert list((await tx.execute(select(tracked_segments.c.segment_id))).scalars()) == [second]
    assert await tracked.recorded_moves() == []


async def test_many_changes_are_compared_as_a_whole(tracked: TrackedStore) -> None:
    segment_id = await tracked.add(1, VIP)
    await tracked.track_memberships()
    for person in range(7):
        await tracked.tag(person, "VIP", on=True)
    await tracked.track_memberships(StepLimits(max_changed=3, members=2))
    assert await tracked.members() == {segment_id: set(tracked.people[:7])}
    assert Counter(await tracked.recorded_moves()) == Counter(
        (segment_id, customer_id, True) for customer_id in tracked.people[:7]
    )


async def test_two_workers_tell_of_each_customer_once(tracked: TrackedStore) -> None:
    segment_id = await tracked.add(1, VIP)
    await tracked.track_memberships()
    for person in range(6):
        await tracked.tag(person, "VIP", on=True)
    await tracking.schedule_due(tracked.database, tracked.now)
    async with tracked.database.read() as tx:
        [notice] = await jobs.due(tx, 10, Queue.SEGMENTS)

    async def worker(name: str) -> None:
        async with tracked.database.write() as tx:
            job = await jobs.claim(tx, notice.store_id, notice.job_id, name, -1)
        if job is not None:
            try:
                await tracking.track(make_services(tracked.database, clock=lambda: tracked.now), job)
            except LeaseLost:
                return

    # A lease that is over at once: each takes the job away from the one before.
    await asyncio.gather(*(worker(f"worker {number}") for number in range(4)))
    await tracked.track_memberships()
    assert await tracked.members() == {segment_id: set(tracked.people[:6])}
    assert Counter(await tracked.recorded_moves()) == Counter(
        (segment_id, customer_id, True) for customer_id in tracked.people[:6]
    )


async def test_a_killed_worker_leaves_nothing_half_done(tracked: TrackedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    segment_id = await tracked.add(1, VIP)
    await tracked.track_memberships()
    await tracked.tag(4, "VIP", on=True)

    async def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(queries, "delete_members", die)
        with pytest.raises(RuntimeError):
            await tracked.track_memberships()
    assert (await tracked.members(), await tracked.recorded_moves()) == ({}, [])
    async with tracked.database.write() as tx:
        await tx.execute(text("UPDATE jobs SET lease_until = created_at"))
    await tracked.track_memberships()
    assert await tracked.members() == {segment_id: {tracked.people[4]}}
    assert await tracked.recorded_moves() == [(segment_id, tracked.people[4], True)]


async def test_marks_of_a_shop_without_segments_are_taken_away(tracked: TrackedStore) -> None:
    await tracked.tag(0, "VIP", on=True)
    await tracked.track_memberships()
    async with tracked.database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customer_changes)) == 0
        assert await tx.scalar(select(func.count()).select_from(segment_memberships)) == 0
