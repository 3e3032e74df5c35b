"""Track a store's segments a step at a time: each reads a snapshot, and writes in a transaction of its own."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain import changes, jobs
from domain.changes import ChangeKind, ChangeMark
from domain.changes.model import ALL_KINDS
from domain.events import log
from domain.events.model import Event
from domain.extensions import Extensions
from domain.jobs import Job, JobKind, Queue
from domain.kit import ids
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.memberships import queries
from domain.memberships.model import ENTERED, LEFT, STEP_LIMITS, MembershipMoves, StepLimits, next_midnight
from domain.memberships.plan import Plan, TrackedFilter, plan
from domain.memberships.queries import TrackedSegment
from domain.segments import ranks
from domain.segments.evaluation.deadline import plan_for_sets, reading
from domain.segments.evaluation.match_customers import compile_filters, match_customers
from domain.segments.evaluation.resolve import select_ids
from domain.segments.sql.scope import FilterScope
from domain.services import Services
from domain.stores import queries as stores

# Of reading a whole segment.
SECONDS = 300.0


async def schedule_due(database: Database, now: datetime) -> None:
    """Add a job for each store that has changed customers or a segment whose time has come, unless it has one."""
    async with database.read() as tx:
        store_ids = await queries.stores_due(tx, now)
    if store_ids:
        async with database.write() as tx:
            for store_id in store_ids:
                await jobs.add_once(tx, store_id, TRACK.name, queue=TRACK.queue)


async def track(services: Services, job: Job, limits: StepLimits = STEP_LIMITS) -> None:
    """Bring the store's memberships up to date. Raise LeaseLost when another worker has taken the job over.

    Whoever takes over goes on where this one stopped.
    """
    tracker = _Tracker(services.database, job, services.clock, services.extensions, limits)
    while await tracker.step():
        pass


TRACK = JobKind("memberships.track", Queue.SEGMENTS, track)


@dataclass(slots=True)
class _Snapshot:
    """The state of a store's segments at a moment; `marks` are of customers who have changed."""

    plan: Plan
    tracked: dict[UUID, TrackedSegment]
    marks: list[ChangeMark]
    now: datetime

    def dropped(self) -> UUID | None:
        """Return a tracked segment that is no longer active, or was deleted."""
        return next((key for key in self.tracked if key not in self.plan.tracked), None)

    def new(self) -> TrackedFilter | None:
        """Return a segment that is new, or asks something else than when its members were found."""
        known = {key: tracked.fingerprint for key, tracked in self.tracked.items()}
        return next((new for key, new in self.plan.tracked.items() if known.get(key) != new.fingerprint), None)

    def due(self) -> TrackedFilter | None:
        """Return a segment whose members the mere passing of time may have changed."""
        for key, tracked in self.plan.tracked.items():
            due_at = self.tracked[key].next_eval_at if key in self.tracked else None
            if due_at is not None and due_at <= self.now:
                return tracked
        return None


@dataclass(slots=True)
class _Tracker:
    database: Database
    job: Job
    clock: Clock
    extensions: Extensions
    limits: StepLimits
    _plan: Plan | None = None
    # What the plan was made from; another one is made when it changes.
    _planned_for: tuple[object, ...] = field(default=())

    async def step(self) -> bool:
        """Do the most urgent part of what is to be done, and return whether there may be more."""
        now = self.clock()
        moves: list[MembershipMoves] = []
        marks: list[ChangeMark] = []
        dropped = new = due = None
        async with reading(self.database, SECONDS, snapshot=True) as tx:
            snapshot = await self._load(tx, now)
            if snapshot is not None:
                dropped, new = snapshot.dropped(), snapshot.new()
            if snapshot is not None and dropped is None and new is None:
                marks = snapshot.marks
                if sum(mark.width for mark in marks) <= self.limits.max_changed:
                    marks = list(_batch(marks, self.limits.customers))
                    moves = await self._moves_of_changed(tx, snapshot, marks)
                due = snapshot.due() if not marks else None
                if due is not None:
                    ids = await select_ids(tx, due.segment, self._scope(tx, now), self.extensions)
                    moves = [await queries.differences(tx, self.job.store_id, due.segment.id, ids, self.limits.members)]
        if dropped is not None:
            async with self._writing() as tx:
                await queries.erase_members(tx, self.job.store_id, dropped, self.limits.members)
        elif new is not None:
            await self._start_tracking(new, now)
        elif snapshot is not None and marks:
            await self._record_changed(snapshot, marks, moves)
        elif due is not None:
            async with self._writing() as tx:
                await self._record(tx, moves, now)
                # Until all differences are written, the segment stays due.
                if all(max(len(move.joiners), len(move.leavers)) < self.limits.members for move in moves):
                    await queries.schedule_eval(tx, self.job.store_id, [due.segment.id], self._next_eval(due, now))
        else:
            async with self.database.write() as tx:
                await jobs.finish(tx, self.job)
            return False
        return True

    async def _load(self, tx: Transaction, now: datetime) -> _Snapshot | None:
        """Return the store's snapshot; None when the store is gone."""
        store = await stores.by_id(tx, self.job.store_id)
        if store is None:
            return None
        version = (await changes.versions(tx, store.id)).of(ChangeKind.SEGMENTS)
        planned_for = (version, store, next_midnight(now, store.timezone), await ranks.of(tx, store.id))
        if self._plan is None or self._planned_for != planned_for:
            self._plan, self._planned_for = await plan(tx, store, now, self.extensions), planned_for
        tracked = await queries.tracked(tx, store.id)
        return _Snapshot(self._plan, tracked, await changes.due_marks(tx, store.id, now, self.limits.marks), now)

    async def _moves_of_changed(
        self, tx: Transaction, snapshot: _Snapshot, marks: Sequence[ChangeMark]
    ) -> list[MembershipMoves]:
        """Return who of the changed customers has joined or left a segment."""
        scope = self._scope(tx, snapshot.now)
        moves: list[MembershipMoves] = []
        kinds_by_customer: dict[int, int] = {}
        for mark in marks:
            for customer_id in range(mark.first, mark.first + mark.width):
                kinds_by_customer[customer_id] = kinds_by_customer.get(customer_id, 0) | mark.kinds
        for kinds in sorted(set(kinds_by_customer.values())):
            customer_ids = [key for key, customer_kinds in kinds_by_customer.items() if customer_kinds == kinds]
            affected = snapshot.plan.affected(ChangeKind(kinds))
            filters = compile_filters({key: tracked.filter.at(snapshot.now) for key, tracked in affected.items()})
            for start in range(0, len(customer_ids) if affected else 0, self.limits.customers):
                batch = customer_ids[start : start + self.limits.customers]
                matches = await match_customers(tx, filters, scope, batch)
                members = await queries.memberships_of(tx, scope.store_id, list(affected), batch)
                for key, matching in matches.items():
                    joiners, leavers = sorted(matching - members[key]), sorted(members[key] - matching)
                    if joiners or leavers:
                        moves.append(MembershipMoves(key, joiners, leavers))
        return moves

    async def _start_tracking(self, new: TrackedFilter, now: datetime) -> None:
        """Store the segment's members. Whoever is in it because it was made or changed did not join: no event."""
        async with self._writing() as tx:
            await plan_for_sets(tx)
            ids = await select_ids(tx, new.segment, self._scope(tx, now), self.extensions)
            await queries.replace_members(tx, self.job.store_id, new.segment.id, ids, now)
            next_eval = self._next_eval(new, now)
            await queries.save_tracked(tx, self.job.store_id, new.segment.id, new.fingerprint, now, next_eval)

    async def _record_changed(
        self, snapshot: _Snapshot, marks: Sequence[ChangeMark], moves: Iterable[MembershipMoves]
    ) -> None:
        """Delete the marks that are dealt with; of more than a batch, the affected segments become due as a whole."""
        async with self._writing() as tx:
            await changes.delete_marks(tx, self.job.store_id, marks)
            if sum(mark.width for mark in marks) > self.limits.max_changed:
                kinds = ChangeKind(0)
                for mark in marks:
                    kinds |= ChangeKind(mark.kinds)
                affected = snapshot.plan.affected(kinds & ALL_KINDS)
                await queries.schedule_eval(tx, self.job.store_id, affected, snapshot.now)
            await self._record(tx, moves, snapshot.now)

    @asynccontextmanager
    async def _writing(self) -> AsyncGenerator[Transaction]:
        """Open a transaction in which nobody else writes of this store's members. Raise LeaseLost."""
        async with self.database.write() as tx:
            await jobs.renew(tx, self.job, progressed=True)
            yield tx

    async def _record(self, tx: Transaction, moves: Iterable[MembershipMoves], now: datetime) -> None:
        events: list[Event] = []
        for move in moves:
            await queries.insert_members(tx, self.job.store_id, move.segment_id, move.joiners, now)
            await queries.delete_members(tx, self.job.store_id, move.segment_id, move.leavers)
            for kind, customer_ids in ((ENTERED, move.joiners), (LEFT, move.leavers)):
                subject = str(move.segment_id)
                events += [Event(str(ids.new()), customer_id, kind, now, subject) for customer_id in customer_ids]
        await log.append(tx, self.job.store_id, events, now)

    def _scope(self, tx: Transaction, now: datetime) -> FilterScope:
        assert self._plan is not None
        return FilterScope(self._plan.store.id, self._plan.store.timezone, now, tx.dialect)

    def _next_eval(self, tracked: TrackedFilter, now: datetime) -> datetime | None:
        assert self._plan is not None
        return next_midnight(now, self._plan.store.timezone) if tracked.timed else None


def _batch(marks: Sequence[ChangeMark], customers: int) -> Iterator[ChangeMark]:
    """Yield as many marks as name about so many customers, one at least."""
    total = 0
    for mark in marks:
        if total and total + mark.width > customers:
            return
        total += mark.width
        yield mark
