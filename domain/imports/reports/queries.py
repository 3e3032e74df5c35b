"""Every statement on the reports of imports."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from domain.consents.suppressions import address_hash, external_id_hash
from domain.imports.format import ImportKey
from domain.imports.reports.model import ImportReport, SampleRow
from domain.imports.tables import import_reports, import_samples
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now

_HASHES = (import_samples.c.external_id_hash, import_samples.c.email_hash, import_samples.c.phone_hash)


async def add(tx: Transaction, key: ImportKey, report: ImportReport) -> None:
    row = {"store_id": key.store_id, "operation_id": key.operation_id, "report": asdict(report)}
    await tx.execute(insert(import_reports).values(row | {"created_at": database_now(tx.dialect)}))


async def save(tx: Transaction, key: ImportKey, report: ImportReport) -> None:
    await tx.execute(update(import_reports).where(key.matches(import_reports.c)).values(report=asdict(report)))


async def add_samples(tx: Transaction, key: ImportKey, samples: Sequence[SampleRow]) -> None:
    if not samples:
        return
    now = await tx.scalar(select(database_now(tx.dialect)))
    rows = [
        {
            "store_id": key.store_id,
            "operation_id": key.operation_id,
            "row": sample.row,
            "fields": sample.fields,
            **_hashes(key, sample),
            "created_at": now,
        }
        for sample in samples
    ]
    await tx.execute(insert(import_samples), rows)


def _hashes(key: ImportKey, sample: SampleRow) -> dict[str, bytes | None]:
    """Return the keyed hashes of what a row's customer is known by."""
    known = {name.removeprefix("customer_"): value for name, value in sample.fields.items() if isinstance(value, str)}
    hashes: dict[str, bytes | None] = {
        f"{name}_hash": address_hash(key.suppression_key, key.store_id, known[name]) if name in known else None
        for name in ("email", "phone")
    }
    external_id = known.get("external_id")
    hashed = external_id and external_id_hash(key.suppression_key, key.store_id, external_id)
    return hashes | {"external_id_hash": hashed or None}


async def by_operation(tx: Transaction, store_id: int, operation_ids: Sequence[UUID]) -> dict[UUID, ImportReport]:
    """Return the reports of those of the operations that have one."""
    rows = await tx.execute(
        select(import_reports.c.operation_id, import_reports.c.report).where(
            import_reports.c.store_id == store_id, import_reports.c.operation_id.in_(operation_ids)
        )
    )
    return {row.operation_id: ImportReport.of(row.report) for row in rows}


async def samples_of(tx: Transaction, store_id: int, operation_ids: Sequence[UUID]) -> dict[UUID, list[SampleRow]]:
    """Return the first rows that imports have read, without those of customers who were erased."""
    samples: dict[UUID, list[SampleRow]] = {operation_id: [] for operation_id in operation_ids}
    rows = await tx.execute(
        select(import_samples.c.operation_id, import_samples.c.row, import_samples.c.fields)
        .where(import_samples.c.store_id == store_id, import_samples.c.operation_id.in_(operation_ids))
        .order_by(import_samples.c.operation_id, import_samples.c.row)
    )
    for row in rows:
        samples[row.operation_id].append(SampleRow(row.row, row.fields))
    return samples


async def samples_about(tx: Transaction, store_id: int, hashes: Collection[bytes]) -> list[SampleRow]:
    """Return the rows that are kept of somebody, whom the hashes name."""
    rows = await tx.execute(
        select(import_samples.c.row, import_samples.c.fields)
        .where(import_samples.c.store_id == store_id, _is_about(hashes))
        .order_by(import_samples.c.operation_id, import_samples.c.row)
    )
    return [SampleRow(row.row, row.fields) for row in rows]


async def forget_subject(tx: Transaction, store_id: int, hashes: Collection[bytes]) -> None:
    """Delete the rows that are kept of somebody, whom the hashes name."""
    await tx.execute(delete(import_samples).where(import_samples.c.store_id == store_id, _is_about(hashes)))


def _is_about(hashes: Collection[bytes]) -> ColumnElement[bool]:
    ordered = sorted(hashes)
    return or_(*(column.in_(ordered) for column in _HASHES))


async def delete_before(tx: Transaction, seconds: float) -> None:
    """Delete the reports of all stores that are older than so many seconds."""
    for table in (import_samples, import_reports):
        await tx.execute(delete(table).where(table.c.created_at < database_later(-seconds, tx.dialect)))
