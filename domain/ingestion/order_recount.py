"""Counts a store's orders again when the rules changed by which they count: a range of customers at a time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from domain import jobs
from domain.customers.tables import customer_facts
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.kit.db.portable import refresh_statistics
from domain.operations import queries as operations
from domain.operations.model import Operation, OperationStatus, Problem
from domain.orders import recount, statuses
from domain.orders.recount import BuyerRange
from domain.orders.tables import customer_favourites, order_items, orders
from domain.services import Services


async def request(tx: Transaction, store_id: int, now: datetime) -> Operation:
    """Have the store's orders counted by the rules that hold now. Return the operation, which clients can watch."""
    operation = await operations.start(tx, store_id, RECOUNT.name, now)
    await jobs.add(tx, store_id, RECOUNT.name, {"operation": str(operation.id)}, queue=RECOUNT.queue)
    return operation


async def run(services: Services, job: Job) -> None:
    """Count the orders. Raise LeaseLost when another worker has taken the job over, which goes on from there.

    Orders that come in meanwhile are written by the new rules: the change of the rules waited for all others.
    """
    if job.payload.get("upgrade"):
        async with services.database.write() as tx:
            await jobs.renew(tx, job, progressed=True)
            await statuses.forget_known(tx, job.store_id)
            # Once: what the store says from here on stays.
            await jobs.replace_payload(tx, job.store_id, job.id, {})
    last = await _last_customer(services, job)
    after = await _done(services, job)
    while (customers := await _next_range(services, job.store_id, after)) is not None:
        async with services.database.write() as tx:
            await jobs.renew(tx, job, progressed=True)
            await recount.recount(tx, customers, services.clock())
            after = customers.until
            if (operation_id := _operation_id(job)) is not None:
                await operations.progress(tx, job.store_id, operation_id, after, last)
    async with services.database.write() as tx:
        await refresh_statistics(tx, orders, order_items, customer_facts, customer_favourites)
        if (operation_id := _operation_id(job)) is not None:
            await operations.progress(tx, job.store_id, operation_id, last, last)
            await operations.finish(tx, job.store_id, operation_id, OperationStatus.DONE, services.clock())
        await jobs.finish(tx, job)


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Fail the operation of a job whose workers died again and again."""
    if (operation_id := _operation_id(job)) is not None:
        problem = Problem(None, "Counting the orders was given up: its worker stopped again and again")
        await operations.add_problems(tx, job.store_id, operation_id, [problem])
        await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, services.clock())


RECOUNT = JobKind("orders.recount", Queue.IMPORTS, run, give_up, time_limit=6 * 3600)


def _operation_id(job: Job) -> UUID | None:
    """Return the operation that shows the progress; a job that a migration added has none."""
    named = job.payload.get("operation")
    return None if named is None else UUID(str(named))


async def _last_customer(services: Services, job: Job) -> int:
    async with services.database.read() as tx:
        last = await tx.scalar(select(func.max(orders.c.customer_id)).where(orders.c.store_id == job.store_id))
    return int(last or 0)


async def _done(services: Services, job: Job) -> int:
    """Return the customer up to whom an earlier worker has counted."""
    operation_id = _operation_id(job)
    if operation_id is None:
        return 0
    async with services.database.read() as tx:
        operation = await operations.by_id(tx, job.store_id, operation_id)
    return 0 if operation is None else operation.done


async def _next_range(services: Services, store_id: int, after: int) -> BuyerRange | None:
    async with services.database.read() as tx:
        return await recount.next_range(tx, store_id, after)
