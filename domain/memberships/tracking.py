"""Follows a store's segments a step at a time: each looks in a snapshot, and writes in a transaction of its own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain import changes, jobs
from domain.changes import ChangeKind
from domain.changes.model import EVERYTHING
from domain.events import log
from domain.events.entry import Event
from domain.extensions import Extensions
from domain.jobs import Job, JobKind, Queue
from domain.kit import ids
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.memberships import queries
from domain.memberships.model import AT_ONCE, ENTERED, LEFT, MARKS, MOVED, TOO_MANY, next_midnight
from domain.memberships.plan import Plan, Watched, plan
from domain.memberships.queries import ChangeMark
from domain.segments import ranks
from domain.segments.evaluation.deadline import plan_for_sets, reading
from domain.segments.evaluation.match_customers import compile_filters, match_customers
from domain.segments.evaluation.resolve import select_ids
from domain.segments.sql.scope import FilterScope
from domain.services import Services
from domain.stores import queries as stores

# How long a look at a whole segment may take.
SECONDS = 300.0


async def start_due(database: Database, now: datetime) -> None:
    """A job for each store where something is to be looked at; where there is one, that is enough."""
    async with database.read() as tx:
        due = await queries.stores_due(tx, now)
    if due:
        async with database.write() as tx:
            for store_id in due:
                await jobs.add_once(tx, store_id, TRACK.name, queue=TRACK.queue)


async def follow(services: Services, job: Job) -> None:
    """Until nothing is left to look at. Whoever does the same job after a dead worker goes on where that one was."""
    work = _Following(services.database, job, services.clock, services.extensions)
    while await work.step():
        pass


TRACK = JobKind("memberships.track", Queue.SEGMENTS, follow)


@dataclass(slots=True)
class _Moved:
    """Who came into a segment and who left it."""

    segment_id: UUID
    came: Sequence[int]
    gone: Sequence[int]


@dataclass(slots=True)
class _Seen:
    """What there is to do, in one snapshot."""

    plan: Plan
    followed: dict[UUID, queries.TrackedSegment]
    marks: list[ChangeMark]
    now: datetime

    def unfollowed(self) -> UUID | None:
        return next((key for key in self.followed if key not in self.plan.watched), None)

    def new(self) -> Watched | None:
        """New, or asking something else than when its members were found."""
        known = {key: each.fingerprint for key, each in self.followed.items()}
        return next((each for key, each in self.plan.watched.items() if known.get(key) != each.fingerprint), None)

    def due(self) -> Watched | None:
        at = {key: each.next_eval_at for key, each in self.followed.items()}
        return next((each for key, each in self.plan.watched.items() if (due := at.get(key)) and due <= self.now), None)


@dataclass(slots=True)
class _Following:
    database: Database
    job: Job
    clock: Clock
    extensions: Extensions
    _plan: Plan | None = None
    _planned: tuple[object, ...] = field(default=())

    async def step(self) -> bool:
        """Whether there may be more to do."""
        now = self.clock()
        async with reading(self.database, SECONDS, snapshot=True) as tx:
            seen = await self._look(tx, now)
            if seen is None:
                return await self._end()
            moved, marks = await self._changed(tx, seen)
            due = None if seen.marks else seen.due()
            if due is not None and seen.unfollowed() is None and seen.new() is None:
                moved = [await self._compared(tx, due, now)]
        return await self._act(seen, moved, marks, due)

    async def _act(self, seen: _Seen, moved: list[_Moved], marks: list[ChangeMark], due: Watched | None) -> bool:
        gone, new = seen.unfollowed(), seen.new()
        if gone is not None:
            return await self._erase(gone)
        if new is not None:
            return await self._seed(seen, new)
        if seen.marks:
            return await self._tell(seen, moved, marks)
        return await self._settle(seen, due, moved[0]) if due is not None else await self._end()

    async def _look(self, tx: Transaction, now: datetime) -> _Seen | None:
        """None: the store is gone."""
        shop = await stores.by_id(tx, self.job.store_id)
        if shop is None:
            return None
        version = (await changes.versions(tx, shop.id)).of(ChangeKind.SEGMENTS)
        day = next_midnight(now, shop.timezone)
        ordered = await ranks.of(tx, shop.id)
        if self._plan is None or self._planned != (version, shop, day, ordered):
            self._plan, self._planned = await plan(tx, shop, now, self.extensions), (version, shop, day, ordered)
        known = await queries.tracked(tx, shop.id)
        return _Seen(self._plan, known, await queries.marks(tx, shop.id, now, MARKS), now)

    async def _changed(self, tx: Transaction, seen: _Seen) -> tuple[list[_Moved], list[ChangeMark]]:
        """What became of changed customers, and the marks that this settles."""
        if sum(mark.width for mark in seen.marks) > TOO_MANY or seen.unfollowed() or seen.new():
            return [], seen.marks
        some = list(_batch(seen.marks))
        moved: list[_Moved] = []
        for kinds, customers in _by_kinds(some):
            concerned = seen.plan.concerned(kinds)
            for part in _parts(customers) if concerned else ():
                moved += await self._among(tx, seen, concerned, part)
        return moved, some

    async def _among(
        self, tx: Transaction, seen: _Seen, concerned: dict[UUID, Watched], customers: Sequence[int]
    ) -> Iterable[_Moved]:
        scope = self._scope(tx, seen.now)
        filters = {key: each.filter.at(seen.now) for key, each in concerned.items()}
        now_in = await match_customers(tx, compile_filters(filters), scope, customers)
        had = await queries.among_members(tx, scope.store_id, list(concerned), customers)
        each = (_Moved(key, sorted(those - had[key]), sorted(had[key] - those)) for key, those in now_in.items())
        return [moved for moved in each if moved.came or moved.gone]

    async def _compared(self, tx: Transaction, due: Watched, now: datetime) -> _Moved:
        found = await select_ids(tx, due.segment, self._scope(tx, now), self.extensions)
        came, gone = await queries.differences(tx, self.job.store_id, due.segment.id, found, MOVED)
        return _Moved(due.segment.id, came, gone)

    def _scope(self, tx: Transaction, now: datetime) -> FilterScope:
        assert self._plan is not None
        return FilterScope(self._plan.shop.id, self._plan.shop.timezone, now, tx.dialect)

    async def _erase(self, segment_id: UUID) -> bool:
        async with self.database.write() as tx:
            await self._hold(tx)
            await queries.erase(tx, self.job.store_id, segment_id, MOVED)
        return True

    async def _seed(self, seen: _Seen, new: Watched) -> bool:
        """Who is in a segment because it was made or changed did not come: nothing is told of that."""
        async with self.database.write() as tx:
            await self._hold(tx)
            await plan_for_sets(tx)
            found = await select_ids(tx, new.segment, self._scope(tx, seen.now), self.extensions)
            await queries.seed(tx, self.job.store_id, new.segment.id, found, seen.now)
            again = next_midnight(seen.now, seen.plan.shop.timezone) if new.timed else None
            await queries.follow(tx, self.job.store_id, new.segment.id, new.fingerprint, seen.now, again)
        return True

    async def _tell(self, seen: _Seen, moved: list[_Moved], marks: list[ChangeMark]) -> bool:
        async with self.database.write() as tx:
            await self._hold(tx)
            await queries.take(tx, self.job.store_id, marks)
            if sum(mark.width for mark in marks) > TOO_MANY:
                kinds = ChangeKind(0)
                for mark in marks:
                    kinds |= ChangeKind(mark.kinds)
                await queries.look_again(tx, self.job.store_id, seen.plan.concerned(kinds & EVERYTHING), seen.now)
            await self._write(tx, moved, seen.now)
        return True

    async def _settle(self, seen: _Seen, due: Watched, moved: _Moved) -> bool:
        """When all differences are written, the segment rests until the day is over."""
        async with self.database.write() as tx:
            await self._hold(tx)
            await self._write(tx, [moved], seen.now)
            if max(len(moved.came), len(moved.gone)) < MOVED:
                again = next_midnight(seen.now, seen.plan.shop.timezone) if due.timed else None
                await queries.look_again(tx, self.job.store_id, [due.segment.id], again)
        return True

    async def _end(self) -> bool:
        async with self.database.write() as tx:
            await jobs.finish(tx, self.job)
        return False

    async def _hold(self, tx: Transaction) -> None:
        """From here to the end of the transaction nobody else writes of this store's members."""
        await jobs.renew(tx, self.job)

    async def _write(self, tx: Transaction, moved: Iterable[_Moved], now: datetime) -> None:
        entries: list[Event] = []
        for each in moved:
            await queries.take_in(tx, self.job.store_id, each.segment_id, each.came, now)
            await queries.take_out(tx, self.job.store_id, each.segment_id, each.gone)
            for kind, customers in ((ENTERED, each.came), (LEFT, each.gone)):
                entries += [Event(str(ids.new()), one, kind, now, str(each.segment_id)) for one in customers]
        await log.append(tx, self.job.store_id, entries, now)


def _batch(marks: Sequence[ChangeMark]) -> Iterator[ChangeMark]:
    """As many marks as name about so many customers, one at least."""
    named = 0
    for mark in marks:
        if named and named + mark.width > AT_ONCE:
            return
        named += mark.width
        yield mark


def _by_kinds(marks: Sequence[ChangeMark]) -> Iterator[tuple[ChangeKind, list[int]]]:
    """Each customer once, with all that changed."""
    changed: dict[int, int] = {}
    for mark in marks:
        for customer in range(mark.first, mark.first + mark.width):
            changed[customer] = changed.get(customer, 0) | mark.kinds
    for kinds in sorted(set(changed.values())):
        yield ChangeKind(kinds), [customer for customer, own in changed.items() if own == kinds]


def _parts(customers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(customers), AT_ONCE):
        yield customers[start : start + AT_ONCE]
