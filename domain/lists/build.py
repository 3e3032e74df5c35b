"""Build lists on a worker, and delete the members of those that are deleted."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import jobs
from domain.channels import syncs
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
    """A list that a worker is to build, and the operation that shows its progress."""

    listed: CustomerList
    operation: Operation


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A segment, locked, whose next list is to be built."""

    segment_id: UUID
    list_name: str


async def request_list(tx: Transaction, segment: Segment, now: datetime) -> ListBuild:
    """Have a worker build the segment's next list."""
    return (await request_lists(tx, segment.store_id, [ListRequest(segment.id, segment.list_name)], now))[0]


async def request_lists(
    tx: Transaction, store_id: int, requests: Sequence[ListRequest], now: datetime
) -> list[ListBuild]:
    """Have workers build the next lists of many segments of a store, by as many statements as for one."""
    numbers = await queries.next_numbers(tx, store_id, [request.segment_id for request in requests])
    new_lists = [new_list(store_id, request, numbers[request.segment_id], now) for request in requests]
    await queries.insert_all(tx, new_lists)
    new_operations = await operations.start_all(tx, store_id, BUILD.name, now, len(new_lists))
    builds = [ListBuild(listed, operation) for listed, operation in zip(new_lists, new_operations, strict=True)]
    payloads = [{"list": str(build.listed.id), "operation": str(build.operation.id)} for build in builds]
    await jobs.add_all(tx, store_id, BUILD.name, payloads, queue=BUILD.queue)
    return builds


def new_list(store_id: int, request: ListRequest, number: int, now: datetime) -> CustomerList:
    """Return a list that has no members yet."""
    return CustomerList(
        store_id=store_id,
        id=ids.new(),
        segment_id=request.segment_id,
        name=list_name(request.list_name, number),
        number=number,
        status=ListStatus.GENERATING,
        count=0,
        created_at=now,
        expires_at=expires_at(now),
        problem=None,
        latest=True,
    )


async def build(services: Services, job: Job) -> None:
    """Build the list: its members, its count and the end of the job are one transaction, which happens once.

    Raise LeaseLost when another worker has taken the job over, or the list was deleted meanwhile.
    """
    list_id, operation_id = _payload(job)
    async with services.database.write() as tx:
        await jobs.renew(tx, job)
        await operations.progress(tx, job.store_id, operation_id, 0)
    try:
        async with services.database.write() as tx:
            now, status = services.clock(), OperationStatus.CANCELLED
            listed = await queries.by_id(tx, job.store_id, list_id)
            if listed is not None and listed.status is ListStatus.GENERATING:
                store = await stores.by_id(tx, job.store_id)
                segment = await segment_actions.by_id(tx, job.store_id, listed.segment_id)
                assert store is not None
                await plan_for_sets(tx)
                # Of the moment for which the list was requested, however late the worker is.
                scope = FilterScope(store.id, store.timezone, listed.created_at, tx.dialect)
                ids = await select_ids(tx, segment, scope, services.extensions)
                count = await queries.fill(tx, store.id, list_id, ids)
                if not await queries.complete_build(tx, job.store_id, list_id, ListStatus.READY, count=count):
                    raise LeaseLost
                await segments.record_refresh(tx, job.store_id, listed.segment_id, listed.created_at)
                await operations.progress(tx, job.store_id, operation_id, count, count)
                status = OperationStatus.DONE
                able = services.channels.capabilities
                await syncs.request_of_all(tx, store.id, [key for key in able if able[key].audience_sync])
            await operations.finish(tx, job.store_id, operation_id, status, now)
            await jobs.finish(tx, job)
    except DomainError as error:
        async with services.database.write() as tx:
            await _fail(tx, job, services.clock(), error.message)
            await jobs.finish(tx, job)


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Record that the list cannot be built: its workers died again and again."""
    await _fail(tx, job, services.clock(), "The list could not be made: the workers died")


async def request_erasure(tx: Transaction, store_id: int, owners: Sequence[UUID]) -> None:
    """Have a worker delete the members of lists and segments that are deleted."""
    await jobs.add_all(tx, store_id, ERASE, [{"owner": str(owner)} for owner in owners], queue=Queue.LISTS)


def erased_owner(job: Job) -> UUID:
    """Return the list or segment whose members a job is to delete."""
    return UUID(str(job.payload["owner"]))


async def erase_members(database: Database, job: Job) -> None:
    """Delete the members of a deleted list or segment, a few thousand in a transaction."""
    owner = erased_owner(job)
    deleted = ERASED_AT_ONCE
    while deleted >= ERASED_AT_ONCE:
        async with database.write() as tx:
            # The id is of one or the other.
            deleted = await queries.erase_members(tx, job.store_id, owner, ERASED_AT_ONCE)
            deleted += await segments.erase_members(tx, job.store_id, owner, ERASED_AT_ONCE)
    async with database.write() as tx:
        await jobs.finish(tx, job)


def _payload(job: Job) -> tuple[UUID, UUID]:
    return UUID(str(job.payload["list"])), UUID(str(job.payload["operation"]))


async def _fail(tx: Transaction, job: Job, now: datetime, problem: str) -> None:
    list_id, operation_id = _payload(job)
    await queries.complete_build(tx, job.store_id, list_id, ListStatus.FAILED, problem=problem)
    await operations.add_problems(tx, job.store_id, operation_id, [Problem(None, problem)])
    await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, now)


BUILD = JobKind("list.build", Queue.LISTS, build, give_up)


def erase_job(wanted_lists: Callable[[Transaction, int], Awaitable[set[UUID]]]) -> JobKind[Services]:
    """Return the kind of job that deletes the members of what is gone.

    It waits while `wanted_lists` of the store has the list: a campaign that is to be sent to it reaches them (SL-33).
    """

    async def run(services: Services, job: Job) -> None:
        async with services.database.write() as tx:
            if erased_owner(job) in await wanted_lists(tx, job.store_id):
                await jobs.release(tx, job, delay=_LOOK_AGAIN)
                return
        await erase_members(services.database, job)

    return JobKind(ERASE, Queue.LISTS, run)
