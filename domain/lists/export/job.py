"""A list as a file: begun by a caller, written by a worker, page by page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from domain import jobs
from domain.jobs import Job, JobKind, LeaseLost, Queue
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.lists import queries
from domain.lists.export.columns import Table, check_fields
from domain.lists.export.files import ExportFormat, Sheet, open_sheet
from domain.lists.model import CustomerList, ListStatus
from domain.operations import queries as operations
from domain.operations.files import Files, UnfinishedFile, shown_name
from domain.operations.model import Operation, OperationStatus, Problem
from domain.segments.catalogue import Catalogue
from domain.segments.evaluation import resolve
from domain.segments.sql.scope import FilterScope
from domain.services import Services
from domain.stores import queries as stores
from domain.stores.model import Store

PAGE = 2_000


class _Ended(Exception):
    """Somebody has cancelled the operation."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What a caller asks for; `fields` are keys of the catalogue."""

    list_id: UUID | None
    fields: Sequence[str]
    format: ExportFormat


async def start(tx: Transaction, shop: Store, catalogue: Catalogue, wanted: ExportRequest, now: datetime) -> Operation:
    """Have a worker write the list's report. An expired list may still be exported (SL-19)."""
    listed = None if wanted.list_id is None else await queries.by_id(tx, shop.id, wanted.list_id)
    if listed is None:
        raise NotFound("There is no such list", field=("id",))
    if listed.status is not ListStatus.READY:
        raise DomainError(f"The list {listed.name} is not ready", field=("id",), code=ErrorCode.INVALID_STATE)
    check_fields(catalogue, FilterScope(shop.id, shop.timezone, now, tx.dialect), wanted.fields)
    operation = await operations.start(tx, shop.id, EXPORT.name, now, total=listed.count)
    payload = {
        "operation": str(operation.id),
        "list": str(listed.id),
        "fields": list(wanted.fields),
        "format": wanted.format.value,
    }
    await jobs.add(tx, shop.id, EXPORT.name, payload, queue=EXPORT.queue)
    return operation


@dataclass(frozen=True, slots=True)
class _Export:
    database: Database
    job: Job
    operation_id: UUID
    listed: CustomerList
    format: ExportFormat
    header: Sequence[str]
    table: Table


async def export(services: Services, job: Job) -> None:
    """Writes the file anew, whatever an earlier worker had of it."""
    operation_id = UUID(str(job.payload["operation"]))
    try:
        work = await _open(services, job, operation_id)
        name = shown_name(f"{work.listed.name} {work.table.scope.today}", work.format.ending)
        with services.files.create(job.store_id, operation_id, job.fence, name) as making:
            await _write(work, making)
            await _finish(work, services.files, making, services.clock())
    except _Ended:
        await _end(services.database, job)
    except DomainError as error:
        await _refuse(services.database, job, operation_id, error.message, services.clock())
    except OSError as error:
        await _refuse(
            services.database, job, operation_id, f"The file could not be written: {error.strerror}", services.clock()
        )


async def give_up(tx: Transaction, job: Job, now: datetime) -> None:
    """Its workers died again and again; what they left behind is swept up."""
    await _fail(tx, job.store_id, UUID(str(job.payload["operation"])), "The report was given up: workers died", now)


async def _open(services: Services, job: Job, operation_id: UUID) -> _Export:
    fields = _strings(job.payload["fields"])
    async with services.database.read() as tx:
        operation = await operations.by_id(tx, job.store_id, operation_id)
        listed = await queries.by_id(tx, job.store_id, UUID(str(job.payload["list"])))
        shop = await stores.by_id(tx, job.store_id)
        channels = [name.removeprefix("consent.") for name in fields]
        catalogue = await resolve.catalogue(
            tx, job.store_id, dict(zip(channels, channels, strict=True)), services.extensions
        )
    if operation is None or operation.status.ended:
        raise _Ended
    if listed is None or shop is None:
        raise NotFound("The list was deleted meanwhile")
    scope = FilterScope(job.store_id, shop.timezone, services.clock(), services.database.dialect)
    table = Table(scope, check_fields(catalogue, scope, fields))
    return _Export(
        services.database, job, operation_id, listed, ExportFormat(str(job.payload["format"])), fields, table
    )


def _strings(given: object) -> list[str]:
    assert isinstance(given, list)
    return [str(each) for each in given]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


async def _write(work: _Export, making: UnfinishedFile) -> None:
    zone = ZoneInfo(work.table.scope.timezone)
    sheet = await asyncio.to_thread(open_sheet, making.path, work.format, work.header, zone)
    try:
        await _pages(work, sheet)
    finally:
        await asyncio.to_thread(sheet.close)


async def _pages(work: _Export, sheet: Sheet) -> None:
    done, last = 0, 0
    while True:
        async with work.database.read() as tx:
            page = await queries.members_after(tx, work.job.store_id, work.listed.id, last, PAGE)
            rows = await work.table.rows(tx, page) if page else []
        await asyncio.to_thread(sheet.write, rows)
        done += len(page)
        await _go_on(work, done)
        if len(page) < PAGE:
            return
        last = page[-1]


async def _go_on(work: _Export, done: int) -> None:
    async with work.database.write() as tx:
        await jobs.renew(tx, work.job, progressed=True)
        if not await operations.progress(tx, work.job.store_id, work.operation_id, done):
            raise _Ended


async def _finish(work: _Export, files: Files, making: UnfinishedFile, now: datetime) -> None:
    """The file is there before anybody is told of it, and gone again when that cannot be."""
    await asyncio.to_thread(files.keep, making)
    try:
        async with work.database.write() as tx:
            await _tell(work, tx, making, now)
    except (_Ended, LeaseLost):
        files.remove(making.made.stored)
        raise


async def _tell(work: _Export, tx: Transaction, making: UnfinishedFile, now: datetime) -> None:
    store_id, operation_id, count = work.job.store_id, work.operation_id, work.listed.count
    if not await operations.progress(tx, store_id, operation_id, count, count):
        raise _Ended
    await operations.finish(tx, store_id, operation_id, OperationStatus.DONE, now, file=making.made)
    await jobs.finish(tx, work.job)


async def _end(database: Database, job: Job) -> None:
    async with database.write() as tx:
        await jobs.finish(tx, job)


async def _refuse(database: Database, job: Job, operation_id: UUID, problem: str, now: datetime) -> None:
    async with database.write() as tx:
        await _fail(tx, job.store_id, operation_id, problem, now)
        await jobs.finish(tx, job)


async def _fail(tx: Transaction, store_id: int, operation_id: UUID, problem: str, now: datetime) -> None:
    await operations.add_problems(tx, store_id, operation_id, [Problem(None, problem)])
    await operations.finish(tx, store_id, operation_id, OperationStatus.FAILED, now)


EXPORT = JobKind("list.export", Queue.REPORTS, export, give_up, time_limit=6 * 3600, makes_files=True)
