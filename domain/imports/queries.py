"""Every statement on an import itself and on its file."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, tuple_, update

from domain.imports import copy
from domain.imports.model import MAX_PROBLEMS, Import, ImportKind, Progress
from domain.imports.tables import STAGED, import_problems, imports, uploads
from domain.ingestion import favourite_counts
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now
from domain.kit.errors import DomainError
from domain.operations import queries as operations
from domain.operations.model import Problem

_PROBLEM_COLUMNS = ("store_id", "operation_id", "number", "row", "column", "value", "message", "outcome")


@dataclass(frozen=True, slots=True)
class StagedImport:
    """An operation of which there is a file, or a row of one."""

    store_id: int
    operation_id: UUID


async def add(tx: Transaction, store_id: int, operation_id: UUID, kind: ImportKind) -> None:
    row = {"store_id": store_id, "operation_id": operation_id, "kind": kind.value}
    now = database_now(tx.dialect)
    await tx.execute(insert(imports).values(row | {"bytes": 0, "progress": asdict(Progress()), "received_at": now}))


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
    """Store problems; `earlier`: how many came before them. Clients see a file's first `MAX_PROBLEMS` while it runs."""
    await operations.add_problems(tx, store_id, operation_id, problems[: max(MAX_PROBLEMS - earlier, 0)])
    operation_key = copy.key_of(operation_id, tx.dialect)
    rows = [
        (
            store_id,
            operation_key,
            number,
            problem.row,
            problem.column,
            problem.value,
            problem.message,
            None if problem.outcome is None else problem.outcome.value,
        )
        for number, problem in enumerate(problems, earlier + 1)
    ]
    await copy.put(tx, import_problems, _PROBLEM_COLUMNS, rows)


async def delete_problems(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    await operations.delete_problems(tx, store_id, operation_id)
    of_operation = (import_problems.c.store_id == store_id, import_problems.c.operation_id == operation_id)
    await tx.execute(delete(import_problems).where(*of_operation))


async def add_piece(tx: Transaction, store_id: int, operation_id: UUID, number: int, content: bytes) -> None:
    """Store a piece. Raise DomainError when the import was given up meanwhile."""
    received = await tx.execute(
        update(imports)
        .where(imports.c.store_id == store_id, imports.c.operation_id == operation_id)
        .values(bytes=imports.c.bytes + len(content), received_at=database_now(tx.dialect))
    )
    if not received.rowcount:
        raise DomainError("The file took too long to come, and was given up: send it again", field=("file",))
    row = {"store_id": store_id, "operation_id": operation_id, "number": number, "content": content}
    await tx.execute(insert(uploads).values(row))


async def piece(tx: Transaction, store_id: int, operation_id: UUID, number: int) -> bytes | None:
    content = await tx.scalar(
        select(uploads.c.content).where(
            uploads.c.store_id == store_id, uploads.c.operation_id == operation_id, uploads.c.number == number
        )
    )
    return cast("bytes | None", content)


async def delete_pieces(
    tx: Transaction, store_id: int, operation_id: UUID, *, after: int | None = None, upto: int | None = None
) -> None:
    """Delete the pieces after a number, or up to one; the import's length is that of the others."""
    pieces: list[ColumnElement[bool]] = [uploads.c.store_id == store_id, uploads.c.operation_id == operation_id]
    if after is not None:
        pieces.append(uploads.c.number > after)
    if upto is not None:
        pieces.append(uploads.c.number <= upto)
    size = select(func.coalesce(func.sum(func.length(uploads.c.content)), 0)).where(*pieces).scalar_subquery()
    await tx.execute(
        update(imports)
        .where(imports.c.store_id == store_id, imports.c.operation_id == operation_id)
        .values(bytes=imports.c.bytes - size)
    )
    await tx.execute(delete(uploads).where(*pieces))


async def last_piece(tx: Transaction, store_id: int, operation_id: UUID) -> int:
    """Return the number of the file's last piece, 0 when there is none."""
    number: Any = await tx.scalar(
        select(func.coalesce(func.max(uploads.c.number), 0)).where(
            uploads.c.store_id == store_id, uploads.c.operation_id == operation_id
        )
    )
    return int(number)


async def open_operations(tx: Transaction, store_id: int) -> list[UUID]:
    """Return the operations of the store's imports that are not over."""
    return list((await tx.execute(select(imports.c.operation_id).where(imports.c.store_id == store_id))).scalars())


async def is_coming(tx: Transaction, store_id: int, operation_id: UUID, seconds: float) -> bool:
    """Return whether a piece of the file has come within so many seconds."""
    of_operation = (imports.c.store_id == store_id, imports.c.operation_id == operation_id)
    is_recent = imports.c.received_at >= database_later(-seconds, tx.dialect)
    return (await tx.scalar(select(imports.c.kind).where(*of_operation, is_recent))) is not None


async def staged(tx: Transaction) -> list[StagedImport]:
    """Return the operations of all stores of which there is a file, or a row of one."""
    keys: set[StagedImport] = set()
    for table in (imports, uploads, *STAGED):
        key = tuple_(table.c.store_id, table.c.operation_id)
        ordered = (
            select(table.c.store_id, table.c.operation_id).order_by(table.c.store_id, table.c.operation_id).limit(1)
        )
        row = (await tx.execute(ordered)).one_or_none()
        while row is not None:
            keys.add(StagedImport(row.store_id, row.operation_id))
            # From operation to operation: of one there may be millions of rows.
            last = tuple_(literal(row.store_id), literal(row.operation_id, table.c.operation_id.type))
            row = (await tx.execute(ordered.where(key > last))).one_or_none()
    return sorted(keys, key=lambda staged: (staged.store_id, staged.operation_id))


async def clear(tx: Transaction, store_id: int, operation_id: UUID) -> None:
    """Delete the file and its staged rows; what was merged stays."""
    for table in (*STAGED, uploads):
        await tx.execute(delete(table).where(table.c.store_id == store_id, table.c.operation_id == operation_id))
    of_operation = (imports.c.store_id == store_id, imports.c.operation_id == operation_id)
    # As it is when nobody can store another any more.
    progress = await tx.scalar(delete(imports).where(*of_operation).returning(imports.c.progress))
    if progress is not None:
        await favourite_counts.leave(tx, store_id, Progress.of(progress).carried.get("uncounted", ""))
