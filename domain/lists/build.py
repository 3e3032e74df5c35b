"""How lists are made on a worker, and how the members of those that are gone go."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import jobs
from domain.extensions import Extensions
from domain.jobs import Job, JobKind, LeaseLost, Queue
from domain.kit import ids
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError
from domain.lists import queries
from domain.lists.model import CustomerList, ListStatus, expires_at, list_name
from domain.operations import queries as operations
from domain.operations.model import Operation, OperationStatus, Problem
from domain.segments import actions as segment_actions
from domain.segments import queries as segments
from domain.segments.evaluation.deadline import plan_for_sets
from domain.segments.evaluation.resolve import select_ids
from domain.segments.model import Segment
from domain.segments.sql.scope import FilterScope
from domain.services import Services
from domain.stores import queries as stores

ERASE = "list.erase"
ERASED_AT_ONCE = 5_000
# Seconds until members of a list that a campaign still waits for are looked at again.
_LOOK_AGAIN = 600


@dataclass(frozen=True, slots=True)
class ListBuild:
    """A list that a worker is to make, and the operation that tells of it."""

    listed: CustomerList
    operation: Operation


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A segment, locked, whose next list is to be made."""

    segment_id: UUID
    list_name: str


async def start(tx: Transaction, segment: Segment, now: datetime) -> ListBuild:
    """Have a worker make the segment's next list."""
    return (await start_all(tx, segment.store_id, [ListRequest(segment.id, segment.list_name)], now))[0]


async def start_all(tx: Transaction, store_id: int, wanted: Sequence[ListRequest], now: datetime) -> list[ListBuild]:
    """The same for many segments of a store, by as many statements as for one."""
    numbers = await queries.next_numbers(tx, store_id, [each.segment_id for each in wanted])
    made = [blank(store_id, each, numbers[each.segment_id], now) for each in wanted]
    await queries.add_all(tx, made)
    begun = await operations.start_all(tx, store_id, BUILD.name, now, len(made))
    making = [ListBuild(listed, operation) for listed, operation in zip(made, begun, strict=True)]
    payloads = [{"list": str(each.listed.id), "operation": str(each.operation.id)} for each in making]
    await jobs.add_all(tx, store_id, BUILD.name, payloads, queue=BUILD.queue)
    return making


def blank(store_id: int, wanted: ListRequest, number: int, now: datetime) -> CustomerList:
    """A list that nobody is on yet."""
    return CustomerList(
        store_id=store_id,
        id=ids.new(),
        segment_id=wanted.segment_id,
        name=list_name(wanted.list_name, number),
        number=number,
        status=ListStatus.GENERATING,
        count=0,
        created_at=now,
        expires_at=expires_at(now),
        problem=None,
        latest=True,
    )


async def build(services: Services, job: Job) -> None:
    """Make the list: its members, its count and the end of the job are one transaction, which happens once."""
    list_id, operation_id = (UUID(str(job.payload[name])) for name in ("list", "operation"))
    async with services.database.write() as tx:
        await jobs.renew(tx, job)
        await operations.progress(tx, job.store_id, operation_id, 0)
    try:
        async with services.database.write() as tx:
            await _fill(tx, job, list_id, operation_id, services.clock(), services.extensions)
    except DomainError as error:
        async with services.database.write() as tx:
            await _fail(tx, job, services.clock(), error.message)
            await jobs.finish(tx, job)


async def give_up(tx: Transaction, job: Job, now: datetime) -> None:
    """The list cannot be made: its workers died again and again."""
    await _fail(tx, job, now, "The list could not be made: the workers died")


async def leave_members(tx: Transaction, store_id: int, owners: Sequence[UUID]) -> None:
    """Have a worker remove the members of lists and segments that are gone."""
    await jobs.add_all(tx, store_id, ERASE, [{"owner": str(owner)} for owner in owners], queue=Queue.LISTS)


def owner_of(job: Job) -> UUID:
    """The list or segment whose members a job is to remove."""
    return UUID(str(job.payload["owner"]))


async def erase(database: Database, job: Job) -> None:
    """Removes the members of a list or segment that is gone, a few thousand in a transaction."""
    owner = owner_of(job)
    removed = ERASED_AT_ONCE
    while removed >= ERASED_AT_ONCE:
        async with database.write() as tx:
            removed = await segments.erase_members(tx, job.store_id, owner, ERASED_AT_ONCE)
    async with database.write() as tx:
        await jobs.finish(tx, job)


async def _fill(
    tx: Transaction, job: Job, list_id: UUID, operation_id: UUID, now: datetime, extensions: Extensions
) -> None:
    listed = await queries.by_id(tx, job.store_id, list_id)
    ends = OperationStatus.CANCELLED
    if listed is not None and listed.status is ListStatus.GENERATING:
        count = await _members(tx, listed, extensions)
        if not await queries.settle(tx, job.store_id, list_id, ListStatus.READY, count=count):
            raise LeaseLost
        await segments.note_refresh(tx, job.store_id, listed.segment_id, listed.created_at)
        await operations.progress(tx, job.store_id, operation_id, count, count)
        ends = OperationStatus.DONE
    await operations.finish(tx, job.store_id, operation_id, ends, now)
    await jobs.finish(tx, job)


async def _members(tx: Transaction, listed: CustomerList, extensions: Extensions) -> int:
    """The list is of the moment for which it was begun, however late the worker is."""
    shop = await stores.by_id(tx, listed.store_id)
    segment = await segment_actions.existing(tx, listed.store_id, listed.segment_id)
    assert shop is not None
    await plan_for_sets(tx)
    scope = FilterScope(shop.id, shop.timezone, listed.created_at, tx.dialect)
    found = await select_ids(tx, segment, scope, extensions)
    return await queries.fill(tx, listed.store_id, listed.id, found)


async def _fail(tx: Transaction, job: Job, now: datetime, problem: str) -> None:
    list_id, operation_id = (UUID(str(job.payload[name])) for name in ("list", "operation"))
    await queries.settle(tx, job.store_id, list_id, ListStatus.FAILED, problem=problem)
    await operations.add_problems(tx, job.store_id, operation_id, [Problem(None, problem)])
    await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, now)


BUILD = JobKind("list.build", Queue.LISTS, build, give_up)


def erase_job(wanted_lists: Callable[[Transaction, int], Awaitable[set[UUID]]]) -> JobKind[Services]:
    """Return the kind of job that deletes the members of what is gone.

    It waits while `wanted_lists` of the store has the list: a campaign that is to be sent to it reaches them (SL-33).
    """

    async def run(services: Services, job: Job) -> None:
        async with services.database.write() as tx:
            if owner_of(job) in await wanted_lists(tx, job.store_id):
                await jobs.release(tx, job, delay=_LOOK_AGAIN)
                return
        await erase(services.database, job)

    return JobKind(ERASE, Queue.LISTS, run)
