"""How operations are called off, and how what they made goes."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from domain import jobs
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, ErrorCode, NotFound
from domain.operations import queries
from domain.operations.files import VALIDITY, FileDirectory
from domain.operations.model import Operation, OperationStatus

_AT_ONCE = 100


async def cancel(
    tx: Transaction, store_id: int, operation_id: UUID | None, kinds: Collection[str], now: datetime
) -> Operation:
    """Its worker finds out when it writes next. `kinds`: what can be called off at all."""
    operation = None if operation_id is None else await queries.by_id(tx, store_id, operation_id)
    if operation is None:
        raise NotFound("There is no such operation", field=("id",))
    if operation.kind not in kinds:
        message = f"An operation of the kind {operation.kind} is not called off"
        raise DomainError(message, field=("id",), code=ErrorCode.INVALID_STATE)
    # Whether it goes on is asked with the row locked.
    if not await queries.progress(tx, store_id, operation.id, operation.done):
        raise DomainError("The operation has ended", field=("id",), code=ErrorCode.INVALID_STATE)
    await queries.finish(tx, store_id, operation.id, OperationStatus.CANCELLED, now)
    ended = await queries.by_id(tx, store_id, operation.id)
    assert ended is not None
    return ended


async def delete_expired_files(database: Database, files: FileDirectory, kinds: Collection[str], now: datetime) -> None:
    """Removes files past their time, and what workers that died left behind. `kinds`: the jobs that make files."""
    async with database.read() as tx:
        old = await queries.with_expired_files(tx, now - VALIDITY, _AT_ONCE)
    for operation in old:
        assert operation.file is not None
        files.remove(operation.file.stored_name)
        async with database.write() as tx:
            await queries.clear_file(tx, operation.store_id, operation.id)
    await _sweep(database, files, kinds)


async def _sweep(database: Database, files: FileDirectory, kinds: Collection[str]) -> None:
    # In this order: what is kept after the first look was being made at the second.
    lying = files.owners()
    if not lying:
        return
    async with database.read() as tx:
        made_now = {str(payload.get("operation")) for payload in await jobs.payloads(tx, list(kinds))}
        named = await queries.files_of(tx, set(lying.values()))
    for name, operation_id in lying.items():
        if name not in named and str(operation_id) not in made_now:
            files.clear(name)
