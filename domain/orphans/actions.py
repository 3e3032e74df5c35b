"""Ends what nobody works on: uploads that broke off, operations and lists without a job, staged rows of no import.

A job's row is what counts: while it is there, whatever belongs to it is left alone. An upload has none before its last
piece; it is given up when no piece has come for a while, by the database's clock.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from domain import jobs
from domain.imports import queries as imports
from domain.imports.queries import StagedImport
from domain.imports.reports import queries as import_reports
from domain.jobs import JobKind, Queue
from domain.kit.db import Database, Transaction
from domain.lists import queries as lists
from domain.lists.build import BUILD
from domain.lists.model import ListStatus
from domain.operations import queries as operations
from domain.operations.model import Operation, OperationStatus, Problem
from domain.services import Services

# Seconds without another piece after which an upload is given up.
UPLOAD_SECONDS = 600.0
REPORT_SECONDS = 30 * 86_400.0
_BROKEN_OFF = "The upload broke off before the whole file had come: send the file again"
_NO_JOB = "Nobody works on it any more, for its job is gone: start it again"
_NO_LIST_JOB = "Nobody makes it any more, for its job is gone: delete it, and make the next one"


class _Living(Exception):
    """Somebody works on it after all: the transaction is rolled back."""


@dataclass(frozen=True, slots=True)
class EndedOrphans:
    operations: int
    lists: int
    imports: int


async def end_orphans(services: Services, kinds: Mapping[str, JobKind[Services]]) -> EndedOrphans:
    """End what is an orphan now, each in a transaction of its own in which that is asked again."""
    database = services.database
    # Deliveries are of campaigns, and many.
    with_operation = [name for name, kind in kinds.items() if kind.queue is not Queue.DELIVERIES]
    async with database.read() as tx:
        # Before the jobs: what is begun in between has its job by then.
        open_operations = await operations.open_of_all_stores(tx)
        generating = await lists.generating(tx)
        staged = await imports.staged(tx)
        worked_on = await _named_by_jobs(tx, with_operation)
    ended = [
        await _end_operation(services, with_operation, operation)
        for operation in open_operations
        if str(operation.id) not in worked_on
    ]
    ended_lists = [
        await _end_list(database, listed.store_id, listed.list_id)
        for listed in generating
        if str(listed.list_id) not in worked_on
    ]
    open_ids = {operation.id for operation in open_operations}
    cleared = [await _clear_import(database, one) for one in staged if one.operation_id not in open_ids]
    return EndedOrphans(sum(ended), sum(ended_lists), sum(cleared))


async def delete_old_reports(database: Database) -> int:
    """Delete problems of operations, and reports of imports, past their time: they may quote what rows say of persons.

    Return how many problems.
    """
    async with database.write() as tx:
        await import_reports.delete_before(tx, REPORT_SECONDS)
        return await operations.delete_problems_before(tx, REPORT_SECONDS)


async def _named_by_jobs(tx: Transaction, kinds: Sequence[str]) -> set[str]:
    """Return the ids of operations and lists that jobs name which wait or run."""
    payloads = await jobs.payloads(tx, kinds)
    return {str(payload[name]) for payload in payloads for name in ("operation", "list") if name in payload}


async def _end_operation(services: Services, kinds: Sequence[str], operation: Operation) -> bool:
    """Fail the operation unless somebody works on it, or its file is still coming. Return whether it was failed."""
    store_id, operation_id = operation.store_id, operation.id
    with suppress(_Living):
        async with services.database.write() as tx:
            # This locks it: whoever submits a file or ends the operation waits, or was first.
            if not await operations.progress(tx, store_id, operation_id, operation.done):
                raise _Living
            if str(operation_id) in await _named_by_jobs(tx, kinds):
                raise _Living
            if await imports.is_coming(tx, store_id, operation_id, UPLOAD_SECONDS):
                raise _Living
            is_upload = await imports.load(tx, store_id, operation_id) is not None
            await imports.clear(tx, store_id, operation_id)
            problem = Problem(None, _BROKEN_OFF if is_upload else _NO_JOB)
            await operations.add_problems(tx, store_id, operation_id, [problem])
            await operations.finish(tx, store_id, operation_id, OperationStatus.FAILED, services.clock())
        return True
    return False


async def _end_list(database: Database, store_id: int, list_id: UUID) -> bool:
    """Fail the list unless somebody makes it. Return whether it was failed."""
    with suppress(_Living):
        async with database.write() as tx:
            if not await lists.complete_build(tx, store_id, list_id, ListStatus.FAILED, problem=_NO_LIST_JOB):
                raise _Living
            if str(list_id) in await _named_by_jobs(tx, [BUILD.name]):
                raise _Living
        return True
    return False


async def _clear_import(database: Database, staged: StagedImport) -> bool:
    """Delete a file and staged rows whose operation has ended, or is none. Return whether they were deleted."""
    with suppress(_Living):
        async with database.write() as tx:
            if await operations.is_open(tx, staged.store_id, staged.operation_id):
                raise _Living
            await imports.clear(tx, staged.store_id, staged.operation_id)
        return True
    return False
