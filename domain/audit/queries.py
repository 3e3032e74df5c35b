"""Statements on the audit log: entries are added, read, and deleted when the store's time for them is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, select, tuple_

from domain.audit.model import Actor, ActorKind, AuditEntry, AuditOutcome, AuditSubject, RecordedEntry
from domain.audit.tables import audit_entries
from domain.kit import ids
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import database_later, database_now
from domain.kit.db.types import Instant
from domain.stores.tables import stores

SIGN_IN = "signIn"
_DAY = 86_400.0
_INSERT = {dialect: insert(audit_entries).values(at=database_now(dialect)) for dialect in ("postgresql", "sqlite")}


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Conditions of entries that are asked for; None asks for all. Several subjects have one key, or one type."""

    action: str | None = None
    token_id: UUID | None = None
    subjects: Sequence[AuditSubject] = ()
    since: datetime | None = None
    until: datetime | None = None


async def record(tx: Transaction, store_id: int, entry: AuditEntry) -> None:
    """Add the entry, at this moment of the database's clock."""
    actor, subject = entry.actor, entry.subject
    values = {
        "store_id": store_id,
        "id": ids.new(),
        "actor": actor.kind.value,
        "actor_name": actor.name and actor.name[:100],
        "token_id": actor.token_id,
        "address": actor.address,
        "request_id": actor.request_id and actor.request_id[:64],
        "action": entry.action,
        "outcome": entry.outcome.value,
        "codes": " ".join(entry.codes) or None,
        "subject_type": subject and subject.type,
        "subject_key": subject and subject.key[:200],
        "asked": entry.asked or None,
        "before": entry.before,
        "after": entry.after,
    }
    await tx.execute(_INSERT[tx.dialect], values)


async def has_signed_in(tx: Transaction, store_id: int, actor: Actor) -> bool:
    """Return whether a sign-in of the token from the address is on record within a day."""
    entry = audit_entries.c
    is_sign_in = (
        entry.store_id == store_id,
        entry.action == SIGN_IN,
        entry.at > database_later(-_DAY, tx.dialect),
        entry.token_id == actor.token_id,
        entry.address.is_not_distinct_from(actor.address),
        entry.outcome == AuditOutcome.DONE.value,
    )
    return bool(await tx.scalar(select(exists().where(*is_sign_in))))


def page(store_id: int, wanted: AuditFilter) -> Select[Any]:
    """Return the select of a store's entries."""
    entry = audit_entries.c
    conditions: list[ColumnElement[bool]] = [entry.store_id == store_id]
    if wanted.action is not None:
        conditions.append(entry.action == wanted.action)
    if wanted.token_id is not None:
        conditions.append(entry.token_id == wanted.token_id)
    if wanted.subjects:
        keys, types = ({subject.key for subject in wanted.subjects}, {subject.type for subject in wanted.subjects})
        conditions += [entry.subject_key.in_(sorted(keys)), entry.subject_type.in_(sorted(types))]
    if wanted.since is not None:
        conditions.append(entry.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(entry.at < wanted.until)
    return select(audit_entries).where(*conditions)


def recorded(row: AnyRow) -> RecordedEntry:
    return RecordedEntry(
        row.id,
        row.at,
        AuditEntry(
            Actor(ActorKind(row.actor), row.actor_name, row.token_id, row.address, row.request_id),
            row.action,
            AuditOutcome(row.outcome),
            None if row.subject_type is None else AuditSubject(row.subject_type, row.subject_key),
            row.asked or {},
            row.before,
            row.after,
            tuple((row.codes or "").split()),
        ),
    )


async def stores_with_expired(tx: Transaction) -> Sequence[int]:
    """Return the stores that have entries older than they keep them."""
    is_expired = audit_entries.c.store_id == stores.c.id, audit_entries.c.at < _kept_since(tx.dialect)
    statement = select(stores.c.id).where(exists().where(*is_expired)).order_by(stores.c.id)
    return (await tx.execute(statement)).scalars().all()


async def delete_expired(tx: Transaction, store_id: int, most: int) -> int:
    """Delete the store's oldest entries past their time, at most so many. Return how many these were."""
    entry = audit_entries.c
    since = select(_kept_since(tx.dialect)).where(stores.c.id == store_id).scalar_subquery()
    oldest = (
        select(entry.at, entry.id)
        .where(entry.store_id == store_id, entry.at < since)
        .order_by(entry.at, entry.id)
        .limit(most)
    )
    is_oldest = tuple_(entry.at, entry.id).in_(oldest)
    return (await tx.execute(delete(audit_entries).where(entry.store_id == store_id, is_oldest))).rowcount


def _kept_since(dialect: str) -> ColumnElement[datetime]:
    """Return the moment since which a store's entries are kept, as the triggers compute it."""
    if dialect == "postgresql":
        return database_now(dialect) - func.make_interval(0, 0, 0, stores.c.audit_days)
    microseconds = stores.c.audit_days * (86_400 * 1_000_000)
    return database_now(dialect).op("-", return_type=Instant())(microseconds)
