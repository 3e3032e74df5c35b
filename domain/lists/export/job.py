"""A list's export: started by a caller, written by a worker page by page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
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
from domain.operations.files import FileDirectory, UnfinishedFile, download_name
from domain.operations.model import Operation, OperationStatus, Problem
from domain.segments.catalogue import Catalogue
from domain.segments.evaluation import resolve
from domain.segments.sql.scope import FilterScope
from domain.services import Services
from domain.stores import queries as stores
from domain.stores.model import Store

PAGE = 2_000


class _Cancelled(Exception):
    """Somebody has cancelled the operation."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A caller's request; `fields` are keys of the catalogue."""

    list_id: UUID | None
    fields: Sequence[str]
    format: ExportFormat


async def start(
    tx: Transaction, store: Store, catalogue: Catalogue, request: ExportRequest, now: datetime
) -> Operation:
    """Have a worker write the list's report. An expired list may still be exported (SL-19)."""
    list_ = None if request.list_id is None else await queries.by_id(tx, store.id, request.list_id)
    if list_ is None:
        raise NotFound("There is no such list", field=("id",))
    if list_.status is not ListStatus.READY:
        raise DomainError(f"The list {list_.name} is not ready", field=("id",), code=ErrorCode.INVALID_STATE)
    check_fields(catalogue, FilterScope(store.id, store.timezone, now, tx.dialect), request.fields)
    operation = await operations.start(tx, store.id, EXPORT.name, now, total=list_.count)
    await operations.note_subject(tx, operation, list_id=list_.id)
    payload = {
        "operation": str(operation.id),
        "list": str(list_.id),
        "fields": list(request.fields),
        "format": request.format.value,
    }
    await jobs.add(tx, store.id, EXPORT.name, payload, queue=EXPORT.queue)
    return operation


@dataclass(frozen=True, slots=True)
class _Export:
    database: Database
    job: Job
    operation_id: UUID
    list: CustomerList
    format: ExportFormat
    header: Sequence[str]
    table: Table


async def export(services: Services, job: Job) -> None:
    """Write the file anew, whatever an earlier worker had of it, and end the operation."""
    operation_id = UUID(str(job.payload["operation"]))
    try:
        work = await _open(services, job, operation_id)
        name = download_name(f"{work.list.name} {work.table.scope.today}", work.format.ending)
        with services.files.create(job.store_id, operation_id, job.fence, name) as file:
            zone = ZoneInfo(work.table.scope.timezone)
            sheet = await asyncio.to_thread(open_sheet, file.path, work.format, work.header, zone)
            try:
                await _write_pages(work, sheet)
            finally:
                await asyncio.to_thread(sheet.close)
            await _publish(work, services.files, file, services.clock())
    except _Cancelled:
        async with services.database.write() as tx:
            await jobs.finish(tx, job)
    except DomainError as error:
        await _refuse(services, job, operation_id, error.message)
    except OSError as error:
        await _refuse(services, job, operation_id, f"The file could not be written: {error.strerror}")


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Fail the operation of a job whose workers died again and again; the files that they left are swept up."""
    await _fail(
        tx, job.store_id, UUID(str(job.payload["operation"])), "The report was given up: workers died", services.clock()
    )


async def _open(services: Services, job: Job, operation_id: UUID) -> _Export:
    """Look up what the export takes. Raise _Cancelled, or DomainError for a list or a field that is gone."""
    # What `start` wrote itself.
    fields = [str(key) for key in cast("Sequence[object]", job.payload["fields"])]
    # The store may have had channels then that it no longer has.
    channels = {key.removeprefix("consent."): key.removeprefix("consent.") for key in fields}
    async with services.database.read() as tx:
        operation = await operations.by_id(tx, job.store_id, operation_id)
        list_ = await queries.by_id(tx, job.store_id, UUID(str(job.payload["list"])))
        store = await stores.by_id(tx, job.store_id)
        catalogue = await resolve.catalogue(tx, job.store_id, channels, services.extensions)
    if operation is None or operation.status.ended:
        raise _Cancelled
    if list_ is None or store is None:
        raise NotFound("The list was deleted meanwhile")
    scope = FilterScope(job.store_id, store.timezone, services.clock(), services.database.dialect)
    table = Table(scope, fields, check_fields(catalogue, scope, fields))
    format_ = ExportFormat(str(job.payload["format"]))
    return _Export(services.database, job, operation_id, list_, format_, fields, table)


async def _write_pages(work: _Export, sheet: Sheet) -> None:
    """Write the members, so many to a page. Raise _Cancelled, or LeaseLost once another worker has the job."""
    done, last = 0, 0
    while True:
        async with work.database.read() as tx:
            page = await queries.members_after(tx, work.job.store_id, work.list.id, last, PAGE)
            rows = await work.table.rows(tx, page) if page else []
        await asyncio.to_thread(sheet.write, rows)
        done += len(page)
        async with work.database.write() as tx:
            await jobs.renew(tx, work.job, progressed=True)
            if not await operations.progress(tx, work.job.store_id, work.operation_id, done):
                raise _Cancelled
        if len(page) < PAGE:
            return
        last = page[-1]


async def _publish(work: _Export, files: FileDirectory, file: UnfinishedFile, now: datetime) -> None:
    """Finish the operation with its file, which is there before, and deleted again when that cannot be."""
    await asyncio.to_thread(files.publish, file)
    store_id, operation_id, count = work.job.store_id, work.operation_id, work.list.count
    try:
        async with work.database.write() as tx:
            is_open = await operations.progress(tx, store_id, operation_id, count, count)
            if is_open:
                await operations.finish(tx, store_id, operation_id, OperationStatus.DONE, now, file=file.file)
                await jobs.finish(tx, work.job)
    except LeaseLost:
        files.remove(file.file.stored_name)
        raise
    if not is_open:
        files.remove(file.file.stored_name)
        raise _Cancelled


async def _refuse(services: Services, job: Job, operation_id: UUID, problem: str) -> None:
    async with services.database.write() as tx:
        await _fail(tx, job.store_id, operation_id, problem, services.clock())
        await jobs.finish(tx, job)


async def _fail(tx: Transaction, store_id: int, operation_id: UUID, problem: str, now: datetime) -> None:
    await operations.add_problems(tx, store_id, operation_id, [Problem(None, problem)])
    await operations.finish(tx, store_id, operation_id, OperationStatus.FAILED, now)


EXPORT = JobKind("list.export", Queue.REPORTS, export, give_up, time_limit=6 * 3600, makes_files=True)
