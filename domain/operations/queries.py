"""Every statement on operations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from domain.kit import ids
from domain.kit.db import AnyRow, Transaction
from domain.operations.model import FileMade, Operation, OperationStatus, Problem
from domain.operations.tables import operation_problems as problems
from domain.operations.tables import operations

_COLUMNS = (
    operations.c.store_id,
    operations.c.id,
    operations.c.kind,
    operations.c.status,
    operations.c.done,
    operations.c.total,
    operations.c.file,
    operations.c.file_name,
    operations.c.dry_run,
    operations.c.created_at,
    operations.c.finished_at,
)


async def start(
    tx: Transaction,
    store_id: int,
    kind: str,
    now: datetime,
    *,
    total: int | None = None,
    dry_run: bool = False,
) -> Operation:
    """A new operation, waiting for its worker."""
    operation = Operation(store_id, ids.new(), kind, OperationStatus.QUEUED, 0, total, None, dry_run, now, None)
    await _add(tx, [operation])
    return operation


async def start_all(tx: Transaction, store_id: int, kind: str, now: datetime, number: int) -> list[Operation]:
    """So many operations of a kind."""
    begun = [
        Operation(store_id, ids.new(), kind, OperationStatus.QUEUED, 0, None, None, False, now, None)
        for _ in range(number)
    ]
    await _add(tx, begun)
    return begun


async def _add(tx: Transaction, begun: Sequence[Operation]) -> None:
    rows = [
        {
            "store_id": operation.store_id,
            "id": operation.id,
            "kind": operation.kind,
            "status": operation.status.value,
            "done": operation.done,
            "total": operation.total,
            "dry_run": operation.dry_run,
            "created_at": operation.created_at,
        }
        for operation in begun
    ]
    await tx.execute(insert(operations), rows)


async def by_ids(tx: Transaction, store_id: int, wanted: Sequence[UUID]) -> list[Operation]:
    rows = await tx.execute(select(*_COLUMNS).where(operations.c.store_id == store_id, operations.c.id.in_(wanted)))
    return [_operation(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, operation_id: UUID) -> Operation | None:
    return next(iter(await by_ids(tx, store_id, [operation_id])), None)


async def progress(tx: Transaction, store_id: int, operation_id: UUID, done: int, total: int | None = None) -> bool:
    """Running, and so far; `total` stays as it was when left out. False when it has ended, such as by a caller."""
    values: dict[str, object] = {"status": OperationStatus.RUNNING.value, "done": done}
    if total is not None:
        values["total"] = total
    going = operations.c.status.in_([OperationStatus.QUEUED.value, OperationStatus.RUNNING.value])
    changed = await tx.execute(update(operations).where(*_is(store_id, operation_id), going).values(values))
    return bool(changed.rowcount)


async def finish(
    tx: Transaction,
    store_id: int,
    operation_id: UUID,
    status: OperationStatus,
    now: datetime,
    *,
    file: FileMade | None = None,
) -> None:
    await tx.execute(
        update(operations)
        .where(*_is(store_id, operation_id))
        .values(
            status=status.value,
            finished_at=now,
            file=None if file is None else file.stored,
            file_name=None if file is None else file.name,
        )
    )


async def with_files(tx: Transaction, before: datetime, limit: int) -> list[Operation]:
    """Operations of all stores that ended before then and still have a file."""
    old = (operations.c.file.is_not(None), operations.c.finished_at < before)
    rows = await tx.execute(
        select(*_COLUMNS).where(*old).order_by(operations.c.finished_at, operations.c.id).limit(limit)
    )
    return [_operation(row) for row in rows]


async def files_of(tx: Transaction, wanted: Iterable[UUID]) -> set[str]:
    """The files that these operations of any store have."""
    found = select(operations.c.file).where(operations.c.id.in_(list(wanted)), operations.c.file.is_not(None))
    return set((await tx.execute(found)).scalars())


async def drop_file(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    await tx.execute(update(operations).where(*_is(store_id, operation_id)).values(file=None, file_name=None))


async def add_problems(tx: Transaction, store_id: int, operation_id: UUID, found: Iterable[Problem]) -> None:
    """Further problems, behind those that are there."""
    taken = await tx.scalar(
        select(func.coalesce(func.max(problems.c.number), 0)).where(
            problems.c.store_id == store_id, problems.c.operation_id == operation_id
        )
    )
    rows = [
        {
            "store_id": store_id,
            "operation_id": operation_id,
            "number": number,
            "row": problem.row,
            "message": problem.message,
        }
        for number, problem in enumerate(found, taken + 1)
    ]
    if rows:
        await tx.execute(insert(problems), rows)


async def clear_problems(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    await tx.execute(delete(problems).where(problems.c.store_id == store_id, problems.c.operation_id == operation_id))


async def problems_of(tx: Transaction, store_id: int, operation_ids: Sequence[UUID]) -> dict[UUID, list[Problem]]:
    found: dict[UUID, list[Problem]] = {operation_id: [] for operation_id in operation_ids}
    rows = await tx.execute(
        select(problems.c.operation_id, problems.c.row, problems.c.message)
        .where(problems.c.store_id == store_id, problems.c.operation_id.in_(operation_ids))
        .order_by(problems.c.operation_id, problems.c.number)
    )
    for operation_id, row, message in rows:
        found[operation_id].append(Problem(row, message))
    return found


def _is(store_id: int, operation_id: UUID) -> tuple[Any, Any]:
    return operations.c.store_id == store_id, operations.c.id == operation_id


def _operation(row: AnyRow) -> Operation:
    store_id, id_, kind, status, done, total, stored, name, dry_run, created_at, finished_at = row
    file = None if stored is None else FileMade(stored, name or stored)
    return Operation(store_id, id_, kind, OperationStatus(status), done, total, file, dry_run, created_at, finished_at)
