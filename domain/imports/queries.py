"""Every statement on an import itself and on its file."""

from dataclasses import asdict
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from domain.imports.model import ImportKind, Progress
from domain.imports.tables import STAGED, imports
from domain.kit.db import Transaction
from domain.operations.tables import uploads


async def add(tx: Transaction, store_id: int, operation_id: UUID, kind: ImportKind) -> None:
    row = {"store_id": store_id, "operation_id": operation_id, "kind": kind.value}
    await tx.execute(insert(imports).values(row | {"bytes": 0, "progress": asdict(Progress())}))


async def load(tx: Transaction, store_id: int, operation_id: UUID) -> tuple[ImportKind, int, Progress] | None:
    """What it imports, how many bytes, and how far it is; None once it has ended."""
    row = (
        await tx.execute(
            select(imports.c.kind, imports.c.bytes, imports.c.progress).where(
                imports.c.store_id == store_id, imports.c.operation_id == operation_id
            )
        )
    ).one_or_none()
    return None if row is None else (ImportKind(row.kind), row.bytes, Progress.of(row.progress))


async def save(tx: Transaction, store_id: int, operation_id: UUID, progress: Progress) -> None:
    await tx.execute(
        update(imports)
        .where(imports.c.store_id == store_id, imports.c.operation_id == operation_id)
        .values(progress=asdict(progress))
    )


async def add_piece(tx: Transaction, store_id: int, operation_id: UUID, number: int, content: bytes) -> None:
    row = {"store_id": store_id, "operation_id": operation_id, "number": number, "content": content}
    await tx.execute(insert(uploads).values(row))
    await tx.execute(
        update(imports)
        .where(imports.c.store_id == store_id, imports.c.operation_id == operation_id)
        .values(bytes=imports.c.bytes + len(content))
    )


async def piece(tx: Transaction, store_id: int, operation_id: UUID, number: int) -> bytes | None:
    found = await tx.scalar(
        select(uploads.c.content).where(
            uploads.c.store_id == store_id, uploads.c.operation_id == operation_id, uploads.c.number == number
        )
    )
    return cast("bytes | None", found)


async def last_piece(tx: Transaction, store_id: int, operation_id: UUID) -> int:
    last: Any = await tx.scalar(
        select(func.coalesce(func.max(uploads.c.number), 0)).where(
            uploads.c.store_id == store_id, uploads.c.operation_id == operation_id
        )
    )
    return int(last)


async def clear(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    """Nothing is left of an import but what it brought in."""
    for table in (*STAGED, uploads, imports):
        await tx.execute(delete(table).where(table.c.store_id == store_id, table.c.operation_id == operation_id))
