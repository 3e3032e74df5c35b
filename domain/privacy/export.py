"""Everything that is held of a person, as one JSON file, for whoever asks what a store knows of them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO
from uuid import UUID

import orjson

from domain import jobs
from domain.consents import suppressions
from domain.customers import queries as customers
from domain.imports.reports import queries as import_reports
from domain.jobs import Job, JobKind, LeaseLost, Queue
from domain.kit.db import Database, Transaction
from domain.kit.errors import NotFound
from domain.operations import queries as operations
from domain.operations.files import UnfinishedFile
from domain.operations.model import Operation, OperationStatus, Problem
from domain.privacy import rows
from domain.privacy.inventory import PERSONAL
from domain.services import Services
from domain.stores import queries as stores

FORMAT = "muster.person.1"
_GIVEN_UP = "The export was given up: workers died"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer whose data is exported; `key` is that of the hashes by which rows of files are theirs."""

    store_id: int
    id: int
    key: bytes


async def start(tx: Transaction, store_id: int, customer_id: int, now: datetime) -> Operation:
    """Have a worker write the person's file. Raise NotFound for nobody, who was erased too."""
    if not await customers.is_somebody(tx, store_id, customer_id):
        raise NotFound("There is no such customer", field=("id",))
    operation = await operations.start(tx, store_id, EXPORT.name, now)
    await operations.note_subject(tx, operation, customer_id=customer_id)
    payload = {"operation": str(operation.id), "customer": customer_id}
    await jobs.add(tx, store_id, EXPORT.name, payload, queue=EXPORT.queue)
    return operation


async def write(database: Database, person: Person, file: BinaryIO, now: datetime) -> None:
    """Write the file, of which no more than a page is in memory."""
    async for part in _parts(database, person, now):
        await asyncio.to_thread(file.write, part)


async def _parts(database: Database, person: Person, now: datetime) -> AsyncGenerator[bytes]:
    async with database.read() as tx:
        store = await stores.by_id(tx, person.store_id)
        hashes = await suppressions.hashes_by_customer(tx, person.key, person.store_id, [person.id])
        known_by = hashes.get(person.id, set())
        problems = await operations.problems_about(tx, person.store_id, known_by)
        samples = await import_reports.samples_about(tx, person.store_id, known_by)
    about = {"format": FORMAT, "store": store and store.name, "made_at": now}
    yield _json(about)[:-1]
    for entry in PERSONAL:
        yield b',\n"%s":[' % entry.name.encode()
        separator = b"\n"
        async for page in rows.pages(database, entry, person.store_id, person.id):
            yield separator + b",\n".join(map(_json, page))
            separator = b",\n"
        yield b"]"
    names = ("row", "column", "value", "message")
    reported = [{name: getattr(problem, name) for name in names} for problem in problems]
    yield b',\n"import_problems":' + _json(reported)
    read_rows = [{"row": sample.row, "fields": sample.fields} for sample in samples]
    yield b',\n"import_rows":' + _json(read_rows) + b"}\n"


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    # PostgreSQL's driver has a subclass of its own.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


async def run(services: Services, job: Job) -> None:
    """Write the file anew, whatever an earlier worker had of it, and end the operation."""
    operation_id, person = _operation_id(job), await _person(services, job)
    async with services.database.write() as tx:
        await jobs.renew(tx, job)
        is_open = await operations.progress(tx, job.store_id, operation_id, 0)
        if not is_open:
            await jobs.finish(tx, job)
            return
    try:
        with services.files.create(job.store_id, operation_id, job.fence, f"customer-{person.id}.json") as unfinished:
            with unfinished.path.open("wb") as file:
                await write(services.database, person, file, services.clock())
            await _publish(services, job, unfinished)
    except OSError as error:
        async with services.database.write() as tx:
            await _fail(tx, job, f"The file could not be written: {error.strerror}", services.clock())
            await jobs.finish(tx, job)


async def _publish(services: Services, job: Job, unfinished: UnfinishedFile) -> None:
    """Finish the operation with its file, but where it has ended: whoever erases the person meanwhile ends it."""
    await asyncio.to_thread(services.files.publish, unfinished)
    operation_id, file, is_open = _operation_id(job), unfinished.file, False
    try:
        async with services.database.write() as tx:
            is_open = await operations.progress(tx, job.store_id, operation_id, 1, 1)
            if is_open:
                now = services.clock()
                await operations.finish(tx, job.store_id, operation_id, OperationStatus.DONE, now, file=file)
            await jobs.finish(tx, job)
    except LeaseLost:
        is_open = False
        raise
    finally:
        if not is_open:
            services.files.remove(file.stored_name)


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Fail the operation of an export whose workers died again and again."""
    await _fail(tx, job, _GIVEN_UP, services.clock())


async def _fail(tx: Transaction, job: Job, problem: str, now: datetime) -> None:
    await operations.add_problems(tx, job.store_id, _operation_id(job), [Problem(None, problem)])
    await operations.finish(tx, job.store_id, _operation_id(job), OperationStatus.FAILED, now)


def _operation_id(job: Job) -> UUID:
    return UUID(str(job.payload["operation"]))


async def _person(services: Services, job: Job) -> Person:
    return Person(job.store_id, int(str(job.payload["customer"])), await services.suppression_key())


EXPORT = JobKind("customer.export", Queue.REPORTS, run, give_up, makes_files=True)
