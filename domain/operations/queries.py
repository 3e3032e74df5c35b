"""Every statement on operations."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from domain.kit import ids
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import database_later, database_now
from domain.operations.model import FileHolder, Operation, OperationFile, OperationStatus, Problem, ProblemOutcome
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
_PROBLEM_COLUMNS = (problems.c.row, problems.c.message, problems.c.column, problems.c.value, problems.c.outcome)


async def start(
    tx: Transaction,
    store_id: int,
    kind: str,
    now: datetime,
    *,
    total: int | None = None,
    dry_run: bool = False,
) -> Operation:
    """Add an operation that waits for its worker. Return it."""
    operation = Operation(store_id, ids.new(), kind, OperationStatus.QUEUED, 0, total, None, dry_run, now, None)
    await _add(tx, [operation])
    return operation


async def start_all(tx: Transaction, store_id: int, kind: str, now: datetime, number: int) -> list[Operation]:
    """Add `number` operations of a kind. Return them."""
    started = [
        Operation(store_id, ids.new(), kind, OperationStatus.QUEUED, 0, None, None, False, now, None)
        for _ in range(number)
    ]
    await _add(tx, started)
    return started


async def _add(tx: Transaction, started: Sequence[Operation]) -> None:
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
        for operation in started
    ]
    await tx.execute(insert(operations), rows)


async def note_subject(
    tx: Transaction, operation: Operation, *, list_id: UUID | None = None, customer_id: int | None = None
) -> None:
    """Note whose data the operation's file will hold: that of the members of a list, or of one customer."""
    is_operation = _is(operation.store_id, operation.id)
    await tx.execute(update(operations).where(*is_operation).values(list_id=list_id, customer_id=customer_id))


async def by_ids(tx: Transaction, store_id: int, operation_ids: Sequence[UUID]) -> list[Operation]:
    statement = select(*_COLUMNS).where(operations.c.store_id == store_id, operations.c.id.in_(operation_ids))
    rows = await tx.execute(statement)
    return [_operation(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, operation_id: UUID) -> Operation | None:
    return next(iter(await by_ids(tx, store_id, [operation_id])), None)


async def progress(tx: Transaction, store_id: int, operation_id: UUID, done: int, total: int | None = None) -> bool:
    """Store that the operation runs and how far it is. Return False when it has ended, such as by a caller.

    A `total` that is left out stays as it was.
    """
    values: dict[str, object] = {"status": OperationStatus.RUNNING.value, "done": done}
    if total is not None:
        values["total"] = total
    unfinished = operations.c.status.in_([OperationStatus.QUEUED.value, OperationStatus.RUNNING.value])
    updated = await tx.execute(update(operations).where(*_is(store_id, operation_id), unfinished).values(values))
    return bool(updated.rowcount)


async def finish(
    tx: Transaction,
    store_id: int,
    operation_id: UUID,
    status: OperationStatus,
    now: datetime,
    *,
    file: OperationFile | None = None,
) -> None:
    await tx.execute(
        update(operations)
        .where(*_is(store_id, operation_id))
        .values(
            status=status.value,
            finished_at=now,
            file=None if file is None else file.stored_name,
            file_name=None if file is None else file.download_name,
        )
    )


async def with_expired_files(tx: Transaction, before: datetime, limit: int) -> list[Operation]:
    """Return up to `limit` operations of all stores that ended before an instant and still have a file."""
    expired = (operations.c.file.is_not(None), operations.c.finished_at < before)
    rows = await tx.execute(
        select(*_COLUMNS).where(*expired).order_by(operations.c.finished_at, operations.c.id).limit(limit)
    )
    return [_operation(row) for row in rows]


async def files_of(tx: Transaction, operation_ids: Iterable[UUID]) -> set[str]:
    """Return the stored names of the files that these operations of any store have."""
    with_file = (operations.c.id.in_(list(operation_ids)), operations.c.file.is_not(None))
    return set((await tx.execute(select(operations.c.file).where(*with_file))).scalars())


async def clear_file(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    await tx.execute(update(operations).where(*_is(store_id, operation_id)).values(file=None, file_name=None))


async def file_holders(tx: Transaction, store_id: int) -> list[FileHolder]:
    """Return the store's operations that have a file or are not over: few at any time."""
    columns = (
        operations.c.id,
        operations.c.kind,
        operations.c.file,
        operations.c.list_id,
        operations.c.customer_id,
    )
    holders: dict[UUID, FileHolder] = {}
    for held in (operations.c.file.is_not(None), operations.c.finished_at.is_(None)):
        rows = await tx.execute(select(*columns).where(operations.c.store_id == store_id, held))
        holders |= {row.id: FileHolder(row.id, row.kind, row.file, row.list_id, row.customer_id) for row in rows}
    return list(holders.values())


async def open_of_all_stores(tx: Transaction) -> list[Operation]:
    """Return the operations that are not over."""
    rows = await tx.execute(select(*_COLUMNS).where(operations.c.finished_at.is_(None)))
    return [_operation(row) for row in rows]


async def is_open(tx: Transaction, store_id: int, operation_id: UUID) -> bool:
    """Return whether there is such an operation, and it is not over."""
    is_operation = _is(store_id, operation_id)
    unfinished = select(operations.c.id).where(*is_operation, operations.c.finished_at.is_(None))
    return (await tx.scalar(unfinished)) is not None


async def forget_subject(tx: Transaction, store_id: int, hashes: Collection[bytes], message: str) -> None:
    """Replace what problems say of rows that were of somebody, whom the hashes name."""
    is_subject = (problems.c.store_id == store_id, problems.c.subject.in_(sorted(hashes)))
    await tx.execute(update(problems).where(*is_subject).values(message=message, column=None, value=None, subject=None))


async def problems_about(tx: Transaction, store_id: int, hashes: Collection[bytes]) -> list[Problem]:
    """Return the problems of rows of somebody, whom the hashes name."""
    is_subject = (problems.c.store_id == store_id, problems.c.subject.in_(sorted(hashes)))
    rows = await tx.execute(
        select(*_PROBLEM_COLUMNS).where(*is_subject).order_by(problems.c.operation_id, problems.c.number)
    )
    return [_problem(row) for row in rows]


async def delete_problems_before(tx: Transaction, seconds: float) -> int:
    """Delete the problems of all stores that are older than so many seconds, and return how many."""
    is_old = problems.c.created_at < database_later(-seconds, tx.dialect)
    return (await tx.execute(delete(problems).where(is_old))).rowcount


async def add_problems(tx: Transaction, store_id: int, operation_id: UUID, added: Iterable[Problem]) -> None:
    """Add problems behind those that the operation has."""
    last_row = select(func.coalesce(func.max(problems.c.number), 0), database_now(tx.dialect)).where(
        problems.c.store_id == store_id, problems.c.operation_id == operation_id
    )
    last_number, now = (await tx.execute(last_row)).one()
    rows = [
        {
            "store_id": store_id,
            "operation_id": operation_id,
            "number": number,
            "row": problem.row,
            "message": problem.message,
            "column": problem.column,
            "value": problem.value,
            "outcome": None if problem.outcome is None else problem.outcome.value,
            "subject": problem.subject,
            "created_at": now,
        }
        for number, problem in enumerate(added, last_number + 1)
    ]
    if rows:
        await tx.execute(insert(problems), rows)


async def delete_problems(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    await tx.execute(delete(problems).where(problems.c.store_id == store_id, problems.c.operation_id == operation_id))


async def problems_of(tx: Transaction, store_id: int, operation_ids: Sequence[UUID]) -> dict[UUID, list[Problem]]:
    problems_by_id: dict[UUID, list[Problem]] = {operation_id: [] for operation_id in operation_ids}
    rows = await tx.execute(
        select(problems.c.operation_id, *_PROBLEM_COLUMNS)
        .where(problems.c.store_id == store_id, problems.c.operation_id.in_(operation_ids))
        .order_by(problems.c.operation_id, problems.c.number)
    )
    for row in rows:
        problems_by_id[row.operation_id].append(_problem(row))
    return problems_by_id


def _problem(row: AnyRow) -> Problem:
    outcome = None if row.outcome is None else ProblemOutcome(row.outcome)
    return Problem(row.row, row.message, column=row.column, value=row.value, outcome=outcome)


def _is(store_id: int, operation_id: UUID) -> tuple[Any, Any]:
    return operations.c.store_id == store_id, operations.c.id == operation_id


def _operation(row: AnyRow) -> Operation:
    return Operation(
        store_id=row.store_id,
        id=row.id,
        kind=row.kind,
        status=OperationStatus(row.status),
        done=row.done,
        total=row.total,
        file=None if row.file is None else OperationFile(row.file, row.file_name or row.file),
        dry_run=row.dry_run,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
