"""Noting what changed, in the transaction that changes it, and reading how far a store's data has come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import randbelow
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from domain.changes.model import LAST, ChangeKind
from domain.changes.tables import customer_changes, store_versions
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into, random_id
from domain.kit.db.types import Instant

Found = Select[*tuple[Any, ...]]
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = {kind: store_versions.c[str(kind.name).lower()] for kind in ChangeKind}
_NAMES = ["store_id", "id", "kinds", "first_id", "last_id", "due_at"]


@dataclass(frozen=True, slots=True)
class Versions:
    """How often each kind of a store's data was written, as one transaction sees it."""

    counts: tuple[int, ...]

    def of(self, kinds: ChangeKind) -> tuple[int, ...]:
        """Equal as long as nothing of these kinds was written."""
        return tuple(count for kind, count in zip(ChangeKind, self.counts, strict=True) if kind & kinds)


async def versions(tx: Transaction, store_id: int) -> Versions:
    sums = [func.coalesce(func.sum(column), 0, type_=BigInteger()) for column in _COLUMNS.values()]
    row = (await tx.execute(select(*sums).where(store_versions.c.store_id == store_id))).one()
    return Versions(tuple(int(count) for count in row))


async def record_change(tx: Transaction, store_id: int, kinds: ChangeKind, customers: Iterable[int] | Found) -> None:
    """Something of these kinds was written of these customers: ids, or a select of them."""
    if isinstance(customers, Select):
        await _move(tx, store_id, kinds)
        await _mark_found(tx, store_id, kinds, customers)
        return
    spans = _spans(customers)
    if spans:
        await _move(tx, store_id, kinds)
        await _mark(tx, store_id, kinds, spans)


async def record_range_change(tx: Transaction, store_id: int, kinds: ChangeKind, first: int, last: int) -> None:
    """The same for all customers from one number to another."""
    await _move(tx, store_id, kinds)
    await _mark(tx, store_id, kinds, [(first, last)])


async def record_store_change(tx: Transaction, store_id: int, kinds: ChangeKind) -> None:
    """The same for the whole store: of a list, of a property that is gone, of what segments ask."""
    await record_range_change(tx, store_id, kinds, 0, LAST)


async def record_future_change(
    tx: Transaction, store_id: int, kinds: ChangeKind, ahead: Iterable[tuple[int, datetime]]
) -> None:
    """What is dated ahead changes its customers once more when its time has come."""
    rows = [_row(store_id, kinds, (customer, customer), at) for customer, at in ahead]
    if rows:
        await tx.execute(insert(customer_changes), rows)


async def record_future_changes(tx: Transaction, store_id: int, kinds: ChangeKind, found: Found) -> None:
    """The same for a select of ids and instants."""
    ahead = found.subquery("ahead")
    customer, at = ahead.c
    marks = _marks(tx.dialect, store_id, kinds, customer, customer, at)
    await tx.execute(insert(customer_changes).from_select(_NAMES, marks))


async def forget(tx: Transaction, store_id: int, limit: int) -> int:
    """Takes up to so many marks away unread, and says how many: nobody follows this store's segments."""
    some = select(customer_changes.c.id).where(customer_changes.c.store_id == store_id).limit(limit)
    gone = delete(customer_changes).where(customer_changes.c.store_id == store_id, customer_changes.c.id.in_(some))
    return int((await tx.execute(gone)).rowcount)


def _spans(customers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers that follow each other are one span."""
    spans: list[tuple[int, int]] = []
    for customer in sorted(set(customers)):
        if spans and spans[-1][1] == customer - 1:
            spans[-1] = (spans[-1][0], customer)
        else:
            spans.append((customer, customer))
    return spans


async def _move(tx: Transaction, store_id: int, kinds: ChangeKind) -> None:
    """Once a transaction and kind is enough: nobody sees the data before its end."""
    fresh = kinds & ~tx.changed_kinds.get(store_id, 0)
    if not fresh:
        return
    tx.changed_kinds[store_id] = tx.changed_kinds.get(store_id, 0) | fresh
    counts = {column.name: int(bool(kind & fresh)) for kind, column in _COLUMNS.items()}
    raised = {column.name: column + 1 for kind, column in _COLUMNS.items() if kind & fresh}
    if tx.dialect == "postgresql":
        # Any row that no other writer holds: none of them waits for another's end.
        free = select(store_versions.c.store_id, store_versions.c.shard).where(store_versions.c.store_id == store_id)
        free = free.limit(1).with_for_update(skip_locked=True)
        key = tuple_(store_versions.c.store_id, store_versions.c.shard)
        if (await tx.execute(update(store_versions).where(key.in_(free)).values(raised))).rowcount:
            return
        shard = randbelow(2**31)
        await tx.execute(insert(store_versions).values(store_id=store_id, shard=shard, **counts))
        return
    first = insert_into(store_versions, tx.dialect).values(store_id=store_id, shard=0, **counts)
    await tx.execute(first.on_conflict_do_update(index_elements=["store_id", "shard"], set_=raised))


async def _mark(tx: Transaction, store_id: int, kinds: ChangeKind, spans: Sequence[tuple[int, int]]) -> None:
    await tx.execute(insert(customer_changes), [_row(store_id, kinds, span, AT_ONCE) for span in spans])


def _row(store_id: int, kinds: ChangeKind, span: tuple[int, int], due_at: datetime) -> dict[str, object]:
    first, last = span
    row: dict[str, object] = {"store_id": store_id, "id": str(ids.new()), "kinds": int(kinds)}
    return row | {"first_id": first, "last_id": last, "due_at": due_at}


async def _mark_found(tx: Transaction, store_id: int, kinds: ChangeKind, found: Found) -> None:
    numbered = found.subquery("changed")
    (customer,) = numbered.c
    # Numbers that follow each other keep their distance from their place in the order.
    island = customer - func.dense_rank().over(order_by=customer)
    placed = select(customer.label("customer"), island.label("island")).where(customer.is_not(None)).subquery("placed")
    spans = (
        select(func.min(placed.c.customer).label("first"), func.max(placed.c.customer).label("last"))
        .group_by(placed.c.island)
        .subquery("spans")
    )
    marks = _marks(tx.dialect, store_id, kinds, spans.c.first, spans.c.last, literal(AT_ONCE, Instant()))
    await tx.execute(insert(customer_changes).from_select(_NAMES, marks))


def _marks(
    dialect: str,
    store_id: int,
    kinds: ChangeKind,
    first: ColumnElement[int],
    last: ColumnElement[int],
    due_at: ColumnElement[Any],
) -> Found:
    return select(literal(store_id, Integer()), random_id(dialect), literal(int(kinds), Integer()), first, last, due_at)
