"""Forgets a person: who it was vanishes at once, and a job with an operation erases what may take long."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from domain import changes, jobs
from domain.accounts import queries as accounts
from domain.addresses import former_spellings
from domain.campaigns import queries as campaigns
from domain.changes import ChangeKind
from domain.changes.model import ALL_KINDS
from domain.consents import suppressions
from domain.customers import actions as customers
from domain.customers import queries as customer_queries
from domain.customers import writes
from domain.customers.objections import addresses_said_by
from domain.deliveries import conversations
from domain.events import erasure as events
from domain.imports import queries as imports
from domain.imports.model import ImportKind
from domain.imports.reports import queries as import_reports
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.lists import queries as lists
from domain.lists.export.job import EXPORT
from domain.operations import actions as operation_actions
from domain.operations import queries as operations
from domain.operations.model import FileHolder, Operation, OperationStatus, Problem
from domain.orders import erasure as orders
from domain.privacy import rows
from domain.privacy.inventory import PERSONAL
from domain.segments import referrers
from domain.services import Services

EVENTS_AT_ONCE = 2_000
# Seconds until imports that were under way are looked at again.
_LOOK_AGAIN = 15
_ROW_ERASED = "The row's customer was erased"
_QUOTED = "It quoted the address of a customer who was erased"
_WITHDRAWN = "Its file was deleted, for it may have held a customer who was erased"
_IMPORTS = frozenset(kind.job for kind in ImportKind)
_GIVEN_UP = "The erasure was given up, for workers died: delete the customer once more"


async def erase(tx: Transaction, key: bytes, store_id: int, customer_id: int, now: datetime) -> Operation:
    """Erase who the customer is, and have a worker erase the rest; `key` is that of the suppressions.

    What it was known by stays as keyed hashes: it comes in unsubscribed if it ever comes again. Raise NotFound.
    """
    # Whoever brings customers in waits, or has committed and is seen here.
    await writes.take_numbers(tx, store_id, 0)
    customer = await customers.existing(tx, store_id, customer_id)
    hashes = (await suppressions.hashes_by_customer(tx, key, store_id, [customer_id])).get(customer_id, set())
    contacts = (await customer_queries.contacts_of(tx, store_id, [customer_id]))[customer_id]
    known_by = (customer.email, customer.phone, *(contact.address for contact in contacts))
    objecting = {address for address in known_by if address} | await addresses_said_by(tx, store_id, customer_id)
    hashes |= suppressions.hashes_of(key, store_id, None, objecting)
    addresses = {spelling for address in objecting for spelling in former_spellings(address)}
    await suppressions.record(tx, store_id, hashes, now)
    await customers.remove(tx, store_id, customer_id, now)
    await rows.erase(tx, store_id, customer_id, [entry for entry in PERSONAL if not entry.later])
    await suppressions.erase_objections(tx, store_id, objecting, now)
    await conversations.forget(tx, store_id, objecting)
    renamed = await orders.rename(tx, store_id, customer_id, addresses)
    await events.reduce_order_changes(tx, store_id, customer_id, addresses, renamed)
    await changes.record_change(tx, store_id, ALL_KINDS & ~ChangeKind.SEGMENTS, [customer_id])
    await operations.forget_subject(tx, store_id, hashes, _ROW_ERASED)
    await import_reports.forget_subject(tx, store_id, hashes)
    await campaigns.replace_problems(tx, store_id, addresses, _QUOTED)
    await jobs.replace_errors(tx, store_id, addresses, _QUOTED)
    await accounts.replace_reasons(tx, store_id, addresses, _QUOTED)
    operation = await operations.start(tx, store_id, ERASE.name, now)
    await _report_filters(tx, operation, addresses)
    payload = {
        "operation": str(operation.id),
        "customer": customer_id,
        "hashes": [hashed.hex() for hashed in sorted(hashes)],
        "imports": [str(operation_id) for operation_id in await imports.open_operations(tx, store_id)],
        "files": await _withdraw_files(tx, store_id, customer_id, now),
    }
    await jobs.add(tx, store_id, ERASE.name, payload, queue=ERASE.queue)
    return operation


async def _report_filters(tx: Transaction, operation: Operation, addresses: Collection[str]) -> None:
    """Tell the caller of filters that name an address of the person: they are the store's own words, and stay."""
    names = await referrers.naming(tx, operation.store_id, addresses)
    problems = [Problem(None, f"The filter of the segment {name} names an address of the customer") for name in names]
    await operations.add_problems(tx, operation.store_id, operation.id, problems)


async def _withdraw_files(tx: Transaction, store_id: int, customer_id: int, now: datetime) -> list[str]:
    """Take away the files that hold the person, and those that are being made. Return the names of the files."""
    holders = await operations.file_holders(tx, store_id)
    list_ids = [holder.list_id for holder in holders if holder.list_id is not None]
    with_person = await lists.lists_with(tx, store_id, list_ids, customer_id) if list_ids else set[UUID]()

    def holds(holder: FileHolder) -> bool:
        # Of an export that an earlier release began, it is not known whom it holds.
        unknown = holder.kind == EXPORT.name and holder.list_id is None
        # Problems quote the rows that they are about, by whatever a row names its customer.
        quotes = holder.kind in _IMPORTS and holder.stored_name is not None
        return unknown or quotes or holder.customer_id == customer_id or holder.list_id in with_person

    withdrawn = [holder for holder in holders if holds(holder)]
    for holder in withdrawn:
        await operation_actions.withdraw(tx, store_id, holder, _WITHDRAWN, now)
    return [holder.stored_name for holder in withdrawn if holder.stored_name is not None]


async def run(services: Services, job: Job) -> None:
    """Erase what may be long, and end the operation when no import that was under way has the person any more."""
    store_id, customer_id = job.store_id, int(str(job.payload["customer"]))
    for name in _texts(job, "files"):
        services.files.remove(name)
    deleted = EVENTS_AT_ONCE
    while deleted >= EVENTS_AT_ONCE:
        async with services.database.write() as tx:
            await jobs.renew(tx, job, progressed=True)
            await operations.progress(tx, store_id, _operation_id(job), 0)
            deleted = await events.delete_batch(tx, store_id, customer_id, EVENTS_AT_ONCE)
            await changes.record_change(tx, store_id, ChangeKind.EVENTS, [customer_id])
    async with services.database.write() as tx:
        await jobs.renew(tx, job, progressed=True)
        await rows.erase(tx, store_id, customer_id, [entry for entry in PERSONAL if entry.later])
        await changes.record_change(tx, store_id, ChangeKind.ORDERS, [customer_id])
    async with services.database.write() as tx:
        hashes = [bytes.fromhex(hashed) for hashed in _texts(job, "hashes")]
        await operations.forget_subject(tx, store_id, hashes, _ROW_ERASED)
        await import_reports.forget_subject(tx, store_id, hashes)
        under_way = {str(operation_id) for operation_id in await imports.open_operations(tx, store_id)}
        if not under_way.isdisjoint(_texts(job, "imports")):
            await jobs.release(tx, job, delay=_LOOK_AGAIN)
            return
        # What those imports have told of the person.
        files = [
            holder
            for holder in await operations.file_holders(tx, store_id)
            if str(holder.operation_id) in _texts(job, "imports") and holder.stored_name is not None
        ]
        for holder in files:
            await operation_actions.withdraw(tx, store_id, holder, _WITHDRAWN, services.clock())
        await operations.finish(tx, store_id, _operation_id(job), OperationStatus.DONE, services.clock())
        await jobs.finish(tx, job)
    for holder in files:
        services.files.remove(str(holder.stored_name))


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Fail the operation of an erasure whose workers died again and again; who it was is erased all the same."""
    operation_id = _operation_id(job)
    await operations.add_problems(tx, job.store_id, operation_id, [Problem(None, _GIVEN_UP)])
    await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, services.clock())


def _operation_id(job: Job) -> UUID:
    return UUID(str(job.payload["operation"]))


def _texts(job: Job, name: str) -> list[str]:
    return [str(text) for text in cast("Sequence[object]", job.payload[name])]


ERASE = JobKind("customer.erase", Queue.DEFAULT, run, give_up)
