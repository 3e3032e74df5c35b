"""`muster import`: a file taken in here and now, with a bar that shows how far it is."""

import asyncio
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from domain.imports.actions import from_file
from domain.imports.model import ImportKind
from domain.kit.clock import Clock
from domain.kit.db import Database
from domain.operations import queries as operations
from domain.operations.model import Operation, OperationStatus

_LOOK = 0.2
_SHOWN = 20


async def import_file(database: Database, store_id: int, kind: ImportKind, path: Path, clock: Clock) -> bool:
    """Whether every row went in; what did not is shown."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"{kind.value} from {path.name}", total=None)
        watching: set[asyncio.Task[None]] = set()

        def watch(operation: Operation) -> None:
            watching.add(asyncio.create_task(_watch(database, operation, progress, bar)))

        try:
            done = await from_file(database, store_id, kind, path, clock, on_start=watch)
        finally:
            for task in watching:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        progress.update(bar, completed=done.done, total=done.total or done.done)
    return await _report(database, done, console)


async def _watch(database: Database, operation: Operation, progress: Progress, bar: TaskID) -> None:
    while True:
        await asyncio.sleep(_LOOK)
        async with database.read() as tx:
            found = await operations.by_id(tx, operation.store_id, operation.id)
        if found is not None:
            progress.update(bar, completed=found.done, total=found.total)


async def _report(database: Database, done: Operation, console: Console) -> bool:
    async with database.read() as tx:
        problems = (await operations.problems_of(tx, done.store_id, [done.id]))[done.id]
    for problem in problems[:_SHOWN]:
        console.print(f"row {problem.row}: {problem.message}" if problem.row else problem.message, markup=False)
    if len(problems) > _SHOWN:
        console.print(f"... and {len(problems) - _SHOWN} more")
    well = done.status is OperationStatus.DONE
    console.print(f"{done.done - len(problems)} of {done.total} rows went in." if well else "Nothing went in.")
    return well and not problems
