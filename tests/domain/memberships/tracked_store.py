"""A store whose segments are followed, and what its customers do."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, select, update

from domain import changes, jobs
from domain.changes import ChangeKind
from domain.customers import actions as customers
from domain.customers import upsert
from domain.customers.key import CustomerKey
from domain.customers.model import CustomerChange
from domain.customers.tables import customers as customer_rows
from domain.events.tables import events as event_rows
from domain.extensions import NO_EXTENSIONS
from domain.ingestion import track as events
from domain.ingestion.model import TrackedEvent
from domain.jobs import Queue
from domain.kit.db import Database, Transaction
from domain.memberships import tracking
from domain.memberships.model import STEP_LIMITS, StepLimits
from domain.memberships.tables import segment_memberships
from domain.segments import queries as segment_queries
from domain.segments.codec import to_stored
from domain.segments.evaluation.resolve import select_ids
from domain.segments.filters import Definition, Filter
from domain.segments.model import Segment
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import segments
from domain.stores import queries as stores
from domain.stores.model import Store
from tests.fakes import make_services

Members = dict[UUID, set[int]]
# Told of: a segment, a customer, and whether she came.
RecordedMoves = set[tuple[UUID, int, bool]]


@dataclass
class TrackedStore:
    database: Database
    store: Store
    now: datetime
    people: list[int] = field(default_factory=list[int])
    tracked: int = 0

    async def open(self, count: int) -> None:
        named = [CustomerChange(external_id=f"c{number}", country="TW") for number in range(count)]
        async with self.database.write() as tx:
            self.people = (await upsert.upsert_many(tx, self.store.id, named, self.now)).ids

    async def add(self, number: int, include: Filter | None, *, kind: str = "DYNAMIC") -> UUID:
        row = {"store_id": self.store.id, "id": UUID(int=number), "name": f"s{number}", "list_name": "L", "kind": kind}
        row |= {"update_mode": "MANUAL", "started_on": self.now.date(), "active": True, "include": to_stored(include)}
        async with self.database.write() as tx:
            await tx.execute(insert(segments).values(**row, created_at=self.now, updated_at=self.now))
            await changes.record_store_change(tx, self.store.id, ChangeKind.SEGMENTS)
        return UUID(int=number)

    async def segment(self, tx: Transaction, segment_id: UUID) -> Segment:
        segment = await segment_queries.by_id(tx, self.store.id, segment_id)
        assert segment is not None
        return segment

    async def edit(self, segment_id: UUID, **values: object) -> None:
        async with self.database.write() as tx:
            await tx.execute(update(segments).where(segments.c.id == segment_id).values(**values))
            await changes.record_store_change(tx, self.store.id, ChangeKind.SEGMENTS)

    async def tag(self, person: int, tag: str, *, on: bool) -> None:
        act = customers.tags_add if on else customers.tags_remove
        async with self.database.write() as tx:
            await act(tx, self.store.id, self.people[person], [tag], self.now)

    async def track(self, person: int, kind: str, after: timedelta, **attributes: object) -> None:
        self.tracked += 1
        customer = CustomerKey(id=self.people[person])
        event = TrackedEvent(f"e{self.tracked}", kind, customer, self.now + after, attributes)
        async with self.database.write() as tx:
            await events.track(tx, self.store.id, [event], self.now)

    async def blacklist(self, person: int, *, on: bool) -> None:
        async with self.database.write() as tx:
            await customers.blacklist(tx, self.store.id, self.people[person], self.now, blacklisted=on)

    async def delete(self, person: int) -> None:
        async with self.database.write() as tx:
            await customers.remove(tx, self.store.id, self.people[person], self.now)

    async def restore(self, person: int) -> None:
        async with self.database.write() as tx:
            await upsert.upsert(tx, self.store.id, CustomerChange(external_id=f"c{person}"), self.now)

    async def pick(self, segment_id: UUID, person: int) -> None:
        async with self.database.write() as tx:
            picked = (customer_rows.c.store_id == self.store.id, customer_rows.c.id == self.people[person])
            only = select(customer_rows.c.id).where(*picked)
            await segment_queries.add_members(tx, self.store.id, segment_id, only, 10)

    async def track_memberships(self, limits: StepLimits = STEP_LIMITS) -> None:
        await tracking.schedule_due(self.database, self.now)
        async with self.database.read() as tx:
            notices = await jobs.due(tx, 10, Queue.SEGMENTS)
        for notice in notices:
            async with self.database.write() as tx:
                job = await jobs.claim(tx, notice.store_id, notice.job_id, "test", 60)
            if job is not None:
                await tracking.track(make_services(self.database, clock=lambda: self.now), job, limits)

    async def members(self) -> Members:
        rows = segment_memberships.c
        async with self.database.read() as tx:
            members: Members = {}
            of_store = rows.store_id == self.store.id
            for segment_id, customer in await tx.execute(select(rows.segment_id, rows.customer_id).where(of_store)):
                members.setdefault(segment_id, set()).add(customer)
            return members

    async def matching(self) -> Members:
        """Whom each active dynamic segment finds, by its statement over all customers."""
        async with self.database.read() as tx:
            active = await segment_queries.active(tx, self.store.id)
            matching: Members = {}
            for segment in active:
                if segment.kind.value == "DYNAMIC":
                    definition: Definition = segment.definition
                    ids = await select_ids(
                        tx,
                        definition,
                        FilterScope(self.store.id, self.store.timezone, self.now, tx.dialect),
                        NO_EXTENSIONS,
                    )
                    matching[segment.id] = set((await tx.execute(ids)).scalars())
            return {segment_id: customer_ids for segment_id, customer_ids in matching.items() if customer_ids}

    async def recorded_moves(self) -> list[tuple[UUID, int, bool]]:
        rows = event_rows.c
        is_move = rows.type.in_(["segment.entered", "segment.left"])
        async with self.database.read() as tx:
            columns = rows.subject, rows.customer_id, rows.type
            moves = await tx.execute(select(*columns).where(rows.store_id == self.store.id, is_move))
            return [(UUID(subject), customer, kind == "segment.entered") for subject, customer, kind in moves]


async def make_tracked_store(database: Database, store_id: int, now: datetime, people: int = 12) -> TrackedStore:
    async with database.read() as tx:
        store = await stores.by_id(tx, store_id)
    assert store is not None
    tracked = TrackedStore(database, store, now)
    await tracked.open(people)
    return tracked


def moves_between(before: Members, after: Members) -> RecordedMoves:
    keys = before.keys() | after.keys()
    came = {(key, customer_id, True) for key in keys for customer_id in after.get(key, set()) - before.get(key, set())}
    return came | {
        (key, customer_id, False) for key in keys for customer_id in before.get(key, set()) - after.get(key, set())
    }
