"""Runs imports: stages a file's rows, then merges them, each step in a transaction that also stores the progress."""

import asyncio
import errno
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from domain.imports import problems, queries
from domain.imports.conversion import convert
from domain.imports.csv_reader import Unreadable
from domain.imports.customers.format import CustomerFormat
from domain.imports.events.format import EventFormat
from domain.imports.format import ImportFormat, RowsRefused
from domain.imports.import_run import Finish, ImportEnvironment, ImportRun
from domain.imports.model import MAX_PROBLEMS, ImportKind, Phase, Progress
from domain.imports.orders.format import OrderFormat
from domain.imports.pieces import stage
from domain.imports.reports import queries as reports
from domain.imports.reports.model import ImportCounts
from domain.jobs import Job
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import refresh_statistics
from domain.operations import queries as operations
from domain.operations.model import OperationFile, OperationStatus, Problem, ProblemOutcome
from domain.services import Services

EVENTS = EventFormat()
FORMATS: Mapping[ImportKind, ImportFormat] = {
    ImportKind.CUSTOMERS: CustomerFormat(),
    ImportKind.ORDERS: OrderFormat(),
    ImportKind.EVENTS: EVENTS,
}
# Merge steps before which statistics are refreshed: ever fewer, as the tables grow.
_REFRESHED_BEFORE = frozenset(4**power for power in range(20))

_OF_DISKS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO})


async def run(database: Database, job: Job, environment: ImportEnvironment, finish: Finish) -> None:
    """Import the job's file, from where another worker stopped or from the start. Raise LeaseLost when another has it.

    `finish` ends the job in the last transaction.
    """
    operation_id = UUID(str(job.payload["operation"]))
    async with database.read() as tx:
        stored = await queries.load(tx, job.store_id, operation_id)
        operation = await operations.by_id(tx, job.store_id, operation_id)
    if stored is None or operation is None or operation.status.ended:
        async with database.write() as tx:
            await queries.clear(tx, job.store_id, operation_id)
            await finish(tx)
        return
    import_run = ImportRun(
        database=database,
        job=job,
        environment=environment,
        finish=finish,
        format=FORMATS[stored.kind],
        operation_id=operation_id,
        bytes=stored.bytes,
        dry_run=operation.dry_run,
        sent_at=operation.created_at,
        progress=stored.progress,
    )
    try:
        if import_run.progress.phase is Phase.CONVERT:
            await convert(import_run)
        if import_run.progress.phase is Phase.STAGE:
            await stage(import_run)
    except Unreadable as error:
        async with database.write() as tx:
            await operations.delete_problems(tx, job.store_id, operation_id)
            await operations.add_problems(tx, job.store_id, operation_id, [Problem(error.row, error.message)])
            await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, environment.clock())
            await queries.clear(tx, job.store_id, operation_id)
            await finish(tx)
        return
    if not import_run.dry_run:
        await _merge(import_run)
    await _complete(import_run)


async def give_up(tx: Transaction, services: Services, job: Job) -> None:
    """Fail an import whose workers died again and again, and delete all of it but the reason."""
    operation_id = UUID(str(job.payload["operation"]))
    problem = Problem(None, "The import was given up: its worker stopped again and again")
    await operations.add_problems(tx, job.store_id, operation_id, [problem])
    await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, services.clock())
    await queries.clear(tx, job.store_id, operation_id)


async def _merge(import_run: ImportRun) -> None:
    file_format = import_run.format
    steps = 0
    while True:
        progress = import_run.progress
        # PostgreSQL's statistics of a store that was empty mislead it.
        if steps in _REFRESHED_BEFORE and progress.merged_rows:
            async with import_run.database.write() as tx:
                await refresh_statistics(tx, *file_format.written)
        try:
            async with import_run.database.write() as tx:
                merged = await file_format.merge_next(tx, import_run.key, progress, import_run.clock())
                if merged is None:
                    return
                await import_run.checkpoint(tx, merged, merged.done, merged.rows)
        except RowsRefused as refused:
            async with import_run.database.write() as tx:
                merged = await EVENTS.refuse(tx, import_run.key, progress, refused)
                await import_run.checkpoint(tx, merged, merged.done, merged.rows)
        import_run.progress = merged
        steps += 1


async def _complete(import_run: ImportRun) -> None:
    """End the import, with a file of its problems if there are any."""
    if not import_run.progress.problem_count:
        await _end(import_run, None)
        return
    files, job = import_run.environment.files, import_run.job
    try:
        with files.create(job.store_id, import_run.operation_id, job.fence, "Problems.csv") as unfinished:
            await problems.write(import_run, unfinished.path)
            await asyncio.to_thread(files.publish, unfinished)
    except OSError as error:
        if error.errno not in _OF_DISKS:
            raise
        # What was imported is in, whether the disk is full or not.
        await _end(import_run, None, f"The file of all problems could not be written: {error.strerror}")
        return
    try:
        await _end(import_run, unfinished.file)
    except BaseException:
        files.remove(unfinished.file.stored_name)
        raise


async def _end(import_run: ImportRun, file: OperationFile | None, problem: str | None = None) -> None:
    store_id, operation_id = import_run.store_id, import_run.operation_id
    progress = import_run.progress
    more = progress.problem_count - MAX_PROBLEMS
    notices = [f"{more:,} more problems are in the operation's file, which has all of them"] if more > 0 else []
    notices += [] if problem is None else [problem]
    async with import_run.database.write() as tx:
        await operations.add_problems(
            tx, store_id, operation_id, [Problem(None, notice, outcome=ProblemOutcome.NOTICE) for notice in notices]
        )
        if not import_run.dry_run:
            await refresh_statistics(tx, *import_run.format.written)
        report = (await reports.by_operation(tx, store_id, [operation_id])).get(operation_id)
        if report is not None:
            await reports.save(tx, import_run.key, replace(report, counts=_counts(progress)))
        await import_run.show_progress(tx, progress.rows, progress.rows)
        now = import_run.clock()
        await operations.finish(tx, store_id, operation_id, OperationStatus.DONE, now, file=file)
        await queries.clear(tx, store_id, operation_id)
        await import_run.finish(tx)


def _counts(progress: Progress) -> ImportCounts:
    refused = progress.refused_rows
    return ImportCounts(progress.filled_rows, progress.filled_rows - refused, refused, progress.cells_left_out)
