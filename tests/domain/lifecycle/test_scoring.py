"""Scores and stages of any customers, against plain Python, on both databases."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from domain import jobs
from domain.changes import ChangeKind, versions
from domain.changes.tables import customer_changes
from domain.customers.tables import customers
from domain.jobs.tables import jobs as job_rows
from domain.kit.clock import day_of
from domain.kit.db import Database
from domain.lifecycle import actions, queries
from domain.lifecycle.model import (
    GROUPS,
    ChosenThresholds,
    Cuts,
    LastScoring,
    LifecycleStage,
    RepurchasePosition,
    RfmGroup,
    ShopperType,
    Thresholds,
    high_places,
    low_places,
    thresholds_of,
)
from domain.lifecycle.tables import customer_scores
from tests.domain.lifecycle.stored_orders import Orders, orders_days_ago, store_orders
from tests.factories import NOW, add_store
from tests.fakes import make_services
from tests.properties import examples

TIMEZONE = "Asia/Taipei"
TODAY = day_of(NOW, TIMEZONE)
CHOSEN = ChosenThresholds(
    active_days=30, lost_days=90, introduce_days=10, loyal_orders=2, high_spend=Decimal(100), repurchase_days=20
)


async def score(database: Database, store_id: int, now: datetime = NOW) -> None:
    async with database.write() as tx:
        await actions.request_scoring(tx, store_id)
        [notice] = await jobs.due(tx, 1)
        job = await jobs.claim(tx, store_id, notice.job_id, "worker", 60)
    assert job is not None
    await actions.score(make_services(database, clock=lambda: now), job)


async def scores(database: Database, store_id: int) -> dict[int, tuple[object, ...]]:
    rows = select(customer_scores).where(customer_scores.c.store_id == store_id)
    async with database.read() as tx:
        return {row.customer_id: tuple(row)[2:] for row in await tx.execute(rows)}


async def standing(database: Database, store_id: int) -> LastScoring:
    async with database.read() as tx:
        return await queries.last_scoring(tx, store_id)


@dataclass(frozen=True)
class _Facts:
    orders: int
    spent: Decimal
    last: datetime | None


def facts(bought: Orders) -> _Facts:
    return _Facts(len(bought), sum((t for _, t in bought), Decimal(0)), max((m for m, _ in bought), default=None))


def plain(bought: Mapping[int, Orders], used: Thresholds, created: datetime) -> dict[int, tuple[object, ...]]:
    facts_by_customer = {customer: facts(orders) for customer, orders in bought.items()}
    buyers = [buyer for buyer in facts_by_customer.values() if buyer.last is not None]
    cuts = plain_cuts(buyers)
    return {
        customer: _row(customer_facts, cuts, used, created) for customer, customer_facts in facts_by_customer.items()
    }


def plain_cuts(buyers: list[_Facts]) -> Cuts:
    def at(values: list[object], places: list[int]) -> list[object]:
        ordered = sorted(values)  # type: ignore[type-var]
        return [ordered[place - 1] for place in places]

    if not buyers:
        return Cuts((), (), ())
    low, high = low_places(len(buyers)), high_places(len(buyers))
    return Cuts(
        at([buyer.last for buyer in buyers], high),  # type: ignore[arg-type]
        at([buyer.orders for buyer in buyers], low),  # type: ignore[arg-type]
        at([buyer.spent for buyer in buyers], low),  # type: ignore[arg-type]
    )


def _row(buyer: _Facts, cuts: Cuts, used: Thresholds, created: datetime) -> tuple[object, ...]:
    if buyer.last is None:
        fresh = (TODAY - day_of(created, TIMEZONE)).days <= used.introduce_days
        stage = LifecycleStage.NEED_INTRODUCE if fresh else LifecycleStage.SILENT
        return None, None, None, RfmGroup.PROSPECTS.value, stage.value, None, None
    r = 1 + sum(buyer.last >= cut for cut in cuts.recency)
    f = 1 + sum(buyer.orders > cut for cut in cuts.frequency)
    m = 1 + sum(buyer.spent > cut for cut in cuts.monetary)
    group = next(row[r - 1] for least, row in GROUPS.items() if f + m >= least)
    days = (TODAY - day_of(buyer.last, TIMEZONE)).days
    position = (
        RepurchasePosition.RECENTLY_PURCHASED
        if days < used.cycle
        else RepurchasePosition.READY_TO_REPURCHASE
        if days <= 2 * used.cycle
        else RepurchasePosition.LAPSED
    )
    return r, f, m, group.value, _stage(buyer, days, used).value, _type(buyer, days, used).value, position.value


def _stage(buyer: _Facts, days: int, used: Thresholds) -> LifecycleStage:
    worth = (buyer.orders >= used.loyal_orders) + (buyer.spent >= used.high_spend)
    if days <= used.active_days:
        return (LifecycleStage.NEED_NURTURING, LifecycleStage.HIGH_POTENTIAL, LifecycleStage.LOYALISTS)[worth]
    if days <= used.lost_days:
        return LifecycleStage.CANT_LOSE if worth else LifecycleStage.SILENT
    return LifecycleStage.LOST


def _type(buyer: _Facts, days: int, used: Thresholds) -> ShopperType:
    if days > used.active_days:
        return ShopperType.INACTIVE
    return ShopperType.LOYAL if buyer.orders >= used.loyal_orders else ShopperType.NORMAL


histories = st.dictionaries(
    st.integers(1, 30),
    st.lists(
        st.tuples(st.sampled_from([0, 5, 20, 24 * 30, 24 * 31, 24 * 90, 24 * 91, 24 * 400]), st.integers(0, 120)),
        max_size=4,
    ),
    max_size=25,
)


@examples(25)
@given(hours=histories, chosen=st.sampled_from([ChosenThresholds(), CHOSEN]), known=st.integers(0, 24 * 12))
def test_any_customers_are_scored_as_plain_python_scores_them(
    database_url: str, hours: dict[int, list[tuple[int, int]]], chosen: ChosenThresholds, known: int
) -> None:
    """Conditions 122 to 128; ties score alike."""
    bought = {
        customer: [(NOW - timedelta(hours=ago), Decimal(total)) for ago, total in all_of_them]
        for customer, all_of_them in hours.items()
    }
    asyncio.run(_check(database_url, bought, chosen, NOW - timedelta(hours=known)))


async def _check(url: str, bought: Mapping[int, Orders], chosen: ChosenThresholds, created: datetime) -> None:
    database = Database(url)
    try:
        async with database.write() as tx:
            store_id = await add_store(tx, timezone=TIMEZONE)
            await store_orders(tx, store_id, bought, created_at=created)
            await queries.save_chosen(tx, store_id, chosen)
        await score(database, store_id)
        used = (await standing(database, store_id)).thresholds
        assert used is not None
        expected = plain(bought, used, created)
        assert used == thresholds_of(
            chosen, plain_cuts([f for each in bought.values() if (f := facts(each)).last]), used.cycle
        )
        assert await scores(database, store_id) == {each: (*row, TODAY) for each, row in expected.items()}
    finally:
        await database.close()


async def test_fifths_of_ten_customers(database: Database, store_id: int) -> None:
    """Condition 127: two in each. Who ties is in the lower fifth of orders and spend, and in the upper of recency."""
    async with database.write() as tx:
        await store_orders(
            tx, store_id, {number: orders_days_ago(*range(number, number * 2), total=number) for number in range(1, 11)}
        )
    await score(database, store_id)
    by_customer = await scores(database, store_id)
    assert [by_customer[number][0] for number in range(1, 11)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [by_customer[number][1] for number in range(1, 11)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [by_customer[number][2] for number in range(1, 11)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    async with database.write() as tx:
        alike: dict[int, Orders] = {number: orders_days_ago(7) for number in range(1, 11)}
        await store_orders(tx, store_id, {**alike, 11: ()})
    await score(database, store_id)
    by_customer = await scores(database, store_id)
    assert {row[:4] for number, row in by_customer.items() if number != 11} == {(5, 1, 1, "NEW")}
    assert by_customer[11][:4] == (None, None, None, "PROSPECTS")


async def test_only_who_moved_is_written_and_marked(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await store_orders(
            tx, store_id, {1: orders_days_ago(1), 2: orders_days_ago(45), 3: [], 4: orders_days_ago(500)}
        )
        await queries.save_chosen(tx, store_id, CHOSEN)
    await score(database, store_id)
    before = await scores(database, store_id)
    async with database.write() as tx:
        await tx.execute(delete(customer_changes))
        version = (await versions(tx, store_id)).of(ChangeKind.ORDERS)
    await score(database, store_id, NOW + timedelta(days=1))
    assert await scores(database, store_id) == before
    async with database.write() as tx:
        assert (await versions(tx, store_id)).of(ChangeKind.ORDERS) == version
    tomorrow = NOW + timedelta(days=25)
    await score(database, store_id, tomorrow)
    after = await scores(database, store_id)
    assert [customer_id for customer_id in after if after[customer_id] != before[customer_id]] == [1, 3]
    assert after[1][-2:] == ("READY_TO_REPURCHASE", tomorrow.date())
    assert after[3][4] == "SILENT"
    async with database.read() as tx:
        marks = (await tx.execute(select(customer_changes.c.first_id, customer_changes.c.last_id))).all()
    assert sorted(tuple(mark) for mark in marks) == [(1, 1), (3, 3)]


async def test_who_was_deleted_has_no_score(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await store_orders(tx, store_id, {1: orders_days_ago(1), 2: orders_days_ago(40)})
    await score(database, store_id)
    async with database.write() as tx:
        await tx.execute(update(customers).where(customers.c.id == 1).values(deleted_at=NOW))
        version = (await versions(tx, store_id)).of(ChangeKind.ORDERS)
    await score(database, store_id)
    assert list(await scores(database, store_id)) == [2]
    async with database.read() as tx:
        assert (await versions(tx, store_id)).of(ChangeKind.ORDERS) != version


async def test_each_day_is_scheduled_once_whoever_looks(database: Database) -> None:
    """From 0:00 of the store's zone on, also after days without a scheduler."""
    async with database.write() as tx:
        taipei = await add_store(tx, timezone="Asia/Taipei")
        utc = await add_store(tx, timezone="UTC")
    late = datetime(2026, 7, 1, 15, 59, 59, tzinfo=NOW.tzinfo)
    assert await scheduled(database, late, times=3) == {taipei: 1, utc: 1}
    assert await scheduled(database, late + timedelta(seconds=1)) == {taipei: 1}
    assert await scheduled(database, late + timedelta(hours=8, seconds=1)) == {utc: 1}
    assert await scheduled(database, late + timedelta(days=9), times=3) == {taipei: 1, utc: 1}
    assert await scheduled(database, late) == {}
    async with database.write() as first:
        assert await queries.schedule(first, utc, date(2026, 8, 1))
        assert not await queries.schedule(first, utc, date(2026, 8, 1))


async def scheduled(database: Database, now: datetime, times: int = 1) -> dict[int, int]:
    """The jobs that so many schedulers at a time add for each store."""
    await asyncio.gather(*(actions.schedule_due(database, now) for _ in range(times)))
    async with database.write() as tx:
        store_ids = list((await tx.execute(select(job_rows.c.store_id))).scalars())
        await tx.execute(delete(job_rows))
    return {store_id: store_ids.count(store_id) for store_id in store_ids}


async def test_the_standing_says_what_was_gone_by(database: Database, store_id: int) -> None:
    assert await standing(database, store_id) == LastScoring(None, False, None)
    async with database.write() as tx:
        await store_orders(tx, store_id, {1: orders_days_ago(300, 290, 280)})
    await score(database, store_id)
    state = await standing(database, store_id)
    assert (state.computed_on, state.measured) == (NOW.date(), True)
    assert state.thresholds == thresholds_of(ChosenThresholds(), Cuts((), (3,) * 4, (Decimal(30),) * 4), 10.0)
    async with database.write() as tx:
        await actions.set_thresholds(tx, store_id, replace(CHOSEN, repurchase_days=None))
        assert (await actions.scoring_state(tx, store_id))[0] == replace(CHOSEN, repurchase_days=None)
        assert len(await jobs.due(tx, 9)) == 1
