"""Does an import: stages its rows, then merges them, each step in a transaction that also says how far it is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, select

from domain import jobs
from domain.customers import actions as customer_actions
from domain.customers import queries as customer_queries
from domain.customers.tables import contacts, customer_facts, customer_properties, customer_tags, customers
from domain.imports import copy, csv_reader, queries
from domain.imports.csv_reader import Unreadable
from domain.imports.customers import merge
from domain.imports.customers.merge import Part
from domain.imports.customers.rows import CustomerRows
from domain.imports.header import check_header
from domain.imports.model import MAX_PROBLEMS, PIECE, ImportKind, Phase, Progress, inferred
from domain.imports.orders import merge as order_merge
from domain.imports.orders.rows import OrderRows
from domain.imports.tables import import_customers, import_orders
from domain.jobs import Job
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import refresh_statistics
from domain.operations import queries as operations
from domain.operations.model import OperationStatus, Problem
from domain.orders.tables import order_items, orders

_MEASURED = frozenset(4**power for power in range(20)) | {0}
_STAGED = {
    ImportKind.CUSTOMERS: (import_customers, customers),
    ImportKind.ORDERS: (import_orders, customers),
}
_MERGED = {
    ImportKind.CUSTOMERS: (customers, customer_facts, customer_tags, customer_properties, contacts),
    ImportKind.ORDERS: (orders, order_items, customer_facts),
}
Finish = Callable[[Transaction], Awaitable[None]]


@dataclass(slots=True)
class _Import:
    database: Database
    job: Job
    clock: Clock
    finish: Finish
    operation_id: UUID
    kind: ImportKind
    bytes: int
    at: Progress
    dry_run: bool

    @property
    def keys(self) -> tuple[int, UUID]:
        return self.job.store_id, self.operation_id


async def run(database: Database, job: Job, clock: Clock, finish: Finish) -> None:
    """Where another worker stopped, or from the start. `finish` ends the job in the last transaction."""
    operation_id = UUID(str(job.payload["operation"]))
    async with database.read() as tx:
        found = await queries.load(tx, job.store_id, operation_id)
        operation = await operations.by_id(tx, job.store_id, operation_id)
    if found is None or operation is None or operation.status.ended:
        await _discard(database, job, operation_id, finish)
        return
    work = _Import(database, job, clock, finish, operation_id, *found, operation.dry_run)
    try:
        if work.at.phase is Phase.STAGE:
            await _stage(work)
    except Unreadable as error:
        await _refuse(work, Problem(error.row, error.message))
        return
    if not work.dry_run:
        await _merge(work)
    await _end(work)


async def give_up(tx: Transaction, job: Job, now: datetime) -> None:
    """Its workers died again and again: nothing of it stays but the reason."""
    operation_id = UUID(str(job.payload["operation"]))
    problem = Problem(None, "the import was given up: its worker stopped again and again")
    await operations.add_problems(tx, job.store_id, operation_id, [problem])
    await operations.finish(tx, job.store_id, operation_id, OperationStatus.FAILED, now)
    await queries.clear(tx, job.store_id, operation_id)


async def _discard(database: Database, job: Job, operation_id: UUID, finish: Finish) -> None:
    async with database.write() as tx:
        await queries.clear(tx, job.store_id, operation_id)
        await finish(tx)


async def _refuse(work: _Import, problem: Problem) -> None:
    async with work.database.write() as tx:
        await operations.clear_problems(tx, *work.keys)
        await operations.add_problems(tx, *work.keys, [problem])
        await operations.finish(tx, *work.keys, OperationStatus.FAILED, work.clock())
        await queries.clear(tx, *work.keys)
        await work.finish(tx)


async def _saved(work: _Import, tx: Transaction, progress: Progress, done: int, total: int) -> None:
    """The last words of a step's transaction; a worker that lost the job meanwhile writes nothing."""
    await queries.save(tx, *work.keys, progress)
    await operations.progress(tx, *work.keys, done, total)
    await jobs.renew(tx, work.job)


@dataclass(frozen=True, slots=True)
class _Piece:
    number: int
    size: int
    # Where its content ends in the piece as it was sent.
    end: int
    last: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """A piece, read: what is to be written, and how far the file is read after it."""

    tables: dict[Any, tuple[list[str], list[tuple[Any, ...]]]]
    problems: list[Problem]
    progress: Progress
    rest: bytes


async def _stage(work: _Import) -> None:
    async with work.database.read() as tx:
        last = await queries.last_piece(tx, *work.keys)
        definitions = {found.key: found for found in await customer_queries.definitions(tx, work.job.store_id)}
    rows: CustomerRows | OrderRows | None = None
    rest = b""
    at = work.at
    begin = at.piece
    writing: asyncio.Task[None] | None = None
    try:
        for number in range(begin, last + 1):
            offset = work.at.offset if number == begin else 0
            content = await _content(work, number, offset)
            data = rest + content
            if rows is None:
                at = at if at.columns else replace(at, columns=check_start(data, work.kind))
                rows = _rows_of(work, at, definitions)
            piece = _Piece(number, len(content), offset + len(content), number == last)
            # The database writes one piece while the next is read.
            read = await asyncio.to_thread(_read, work, rows, at, piece, data)
            at, rest = read.progress, read.rest
            if writing is not None:
                await writing
            writing = asyncio.create_task(_write(work, read))
        if writing is not None:
            await writing
    finally:
        if writing is not None and not writing.done():
            await asyncio.wait([writing])
    work.at = at
    await _staged(work)


async def _content(work: _Import, number: int, offset: int) -> bytes:
    async with work.database.read() as tx:
        content = await queries.piece(tx, *work.keys, number)
    if content is None:
        raise Unreadable("a part of the file is missing: send it again")
    return content[offset:]


def check_start(data: bytes, kind: ImportKind) -> list[str]:
    """The columns that a file begins with."""
    csv_reader.check_bytes(data)
    final = len(data) < PIECE  # then it is the whole file
    records = csv_reader.read(data, 1, final=final)
    if not records.rows:
        csv_reader.check_rest(data, 1)
        raise Unreadable("the header is longer than 1 MiB", 1)
    return check_header(records.rows[0], kind)


def _rows_of(work: _Import, at: Progress, definitions: Any) -> CustomerRows | OrderRows:
    if work.kind is ImportKind.ORDERS:
        return OrderRows(at.columns, work.database.dialect)
    return CustomerRows(at.columns, work.database.dialect, definitions, {k: list(v) for k, v in at.types.items()})


def _read(work: _Import, rows: CustomerRows | OrderRows, at: Progress, piece: _Piece, data: bytes) -> _Read:
    records = csv_reader.read(data, at.row, final=piece.last)
    rest = data[records.taken :]
    row = at.row + len(records.rows)
    csv_reader.check_rest(rest, row)
    numbered = csv_reader.numbered(records)
    if at.row == 1:
        next(numbered, None)
    found, problems = rows.read(numbered)
    start = (piece.number, piece.end - len(rest)) if len(rest) <= piece.size else (at.piece, at.offset)
    key = copy.key_of(work.operation_id, work.database.dialect)
    return _Read(
        rows.staged(found, (work.job.store_id, key, piece.number)),
        problems,
        replace(
            at,
            piece=start[0],
            offset=start[1],
            row=row,
            types={} if isinstance(rows, OrderRows) else {k: list(v) for k, v in rows.types.items()},
            bytes_done=at.bytes_done + records.taken,
            bad=at.bad + len(problems),
            part=2 * piece.number + 1,
        ),
        rest,
    )


async def _write(work: _Import, read: _Read) -> None:
    at = read.progress
    async with work.database.write() as tx:
        for table, (names, rows) in read.tables.items():
            await copy.put(tx, table, names, rows)
        await _note(tx, work, at.bad - len(read.problems), read.problems)
        rows_in_all = round((at.row - 1) * max(work.bytes / max(at.bytes_done, 1), 1))
        await _saved(work, tx, at, (at.row - 2) // 2, rows_in_all)


async def _note(tx: Transaction, work: _Import, before: int, problems: list[Problem]) -> None:
    """The first of a file's problems are kept."""
    await operations.add_problems(tx, *work.keys, problems[: max(MAX_PROBLEMS - before, 0)])


async def _staged(work: _Import) -> None:
    """The whole file is known: what is undefined gets its type, and orders of strangers are told."""
    at = replace(work.at, phase=Phase.MERGE)
    async with work.database.write() as tx:
        if work.kind is ImportKind.ORDERS:
            at.bad += await _refuse_strangers(tx, work, at.bad)
        elif not work.dry_run:
            await _define(tx, work, at)
        await refresh_statistics(tx, *_STAGED[work.kind])
        await _saved(work, tx, at, (at.row - 2) // 2, at.row - 2)
    work.at = at


async def _define(tx: Transaction, work: _Import, at: Progress) -> None:
    known = {found.key for found in await customer_queries.definitions(tx, work.job.store_id)}
    for key, candidates in at.types.items():
        if key not in known:
            label = key.replace("_", " ").strip().capitalize() or key
            kind = inferred(candidates)
            await customer_actions.add_definition(tx, work.job.store_id, key, label, kind, work.clock())


async def _refuse_strangers(tx: Transaction, work: _Import, before: int) -> int:
    """Rows of customers whom the store does not have; how many."""
    staged = import_orders.c
    ours = and_(staged.store_id == work.job.store_id, staged.operation_id == work.operation_id)
    known = exists().where(
        customers.c.store_id == work.job.store_id, customers.c.external_id == staged.customer_external_id
    )
    strangers = and_(ours, ~known)
    count = int(await tx.scalar(select(func.count()).select_from(import_orders).where(strangers)))
    if count:
        first = select(staged.row, staged.customer_external_id).where(strangers).order_by(staged.row)
        rows = await tx.execute(first.limit(max(MAX_PROBLEMS - before, 0)))
        said = "no customer has the external_id {!r}: import the customers first"
        problems = [Problem(row, f"customer_external_id: {said.format(customer)}") for row, customer in rows]
        await _note(tx, work, before, problems)
        await tx.execute(delete(import_orders).where(strangers))
    return count


async def _merge(work: _Import) -> None:
    step = _merge_part if work.kind is ImportKind.CUSTOMERS else _merge_stretch
    steps = 0
    going = True
    while going:
        # PostgreSQL's figures of a store that was empty mislead it: they are taken anew as the store grows.
        if steps in _MEASURED and work.at.merged:
            async with work.database.write() as tx:
                await refresh_statistics(tx, *_MERGED[work.kind])
        going = await step(work)
        steps += 1


async def _merge_part(work: _Import) -> bool:
    part = work.at.merged_part + 1
    if part > work.at.part:
        return False
    at = replace(work.at, merged_part=part)
    async with work.database.write() as tx:
        at.merged += await merge.merge(tx, Part(*work.keys, part), at.columns, work.clock())
        await _saved(work, tx, at, _half_done(at), at.row - 2)
    work.at = at
    return True


async def _merge_stretch(work: _Import) -> bool:
    async with work.database.write() as tx:
        stretch = await order_merge.next_stretch(tx, *work.keys, work.at.customer)
        if stretch is None:
            return False
        at = replace(work.at, customer=stretch.until)
        at.merged += await order_merge.merge(tx, stretch, work.clock())
        await _saved(work, tx, at, _half_done(at), at.row - 2)
    work.at = at
    return True


def _half_done(at: Progress) -> int:
    rows = at.row - 2
    return min(rows, (rows + at.merged) // 2)


async def _end(work: _Import) -> None:
    at = work.at
    async with work.database.write() as tx:
        if at.bad > MAX_PROBLEMS:
            more = Problem(None, f"{at.bad - MAX_PROBLEMS:,} more rows were left out")
            await operations.add_problems(tx, *work.keys, [more])
        rows = max(at.row - 2, 0)
        if not work.dry_run:
            await refresh_statistics(tx, *_MERGED[work.kind])
        await operations.progress(tx, *work.keys, rows, rows)
        await operations.finish(tx, *work.keys, OperationStatus.DONE, work.clock())
        await queries.clear(tx, *work.keys)
        await work.finish(tx)
