"""Cancels operations, and deletes the files that they made when their time is over."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from domain import jobs
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.operations import queries
from domain.operations.files import VALIDITY, FileDirectory
from domain.operations.model import FileHolder, Operation, OperationStatus, Problem

_BATCH = 100


async def cancel(
    tx: Transaction, store_id: int, operation_id: UUID | None, kinds: Collection[str], now: datetime
) -> Operation:
    """Cancel an operation of one of the kinds that can be cancelled; its worker notices when it writes next.

    Return the operation. Raise NotFound, or DomainError when it cannot be cancelled or has ended.
    """
    operation = None if operation_id is None else await queries.by_id(tx, store_id, operation_id)
    if operation is None:
        raise NotFound("There is no such operation", field=("id",))
    if operation.kind not in kinds:
        message = f"An operation of the kind {operation.kind} cannot be cancelled"
        raise DomainError(message, field=("id",), code=ErrorCode.INVALID_STATE)
    # The row may have ended since it was read: writing locks it.
    if not await queries.progress(tx, store_id, operation.id, operation.done):
        raise DomainError("The operation has ended", field=("id",), code=ErrorCode.INVALID_STATE)
    await queries.finish(tx, store_id, operation.id, OperationStatus.CANCELLED, now)
    cancelled = await queries.by_id(tx, store_id, operation.id)
    assert cancelled is not None
    return cancelled


async def withdraw(tx: Transaction, store_id: int, holder: FileHolder, problem: str, now: datetime) -> None:
    """Take an operation's file away, or end the operation that would make it; a problem says why.

    The file itself is to be deleted once this is committed.
    """
    if holder.stored_name is not None:
        await queries.clear_file(tx, store_id, holder.operation_id)
    elif await queries.progress(tx, store_id, holder.operation_id, 0):
        await queries.finish(tx, store_id, holder.operation_id, OperationStatus.CANCELLED, now)
    else:
        return
    await queries.add_problems(tx, store_id, holder.operation_id, [Problem(None, problem)])


async def delete_expired_files(database: Database, files: FileDirectory, kinds: Collection[str], now: datetime) -> None:
    """Delete files past their time, and files that dead workers left behind; `kinds` are the jobs that make files."""
    async with database.read() as tx:
        operations = await queries.with_expired_files(tx, now - VALIDITY, _BATCH)
    for operation in operations:
        assert operation.file is not None
        files.remove(operation.file.stored_name)
        async with database.write() as tx:
            await queries.clear_file(tx, operation.store_id, operation.id)
    async with database.read() as tx:
        unowned = await unowned_files(tx, files, kinds)
    for name in unowned:
        files.remove(name)


async def unowned_files(tx: Transaction, files: FileDirectory, kinds: Collection[str]) -> list[str]:
    """Return the files that no operation has or is making; `kinds` are the jobs that make files."""
    # The directory before the database: a file that is in neither answer then was not made in between.
    owners = files.owners()
    if not owners:
        return []
    unfinished = {str(payload.get("operation")) for payload in await jobs.payloads(tx, list(kinds))}
    finished_files = await queries.files_of(tx, set(owners.values()))
    return sorted(
        name
        for name, operation_id in owners.items()
        if name not in finished_files and str(operation_id) not in unfinished
    )
