"""Statements that record changes in the transaction that makes them, and that read what was recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from secrets import randbelow
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Update,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from domain.changes.model import MAX_CUSTOMER_ID, ChangeKind, ChangeMark
from domain.changes.tables import customer_changes, store_versions
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into, random_id
from domain.kit.db.types import Instant

IdSelect = Select[*tuple[Any, ...]]
# The due time of a change that takes effect with its transaction.
IMMEDIATELY = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTERS = {kind: store_versions.c[str(kind.name).lower()] for kind in ChangeKind}
_MARK_COLUMNS = ["store_id", "id", "kinds", "first_id", "last_id", "due_at"]
_IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Versions:
    """The number of writes of each kind of a store's data, as one transaction sees it."""

    counts: tuple[int, ...]

    def of(self, kinds: ChangeKind) -> tuple[int, ...]:
        """Return the counts of these kinds: they are equal as long as nothing of them was written."""
        return tuple(count for kind, count in zip(ChangeKind, self.counts, strict=True) if kind & kinds)


async def versions(tx: Transaction, store_id: int) -> Versions:
    row = (await tx.execute(_VERSIONS, {"store": store_id})).one()
    return Versions(tuple(int(count) for count in row))


_VERSIONS = select(*(func.coalesce(func.sum(counter), 0, type_=BigInteger()) for counter in _COUNTERS.values())).where(
    store_versions.c.store_id == bindparam("store")
)


async def record_change(
    tx: Transaction, store_id: int, kinds: ChangeKind, customers: Iterable[int] | IdSelect, *, near: int = 1
) -> None:
    """Record that these kinds of data of these customers were written; `customers` are ids or a select of ids.

    Of ids that are no further apart than `near`, those between are recorded too: fewer marks for more comparisons.
    """
    if isinstance(customers, Select):
        await _raise_versions(tx, store_id, kinds)
        changed = customers.subquery("changed")
        (customer,) = changed.c
        # Consecutive ids minus their rank give one number: an island, which is one mark.
        island = customer - func.dense_rank().over(order_by=customer)
        ranked = select(customer.label("customer"), island.label("island")).where(customer.is_not(None))
        ranked_ids = ranked.subquery("ranked")
        spans = (
            select(func.min(ranked_ids.c.customer).label("first"), func.max(ranked_ids.c.customer).label("last"))
            .group_by(ranked_ids.c.island)
            .subquery("spans")
        )
        due_at = literal(IMMEDIATELY, Instant())
        marks = _marks(tx.dialect, store_id, kinds, spans.c.first, spans.c.last, due_at)
        await tx.execute(insert(customer_changes).from_select(_MARK_COLUMNS, marks))
        return
    # Consecutive ids are one mark.
    runs: list[list[int]] = []
    for customer_id in sorted(set(customers)):
        if runs and runs[-1][-1] >= customer_id - near:
            runs[-1].append(customer_id)
        else:
            runs.append([customer_id])
    rows = [_row(store_id, kinds, run[0], run[-1], IMMEDIATELY) for run in runs]
    if rows:
        await _raise_versions(tx, store_id, kinds)
        await tx.execute(insert(customer_changes), rows)


async def record_range_change(tx: Transaction, store_id: int, kinds: ChangeKind, first: int, last: int) -> None:
    """Record that these kinds of data of all customers from one id to another were written."""
    await _raise_versions(tx, store_id, kinds)
    await tx.execute(insert(customer_changes), [_row(store_id, kinds, first, last, IMMEDIATELY)])


async def record_store_change(tx: Transaction, store_id: int, kinds: ChangeKind) -> None:
    """Record a change that may concern every customer: of a list, a deleted property, a segment's filter."""
    await record_range_change(tx, store_id, kinds, 0, MAX_CUSTOMER_ID)


async def record_future_change(
    tx: Transaction, store_id: int, kinds: ChangeKind, due_times: Iterable[tuple[int, datetime]]
) -> None:
    """Record data that is dated ahead, by customer id and time: it changes the customer once more at that time."""
    rows = [_row(store_id, kinds, customer_id, customer_id, due_at) for customer_id, due_at in due_times]
    if rows:
        await tx.execute(insert(customer_changes), rows)


async def record_future_changes(tx: Transaction, store_id: int, kinds: ChangeKind, due_times: IdSelect) -> None:
    """Record data that is dated ahead, from a select of customer ids and times."""
    customer_id, due_at = due_times.subquery("due_times").c
    marks = _marks(tx.dialect, store_id, kinds, customer_id, customer_id, due_at)
    await tx.execute(insert(customer_changes).from_select(_MARK_COLUMNS, marks))


async def due_marks(tx: Transaction, store_id: int, now: datetime, limit: int) -> list[ChangeMark]:
    """Return the marks of changes that have taken effect, the longest due first."""
    mark = customer_changes.c
    due = select(mark.id, mark.kinds, mark.first_id, mark.last_id).where(mark.store_id == store_id, mark.due_at <= now)
    rows = await tx.execute(due.order_by(mark.due_at, mark.id).limit(limit))
    return [ChangeMark(row.id, row.kinds, row.first_id, row.last_id) for row in rows]


async def delete_marks(tx: Transaction, store_id: int, marks: Iterable[ChangeMark]) -> None:
    """Delete these marks and no others: what changed meanwhile has marks of its own."""
    mark_ids = [mark.id for mark in marks]
    mark = customer_changes.c
    for start in range(0, len(mark_ids), _IDS_AT_ONCE):
        batch = mark_ids[start : start + _IDS_AT_ONCE]
        await tx.execute(delete(customer_changes).where(mark.store_id == store_id, mark.id.in_(batch)))


async def _raise_versions(tx: Transaction, store_id: int, kinds: ChangeKind) -> None:
    """Count the write once a transaction and kind, which is enough: nobody sees the data before its end."""
    new_kinds = kinds & ~tx.changed_kinds.get(store_id, 0)
    if not new_kinds:
        return
    tx.changed_kinds[store_id] = tx.changed_kinds.get(store_id, 0) | new_kinds
    if tx.dialect != "postgresql":
        await tx.execute(_raise_only_row(new_kinds), {"store": store_id})
    elif not (await tx.execute(_raise_any_row(new_kinds), {"store": store_id})).rowcount:
        row = {"store_id": store_id, "shard": randbelow(2**31)}
        await tx.execute(insert(store_versions).values(**row, **_first_counts(new_kinds)))


@cache
def _raise_any_row(kinds: ChangeKind) -> Update:
    """Return the statement that counts a write on any row that no other writer has locked: none waits for another."""
    of_store = store_versions.c.store_id == bindparam("store")
    unlocked = select(store_versions.c.shard).where(of_store).limit(1).with_for_update(skip_locked=True)
    return update(store_versions).where(of_store, store_versions.c.shard.in_(unlocked)).values(_increments(kinds))


@cache
def _raise_only_row(kinds: ChangeKind) -> Any:
    """Return the statement that counts a write where writers follow one another: a store has one row then."""
    store_id = bindparam("store", type_=Integer())
    first_write = insert_into(store_versions, "sqlite").values(store_id=store_id, shard=0, **_first_counts(kinds))
    return first_write.on_conflict_do_update(index_elements=["store_id", "shard"], set_=_increments(kinds))


def _first_counts(kinds: ChangeKind) -> dict[str, int]:
    return {counter.name: int(bool(kind & kinds)) for kind, counter in _COUNTERS.items()}


def _increments(kinds: ChangeKind) -> dict[str, ColumnElement[int]]:
    return {counter.name: counter + 1 for kind, counter in _COUNTERS.items() if kind & kinds}


def _row(store_id: int, kinds: ChangeKind, first: int, last: int, due_at: datetime) -> dict[str, object]:
    return {
        "store_id": store_id,
        "id": str(ids.new()),
        "kinds": int(kinds),
        "first_id": first,
        "last_id": last,
        "due_at": due_at,
    }


def _marks(
    dialect: str,
    store_id: int,
    kinds: ChangeKind,
    first: ColumnElement[int],
    last: ColumnElement[int],
    due_at: ColumnElement[Any],
) -> IdSelect:
    return select(literal(store_id, Integer()), random_id(dialect), literal(int(kinds), Integer()), first, last, due_at)
