"""`muster import`: imports a file in this process, with a progress bar."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from domain.imports.actions import LocalFile, OnComplete, from_file
from domain.imports.import_run import ImportEnvironment
from domain.imports.problems import refused_rows
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
    """Import the file and print its problems. Return whether there were none.

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
    refused = 0
    if operation.file is not None:
        path = environment.files.path(operation.file.stored_name)
        refused = await asyncio.to_thread(refused_rows, path)
        if problem_file is not None:
            await asyncio.to_thread(shutil.copyfile, path, problem_file)
    return await _report(database, operation, refused, console)


async def _report(database: Database, operation: Operation, refused: int, console: Console) -> bool:
    async with database.read() as tx:
        problems = (await operations.problems_of(tx, operation.store_id, [operation.id]))[operation.id]
    for problem in problems[:_MAX_PROBLEMS]:
        console.print(f"row {problem.row}: {problem.message}" if problem.row else problem.message, markup=False)
    if len(problems) > _MAX_PROBLEMS:
        console.print(f"... and {len(problems) - _MAX_PROBLEMS} more")
    if operation.status is not OperationStatus.DONE:
        console.print("Nothing was imported.")
        return False
    console.print(f"{operation.done - refused} of {operation.total} rows were imported.")
    return not refused
