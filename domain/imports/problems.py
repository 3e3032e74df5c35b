"""Counts the problems of an import, and makes the file of all of them that clients download."""

import asyncio
import csv
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TextIO

from sqlalchemy import select

from domain import jobs
from domain.imports import queries
from domain.imports.format import ImportKey
from domain.imports.import_run import ImportRun
from domain.imports.model import Progress
from domain.imports.tables import import_problems
from domain.kit.db import Transaction
from domain.kit.formulas import protected
from domain.operations.model import Problem

_HEADER = ("row", "column", "value", "reason", "outcome")
_PAGE = 5_000


async def record(tx: Transaction, key: ImportKey, progress: Progress, problems: Sequence[Problem]) -> Progress:
    """Store problems behind those that there are, and return the progress after them."""
    await queries.add_problems(tx, key.store_id, key.operation_id, problems, progress.problem_count)
    return progress.counting(problems)


async def write(run: ImportRun, path: Path) -> None:
    """Write all problems as CSV, in UTF-8 with the mark that Excel knows it by. No cell of it is a formula."""
    file = await asyncio.to_thread(path.open, "w", encoding="utf-8-sig", newline="")
    try:
        await asyncio.to_thread(_write_rows, file, [_HEADER])
        async for rows in _pages(run):
            await asyncio.to_thread(_write_rows, file, rows)
            async with run.database.write() as tx:
                await jobs.renew(tx, run.job, progressed=True)
    finally:
        await asyncio.to_thread(file.close)


def _write_rows(file: TextIO, rows: Sequence[Sequence[object]]) -> None:
    csv.writer(file).writerows(
        [protected(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row] for row in rows
    )


async def _pages(run: ImportRun) -> AsyncGenerator[Sequence[Sequence[object]]]:
    stored = import_problems.c
    columns = (stored.number, stored.row, stored.column, stored.value, stored.message, stored.outcome)
    last = 0
    while True:
        page = select(*columns).where(run.key.matches(stored), stored.number > last).order_by(stored.number)
        async with run.database.read() as tx:
            rows = (await tx.execute(page.limit(_PAGE))).all()
        if rows:
            last = rows[-1].number
            yield [tuple(row)[1:] for row in rows]
        if len(rows) < _PAGE:
            return
