"""Every statement on an import itself and on its file."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from domain.imports.model import MAX_PROBLEMS, Import, ImportKind, Progress
from domain.imports.tables import STAGED, imports, uploads
from domain.kit.db import Transaction
from domain.operations import queries as operations
from domain.operations.model import Problem


async def add(tx: Transaction, store_id: int, operation_id: UUID, kind: ImportKind) -> None:
    row = {"store_id": store_id, "operation_id": operation_id, "kind": kind.value}
    await tx.execute(insert(imports).values(row | {"bytes": 0, "progress": asdict(Progress())}))


async def load(tx: Transaction, store_id: int, operation_id: UUID) -> Import | None:
    """Return the import; None once it has ended."""
    row = (
        await tx.execute(
            select(imports.c.kind, imports.c.bytes, imports.c.progress).where(
                imports.c.store_id == store_id, imports.c.operation_id == operation_id
            )
        )
    ).one_or_none()
    return None if row is None else Import(ImportKind(row.kind), row.bytes, Progress.of(row.progress))


async def save(tx: Transaction, store_id: int, operation_id: UUID, progress: Progress) -> None:
    await tx.execute(
        update(imports)
        .where(imports.c.store_id == store_id, imports.c.operation_id == operation_id)
        .values(progress=asdict(progress))
    )


async def add_problems(
    tx: Transaction, store_id: int, operation_id: UUID, problems: Sequence[Problem], earlier: int
) -> None:
    """Store the problems as far as a file's first `MAX_PROBLEMS` go; `earlier`: how many came before them."""
    await operations.add_problems(tx, store_id, operation_id, problems[: max(MAX_PROBLEMS - earlier, 0)])


async def add_piece(tx: Transaction, store_id: int, operation_id: UUID, number: int, content: bytes) -> None:
    row = {"store_id": store_id, "operation_id": operation_id, "number": number, "content": content}
    await tx.execute(insert(uploads).values(row))
    await tx.execute(
        update(imports)
        .where(imports.c.store_id == store_id, imports.c.operation_id == operation_id)
        .values(bytes=imports.c.bytes + len(content))
    )


async def piece(tx: Transaction, store_id: int, operation_id: UUID, number: int) -> bytes | None:
    content = await tx.scalar(
        select(uploads.c.content).where(
            uploads.c.store_id == store_id, uploads.c.operation_id == operation_id, uploads.c.number == number
        )
    )
    return cast("bytes | None", content)


async def last_piece(tx: Transaction, store_id: int, operation_id: UUID) -> int:
    """Return the number of the file's last piece, 0 when there is none."""
    number: Any = await tx.scalar(
        select(func.coalesce(func.max(uploads.c.number), 0)).where(
            uploads.c.store_id == store_id, uploads.c.operation_id == operation_id
        )
    )
    return int(number)


async def clear(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    """Delete the file and its staged rows; what was merged stays."""
    for table in (*STAGED, uploads, imports):
        await tx.execute(delete(table).where(table.c.store_id == store_id, table.c.operation_id == operation_id))
