"""How lists are made on a worker, and how they go."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import ids, jobs
from domain.clock import Clock
from domain.db import Database, Transaction
from domain.errors import DomainError
from domain.jobs import Job, LeaseLost, Queue
from domain.lists import store
from domain.lists.model import CustomerList, ListStatus, expires_at, list_name
from domain.operations import store as operations
from domain.operations.model import Operation, OperationStatus, Problem
from domain.segments import actions as segment_actions
from domain.segments import store as segments
from domain.segments.deadline import plan_for_sets
from domain.segments.drafting import Desk
from domain.segments.finding import ids_of
from domain.segments.model import Segment, SegmentInput
from domain.stores import store as stores

BUILD = "list.build"
ERASE = "list.erase"
ERASED_AT_ONCE = 5_000
LEASE = 60.0


@dataclass(frozen=True, slots=True)
class Making:
    """A list that a worker is to make, and the operation that tells of it."""

    listed: CustomerList
    operation: Operation


async def create_segment(tx: Transaction, desk: Desk, given: SegmentInput) -> tuple[Segment, Making]:
    """A new segment and, at once, its first list."""
    segment = await segment_actions.create(tx, desk, given)
    return segment, await start(tx, segment, desk.now)


async def delete_segment(tx: Transaction, store_id: int, segment_id: UUID) -> None:
    """The segment is gone for good, with all its lists (SL-02, SL-03); a worker removes their members."""
    await segment_actions.existing(tx, store_id, segment_id)
    gone = await segments.remove(tx, store_id, segment_id)
    owners = [{"owner": str(owner)} for owner in (segment_id, *gone)]
    await jobs.add_all(tx, store_id, ERASE, owners, queue=Queue.LISTS)


async def start(tx: Transaction, segment: Segment, now: datetime) -> Making:
    """Have a worker make the segment's next list."""
    number = await store.next_number(tx, segment.store_id, segment.id)
    listed = CustomerList(
        store_id=segment.store_id,
        id=ids.new(),
        segment_id=segment.id,
        name=list_name(segment.list_name, number),
        number=number,
        status=ListStatus.GENERATING,
        count=0,
        created_at=now,
        expires_at=expires_at(now),
        problem=None,
        latest=True,
    )
    await store.add(tx, listed)
    operation = await operations.start(tx, segment.store_id, BUILD, now)
    payload = {"list": str(listed.id), "operation": str(operation.id)}
    await jobs.add(tx, segment.store_id, BUILD, payload, queue=Queue.LISTS)
    return Making(listed, operation)


async def build(database: Database, job: Job, clock: Clock) -> None:
    """Make the list: its members, its count and the end of the job are one transaction, which happens once."""
    list_id, operation_id = (UUID(str(job.payload[name])) for name in ("list", "operation"))
    async with database.write() as tx:
        if not await jobs.renew(tx, job, LEASE):
            raise LeaseLost
        await operations.progress(tx, job.store_id, operation_id, 0)
    try:
        async with database.write() as tx:
            await _fill(tx, job, list_id, operation_id, clock())
    except DomainError as error:
        async with database.write() as tx:
            await _fail(tx, job, clock(), error.message)
            if not await jobs.finish(tx, job):
                raise LeaseLost from error


async def give_up(tx: Transaction, job: Job, now: datetime) -> None:
    """The list cannot be made: its workers died again and again."""
    await _fail(tx, job, now, "The list could not be made: the workers died")


async def erase(database: Database, job: Job) -> None:
    """Removes the members of a list or segment that is gone, a few thousand in a transaction."""
    owner = UUID(str(job.payload["owner"]))
    removed = ERASED_AT_ONCE
    while removed >= ERASED_AT_ONCE:
        async with database.write() as tx:
            removed = await segments.erase_members(tx, job.store_id, owner, ERASED_AT_ONCE)
    async with database.write() as tx:
        if not await jobs.finish(tx, job):
            raise LeaseLost


async def _fill(tx: Transaction, job: Job, list_id: UUID, operation_id: UUID, now: datetime) -> None:
    listed = await store.by_id(tx, job.store_id, list_id)
    ends = OperationStatus.CANCELLED
    if listed is not None and listed.status is ListStatus.GENERATING:
        count = await _members(tx, listed)
        if not await store.settle(tx, job.store_id, list_id, ListStatus.READY, count=count):
            raise LeaseLost
        await segments.note_refresh(tx, job.store_id, listed.segment_id, now)
        await operations.progress(tx, job.store_id, operation_id, count, count)
        ends = OperationStatus.DONE
    await operations.finish(tx, job.store_id, operation_id, ends, now)
    if not await jobs.finish(tx, job):
        raise LeaseLost


async def _members(tx: Transaction, listed: CustomerList) -> int:
    """The list is of the moment for which it was begun, however late the worker is."""
    shop = await stores.by_id(tx, listed.store_id)
    segment = await segment_actions.existing(tx, listed.store_id, listed.segment_id)
    assert shop is not None
    await plan_for_sets(tx)
    found = await ids_of(tx, segment, shop.timezone, listed.created_at)
    return await store.fill(tx, listed.store_id, listed.id, found)


async def _fail(tx: Transaction, job: Job, now: datetime, problem: str) -> None:
    list_id, operation_id = (UUID(str(job.payload[name])) for name in ("list", "operation"))
    await store.settle(tx, job.store_id, list_id, ListStatus.FAILED, problem=problem)
    await operations.add_problems(tx, job.store_id, operation_id, [Problem(None, problem)])
    await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, now)
