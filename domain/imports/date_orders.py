"""Finds out in which order a file's dates are written: by the whole column, for the telling one may be the last."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from domain.imports import csv_reader, queries
from domain.imports.alignment import align
from domain.imports.csv_reader import Form
from domain.imports.encodings import Encoding
from domain.imports.import_run import ImportRun
from domain.imports.model import DateOrder, Progress
from domain.imports.values.dates import possible_orders

_Orders = dict[str, set[DateOrder]]


async def examine(run: ImportRun, progress: Progress, date_columns: Mapping[str, int]) -> dict[str, str | None]:
    """Return the order of the dates in each column, None for one that nothing tells. Read the file once for it."""
    async with run.database.read() as tx:
        last = await queries.last_piece(tx, run.store_id, run.operation_id)
    orders: _Orders = {name: {DateOrder.DMY, DateOrder.MDY} for name in date_columns}
    rest = b""
    at = replace(progress, next_row=1)
    for number in range(progress.workbook_pieces + 1, last + 1):
        async with run.database.read() as tx:
            data = rest + (await queries.piece(tx, run.store_id, run.operation_id, number) or b"")
        at, rest = await asyncio.to_thread(_narrow, orders, at, date_columns, data, final=number == last)
    return {name: next(iter(possible)).value if len(possible) == 1 else None for name, possible in orders.items()}


def _narrow(
    orders: _Orders, progress: Progress, date_columns: Mapping[str, int], data: bytes, *, final: bool
) -> tuple[Progress, bytes]:
    """Take from the orders those that a piece rules out, and return where the next one begins."""
    form = Form(Encoding(progress.encoding), progress.separator)
    records = csv_reader.read(data, progress.next_row, form, final=final)
    rows = align(records, progress).rows
    for name, cell in date_columns.items():
        orders[name] = possible_orders((record[cell] for _, record in rows), orders[name])
    return replace(progress, next_row=progress.next_row + len(records.rows)), data[records.byte_length :]
