"""Lists that are due are made once each, however many schedulers there are and however late they come."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from domain import jobs
from domain.extensions import NO_EXTENSIONS
from domain.kit.db import Database
from domain.kit.errors import DomainError
from domain.lists import build, schedule
from domain.lists.actions import create_segment, refresh
from domain.lists.tables import lists
from domain.segments import actions, refresh_schedule
from domain.segments.evaluation.resolve import catalogue
from domain.segments.model import PolicyInput, Segment, SegmentInput, UpdateMode
from domain.segments.tables import segments
from domain.segments.validation import FilterContext
from domain.stores.model import Limits, Store
from domain.stores.tables import stores
from tests.factories import add_store
from tests.fakes import make_services

MANUAL, WEEKLY = PolicyInput(UpdateMode.MANUAL), PolicyInput(UpdateMode.AUTO, 7)
FIRST = datetime(2026, 7, 1, 4, tzinfo=UTC)  # noon in Taipei


def day(number: int, hour: int = 12) -> datetime:
    """An hour of a day of July in Taipei."""
    return datetime(2026, 7, 1, hour, tzinfo=UTC) - timedelta(hours=8) + timedelta(days=number - 1)


@dataclass
class StoreStage:
    database: Database
    context: FilterContext

    def at(self, now: datetime) -> FilterContext:
        return replace(self.context, now=now)

    async def segment(self, name: str = "G", update: PolicyInput = WEEKLY) -> Segment:
        async with self.database.write() as tx:
            created = await create_segment(tx, self.context, SegmentInput(name=name, update=update))
        await self.work(self.context.now)
        return created.segment

    async def change(self, segment: Segment, now: datetime, **given: object) -> Segment:
        async with self.database.write() as tx:
            input_ = SegmentInput(**given)  # type: ignore[arg-type]
            return await actions.change(tx, self.at(now), segment.id, input_)

    async def make_due(self, now: datetime, limit: int = schedule.MAX_LISTS) -> list[str]:
        """The names of the lists that one round of the scheduler makes."""
        before = await self.names()
        result = await schedule.build_due(self.database, now, limit)
        assert result.failed == []
        await self.work(now)
        return sorted(await self.names() - before)

    async def work(self, now: datetime) -> None:
        async with self.database.read() as tx:
            notices = await jobs.due(tx, 1_000)
        for notice in notices:
            async with self.database.write() as tx:
                job = await jobs.claim(tx, notice.store_id, notice.job_id, "worker", 60)
            assert job is not None
            await build.build(make_services(self.database, clock=lambda: now), job)

    async def names(self) -> set[str]:
        async with self.database.read() as tx:
            return set((await tx.execute(select(lists.c.name))).scalars())

    async def due_at(self) -> Mapping[str, datetime | None]:
        async with self.database.read() as tx:
            rows = await tx.execute(select(segments.c.name, segments.c.next_refresh_at))
            return {row.name: row.next_refresh_at for row in rows}


@pytest.fixture
async def store(database: Database) -> StoreStage:
    async with database.write() as tx:
        store_id = await add_store(tx, timezone="Asia/Taipei")
        known = await catalogue(tx, store_id, {}, NO_EXTENSIONS)
    return StoreStage(
        database,
        FilterContext(
            Store(store_id, "Shop", "Asia/Taipei", "TWD", Limits(10_000, 5)), known, FIRST, extensions=NO_EXTENSIONS
        ),
    )


async def test_the_worked_example(store: StoreStage) -> None:
    """SL-06 to SL-08, A1 and vector 1: G on 1 July, G-2 on the 8th, none on the 15th, G-3 on the 24th."""
    segment = await store.segment()
    names_by_day: dict[int, list[str]] = {}
    for number in range(1, 32):
        if number == 10:
            await store.change(segment, day(10, 9), update=PolicyInput(UpdateMode.AUTO, 14))
        names_by_day[number] = await store.make_due(day(number, 0)) + await store.make_due(day(number, 23))
    assert {number: names for number, names in names_by_day.items() if names} == {8: ["G-2"], 24: ["G-3"]}


async def test_not_a_moment_before_the_stores_midnight(store: StoreStage) -> None:
    """A3."""
    await store.segment()
    assert await store.make_due(day(8, 0) - timedelta(microseconds=1)) == []
    assert await store.make_due(day(8, 0)) == ["G-2"]


async def test_a_scheduler_that_was_away_makes_one_list_and_keeps_to_the_cycle(store: StoreStage) -> None:
    """Three lists were missed by 24 July: one is made, and the next is of 29 July, as it would have been."""
    await store.segment()
    assert await store.make_due(day(24)) == ["G-2"]
    assert await store.due_at() == {"G": day(29, 0)}
    assert await store.make_due(day(24, 23)) == []
    assert await store.make_due(day(29, 0)) == ["G-3"]


async def test_schedulers_beside_each_other_make_each_list_once(store: StoreStage) -> None:
    for number in range(30):
        await store.segment(f"S{number}")
    beside = [Database(store.database.url) for _ in range(4)]
    try:
        rounds = [schedule.build_due(database, day(8)) for database in beside * 2]
        results = await asyncio.gather(*rounds)
    finally:
        for database in beside:
            await database.close()
    assert [result.failed for result in results] == [[]] * 8
    assert sum(result.requested for result in results) == 30
    assert await store.names() == {f"S{number}{ending}" for number in range(30) for ending in ("", "-2")}
    assert set((await store.due_at()).values()) == {day(15, 0)}


async def test_what_is_wrong_with_one_segment_stops_no_other(store: StoreStage) -> None:
    broken, *_ = [await store.segment(name) for name in ("Broken", "A", "B")]
    async with store.database.write() as tx:
        lost = await add_store(tx, timezone="Mars/Olympus")
        row = (await tx.execute(select(segments).where(segments.c.id == broken.id))).mappings().one()
        await tx.execute(insert(segments).values({**row, "store_id": lost}))
        await tx.execute(update(segments).where(segments.c.id == broken.id).values(started_on=date(9999, 12, 31)))
    result = await schedule.build_due(store.database, day(8))
    assert result.requested == 2
    failed = [(failure.store_id, failure.segment_id) for failure in result.failed]
    assert failed == [(store.context.store.id, broken.id), (lost, broken.id)]
    assert await store.names() == {"A", "A-2", "B", "B-2", "Broken"}
    async with store.database.write() as tx:
        await tx.execute(update(segments).values(started_on=date(2026, 7, 1)))
        await tx.execute(update(stores).values(timezone="UTC"))
        await tx.execute(segments.delete().where(segments.c.store_id == lost))
    assert await store.make_due(day(8)) == ["Broken-2"]


async def test_a_round_takes_no_more_than_it_may(store: StoreStage) -> None:
    """The longest due first, and the rest in the next round."""
    for number in range(5):
        await store.segment(f"S{number}")
    async with store.database.write() as tx:
        late = segments.c.name.in_(["S3", "S4"])
        await tx.execute(update(segments).where(late).values(next_refresh_at=day(7, 0)))
    assert await store.make_due(day(8), limit=2) == ["S3-2", "S4-2"]
    assert await store.make_due(day(8), limit=2) == ["S0-2", "S1-2"]
    assert await store.make_due(day(8), limit=2) == ["S2-2"]


async def test_an_inactive_segment_makes_none(store: StoreStage) -> None:
    """RC-06: and what was due in the meantime is not made up for."""
    segment = await store.segment()
    async with store.database.write() as tx:
        await actions.set_active(tx, store.at(day(2)), segment.id, active=False)
    assert await store.due_at() == {"G": None}
    assert await store.make_due(day(8)) == []
    await store.change(segment, day(9), update=PolicyInput(UpdateMode.AUTO, 14))
    assert await store.due_at() == {"G": None}
    async with store.database.write() as tx:
        await actions.set_active(tx, store.at(day(20)), segment.id, active=True)
    assert await store.due_at() == {"G": day(23, 0)}


async def test_what_is_due_stays_due_when_something_else_is_changed(store: StoreStage) -> None:
    """A new name on 8 July, before the scheduler comes round, does not cost the list of that day."""
    segment = await store.segment()
    await store.change(segment, day(8, 1), name="Renamed", update=WEEKLY)
    assert await store.make_due(day(8, 2)) == ["G-2"]


async def test_a_changed_policy_drops_what_was_due(store: StoreStage) -> None:
    """SL-07."""
    segment = await store.segment()
    changed = await store.change(segment, day(8, 1), update=PolicyInput(UpdateMode.AUTO, 30))
    assert changed.policy.started_on == date(2026, 7, 8)
    assert await store.make_due(day(8, 2)) == []
    assert (await store.change(segment, day(9), update=MANUAL)).next_refresh_at is None


async def test_days_follow_the_stores_zone(store: StoreStage) -> None:
    """The list of 8 July stays one of 8 July, wherever the day begins."""
    await store.segment()
    await store.segment("Fortnightly", PolicyInput(UpdateMode.AUTO, 14))
    await store.segment("By hand", MANUAL)
    async with store.database.write() as tx:
        await refresh_schedule.change_timezone(tx, store.context.store.id, "Asia/Taipei", "America/Lima")
    moved = {"G": datetime(2026, 7, 8, 5, tzinfo=UTC), "Fortnightly": datetime(2026, 7, 15, 5, tzinfo=UTC)}
    assert await store.due_at() == {**moved, "By hand": None}


async def test_a_list_of_the_cycle_spends_the_day(store: StoreStage) -> None:
    """A9."""
    segment = await store.segment()
    await store.make_due(day(8, 0))
    async with store.database.write() as tx:
        with pytest.raises(Exception, match="once a day"):
            await refresh(tx, store.at(day(8, 9)), segment.id)
    async with store.database.write() as tx:
        assert (await refresh(tx, store.at(day(9, 0)), segment.id)).listed.name == "G-3"


async def test_a_button_pressed_by_many_makes_one_list(store: StoreStage) -> None:
    """SL-09."""
    segment = await store.segment()
    beside = [Database(store.database.url) for _ in range(4)]

    async def press(database: Database) -> str:
        try:
            async with database.write() as tx:
                return (await refresh(tx, store.at(day(2)), segment.id)).listed.name
        except DomainError as error:
            return error.code

    try:
        results = sorted(await asyncio.gather(*map(press, beside)))
    finally:
        for each in beside:
            await each.close()
    assert results == ["G-2", "INVALID_STATE", "INVALID_STATE", "INVALID_STATE"]
    assert await store.names() == {"G", "G-2"}
