"""What is remembered is never older than the data, never more than it may be, and asked for once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muster_sdk import AddressKind
from pyroaring import BitMap
from sqlalchemy import text

from domain.customers import actions as customers
from domain.customers.model import Consent, ContactChange
from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.segments import ranks
from domain.segments.evaluation import resolve
from domain.segments.evaluation.cache import fetch, transfer
from domain.segments.evaluation.cache.lru import LeafCache, size_of
from domain.segments.evaluation.deadline import TookTooLong
from domain.segments.evaluation.preview import Previews
from domain.segments.filters import (
    AllOf,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Window,
)
from tests.domain.memberships.test_tracking import PICKED
from tests.domain.memberships.tracked_store import TrackedStore, make_tracked_store
from tests.domain.segments.statements import statements
from tests.factories import add_store
from tests.properties import examples

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
CHANNELS = {"email": AddressKind.EMAIL, "line": AddressKind.HANDLE}
VIP, NEW = (AttributeCondition("tag", Operator.EQ, (tag,)) for tag in ("VIP", "new"))
ASKED: list[Filter | None] = [
    None,
    VIP,
    AllOf((VIP, Not(NEW))),
    BehaviorCondition("visit", values=(2,), window=Window(last_days=3)),
    Not(BehaviorCondition("order", window=Window(last_days=2))),
    AllOf((AttributeCondition("order_count", Operator.GTE, (1,)), AttributeCondition("country", Operator.EQ, ("TW",)))),
    AttributeCondition("consent.line", Operator.EQ, ("SUBSCRIBED",)),
    MembershipCondition(segment_id=PICKED),
]


@pytest.fixture
async def tracked(database: Database) -> TrackedStore:
    async with database.write() as tx:
        store_id = await add_store(tx, timezone="Asia/Taipei")
    opened = await make_tracked_store(database, store_id, START)
    await opened.add(90, None, kind="STATIC")
    return opened


@pytest.fixture
async def previews(database: Database) -> AsyncIterator[Previews]:
    opened = Previews(database, LeafCache(1_000_000), extensions=NO_EXTENSIONS)
    yield opened
    await opened.close()


person = st.integers(0, 11)
writes = st.one_of(
    st.tuples(st.just("tag"), person, st.booleans()),
    st.tuples(st.just("visit"), person, st.sampled_from([-50, -1, 0])),
    st.tuples(st.just("order"), person, st.sampled_from([-100, -1, 0])),
    st.tuples(st.just("consent"), person, st.sampled_from(Consent)),
    st.tuples(st.just("gone"), person, st.booleans()),
    st.tuples(st.just("blacklist"), person, st.booleans()),
    st.tuples(st.just("pick"), person, st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 80]), st.none()),
)


async def write(tracked: TrackedStore, step: tuple[str, int, object]) -> None:
    match step:
        case ("tag", who, bool(on)):
            await tracked.tag(who, "VIP", on=on)
        case ("visit" | "order" as kind, who, int(hours)):
            await tracked.track(who, kind, timedelta(hours=hours), **({"total": 5} if kind == "order" else {}))
        case ("consent", who, Consent() as consent):
            change = ContactChange("line", f"U{who}", consent)
            async with tracked.database.write() as tx:
                await customers.consent_update(tx, tracked.store.id, tracked.people[who], change, tracked.now)
        case ("gone", who, bool(on)):
            await (tracked.delete(who) if on else tracked.restore(who))
        case ("blacklist", who, bool(on)):
            await tracked.blacklist(who, on=on)
        case ("pick", who, _):
            await tracked.pick(PICKED, who)
        case (_, hours, _):
            tracked.now += timedelta(hours=hours)


@pytest.mark.slow
@examples(20, shrink=False)
@given(steps=st.lists(st.tuples(writes, st.sampled_from(ASKED), st.sampled_from(ASKED)), min_size=1, max_size=8))
async def test_a_preview_never_answers_for_data_that_was(
    tracked: TrackedStore, previews: Previews, steps: list[tuple[tuple[str, int, object], Filter | None, Filter | None]]
) -> None:
    for step, *includes in steps:
        for include in includes:
            definition = Definition(include)
            expected = await Previews(tracked.database, extensions=NO_EXTENSIONS).preview(
                tracked.store, definition, CHANNELS, tracked.now
            )
            assert await previews.preview(tracked.store, definition, CHANNELS, tracked.now) == expected
        await write(tracked, step)
    for include in ASKED:
        expected = await Previews(tracked.database, extensions=NO_EXTENSIONS).preview(
            tracked.store, Definition(include), CHANNELS, tracked.now
        )
        assert await previews.preview(tracked.store, Definition(include), CHANNELS, tracked.now) == expected


def about(executed: list[str], table: str) -> int:
    return sum(f"FROM {table}" in statement for statement in executed)


async def test_only_the_leaf_that_was_edited_is_asked_again(tracked: TrackedStore, previews: Previews) -> None:
    visits = BehaviorCondition("visit", window=Window(last_days=3))
    await tracked.tag(0, "VIP", on=True)
    with statements(tracked.database) as executed:
        await previews.preview(tracked.store, Definition(AllOf((VIP, visits))), {}, tracked.now)
        assert (about(executed, "customer_tags"), about(executed, "events")) == (1, 1)
        await previews.wait_for_prefetch()
    assert (about(executed, "customer_tags"), about(executed, "events")) == (2, 2)
    with statements(tracked.database) as executed:
        await previews.preview(tracked.store, Definition(AllOf((NEW, visits))), {}, tracked.now)
    assert (about(executed, "customer_tags"), about(executed, "events")) == (1, 0)
    await tracked.tag(1, "VIP", on=True)
    with statements(tracked.database) as executed:
        await previews.preview(tracked.store, Definition(AllOf((VIP, visits))), {}, tracked.now)
    assert (about(executed, "customer_tags"), about(executed, "events")) == (1, 0)


async def test_another_order_of_tiers_is_another_question(tracked: TrackedStore, previews: Previews) -> None:
    above_gold = Definition(AttributeCondition("tier", Operator.GT, ("Gold",)))
    async with tracked.database.write() as tx:
        await tx.execute(text("UPDATE customers SET tier = 'Silver' WHERE id <= 3"))
    counts: list[int] = []
    for order in (["Silver", "Gold"], ["Gold", "Silver"], ["Silver", "Gold"]):
        async with tracked.database.write() as tx:
            await ranks.replace(
                tx, tracked.store.id, await resolve.catalogue(tx, tracked.store.id, {}, NO_EXTENSIONS), "tier", order
            )
        counts.append((await previews.preview(tracked.store, above_gold, {}, tracked.now)).count)
    assert counts == [0, 3, 0]


async def test_two_who_ask_at_once_ask_the_database_once(tracked: TrackedStore, previews: Previews) -> None:
    with statements(tracked.database) as executed:
        answers = await asyncio.gather(
            *(previews.preview(tracked.store, Definition(VIP), CHANNELS, tracked.now) for _ in range(5))
        )
    assert about(executed, "customer_tags") == 1
    assert {answer.count for answer in answers} == {0}


async def test_who_waits_asks_himself_when_the_other_fails(
    tracked: TrackedStore, previews: Previews, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = asyncio.Event()
    fetch_bitmap = transfer.fetch_bitmap

    async def fail_once(*arguments: Any) -> BitMap:
        if not failing.is_set():
            failing.set()
            await asyncio.sleep(0.2)
            raise RuntimeError("killed")
        return await fetch_bitmap(*arguments)

    monkeypatch.setattr(fetch, "fetch_bitmap", fail_once)
    first = asyncio.create_task(previews.preview(tracked.store, Definition(VIP), {}, tracked.now))
    await failing.wait()
    second = asyncio.create_task(previews.preview(tracked.store, Definition(VIP), {}, tracked.now))
    with pytest.raises(RuntimeError):
        await first
    assert (await second).count == 0


async def test_what_takes_too_long_is_cut_short_with_a_cache_too(
    tracked: TrackedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT count(*) FROM n"
    )

    async def dawdle(tx: Any, *_: object) -> BitMap:
        await tx.execute(text(endless))
        return BitMap()

    monkeypatch.setattr(fetch, "fetch_bitmap", dawdle)
    leaves = LeafCache(1_000_000)
    with pytest.raises(TookTooLong, match=r"took longer than 0\.3 s"):
        await Previews(tracked.database, leaves, 0.3, extensions=NO_EXTENSIONS).preview(
            tracked.store, Definition(VIP), {}, tracked.now
        )
    assert len(leaves) == 0


async def test_numbers_beyond_a_bitmaps_are_counted_by_the_database(tracked: TrackedStore, previews: Previews) -> None:
    async with tracked.database.write() as tx:
        await tx.execute(text("UPDATE customer_numbers SET last = 2147483648"))
    assert (await previews.preview(tracked.store, Definition(None), CHANNELS, tracked.now)).count == 12
    assert previews.cache is not None
    assert len(previews.cache) == 0


async def test_more_ids_than_may_travel_are_counted_by_the_database(tracked: TrackedStore) -> None:
    previews = Previews(tracked.database, LeafCache(1_000_000, max_ids=5), extensions=NO_EXTENSIONS)
    assert (await previews.preview(tracked.store, Definition(None), CHANNELS, tracked.now)).count == 12


async def test_no_more_bytes_are_kept_than_may_be_and_the_longest_unused_go_first() -> None:
    bitmaps = [BitMap(range(number, 3_000_000, 7)) for number in range(6)]
    size = size_of(bitmaps[0])
    leaves = LeafCache(4 * size)
    for number, bitmap in enumerate(bitmaps):
        leaves.begin(number)
        leaves.complete(number, bitmap)
        leaves.get(0)
        assert leaves.used_bytes <= leaves.max_bytes
    assert [number for number in range(6) if leaves.get(number) is not None] == [0, 3, 4, 5]
    leaves.begin("huge")
    leaves.complete("huge", BitMap(range(0, 60_000_000, 9)))
    assert leaves.get("huge") is None
    assert len(leaves) == 4


def test_the_size_of_a_bitmap_is_about_what_it_takes() -> None:
    for bitmap in (BitMap(range(0, 1_000_000, 3)), BitMap(range(0, 100_000_000, 1_000)), BitMap()):
        assert 0.9 < size_of(bitmap) / (len(bitmap.serialize()) + 400) < 1.6
