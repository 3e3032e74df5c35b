"""`muster import`: imports a file in this process, with a progress bar."""

import asyncio
import json
import shutil
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from domain.imports.actions import LocalFile, OnComplete, from_file
from domain.imports.import_run import ImportEnvironment
from domain.imports.reports import queries as reports
from domain.imports.reports.model import ImportReport
from domain.kit.db import Database
from domain.operations import queries as operations
from domain.operations.model import Operation, OperationStatus

_POLL_SECONDS = 0.2
_MAX_PROBLEMS = 20


async def import_file(
    database: Database,
    store_id: int,
    file: LocalFile,
    environment: ImportEnvironment,
    record: OnComplete,
    problem_file: Path | None = None,
) -> bool:
    """Import the file and print its problems. Return whether no row was refused.

    `record` is called in the transaction that completes the file. All problems are written to `problem_file`, if any.
    """
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"{file.kind.value} from {file.path.name}", total=None)
        tasks: set[asyncio.Task[None]] = set()

        async def update_bar(operation: Operation) -> None:
            while True:
                await asyncio.sleep(_POLL_SECONDS)
                # The bar stands still while the database does not answer, which is for the import to report.
                with suppress(SQLAlchemyError, OSError):
                    async with database.read() as tx:
                        current = await operations.by_id(tx, operation.store_id, operation.id)
                    if current is not None:
                        progress.update(bar, completed=current.done, total=current.total)

        def watch(operation: Operation) -> None:
            tasks.add(asyncio.create_task(update_bar(operation)))

        try:
            operation = await from_file(database, store_id, file, environment, record=record, on_start=watch)
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        progress.update(bar, completed=operation.done, total=operation.total or operation.done)
    if operation.file is not None and problem_file is not None:
        await asyncio.to_thread(shutil.copyfile, environment.files.path(operation.file.stored_name), problem_file)
    return await _report(database, operation, console)


async def _report(database: Database, operation: Operation, console: Console) -> bool:
    async with database.read() as tx:
        problems = (await operations.problems_of(tx, operation.store_id, [operation.id]))[operation.id]
        report = (await reports.by_operation(tx, operation.store_id, [operation.id])).get(operation.id)
        samples = (await reports.samples_of(tx, operation.store_id, [operation.id]))[operation.id]
    if report is not None and (operation.dry_run or report.preset is not None):
        _print_mapping(console, report)
    if operation.dry_run:
        for sample in samples:
            console.print(f"row {sample.row}: {json.dumps(sample.fields, ensure_ascii=False)}", markup=False)
    for problem in problems[:_MAX_PROBLEMS]:
        console.print(f"row {problem.row}: {problem.message}" if problem.row else problem.message, markup=False)
    if len(problems) > _MAX_PROBLEMS:
        console.print(f"... and {len(problems) - _MAX_PROBLEMS} more")
    if operation.status is not OperationStatus.DONE or report is None:
        console.print("Nothing was imported.")
        return False
    counts = report.counts
    verb = "would be" if operation.dry_run else "were"
    console.print(f"{counts.taken} of {counts.rows} rows {verb} imported.")
    if counts.cells_left_out:
        console.print(f"{counts.cells_left_out} cells of them {verb} left out.")
    return not counts.refused


def _print_mapping(console: Console, report: ImportReport) -> None:
    """Print how the file was read, and what became of its columns."""
    known = f", known as {report.preset}" if report.preset else ""
    console.print(f"{report.encoding}, separated by {report.separator!r}{known}", markup=False)
    for column in report.columns:
        console.print(f"  {column.column} -> {', '.join(column.fields) or 'nothing'}", markup=False)
