"""Statements on segments and their members."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    delete,
    except_,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from domain import changes
from domain.changes import ChangeKind
from domain.customers.tables import customers
from domain.events.tables import events
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import array_value, contains_folded, in_array, refresh_statistics
from domain.kit.db.types import Id
from domain.kit.folded_text import folded
from domain.orders.tables import order_item_facets
from domain.segments.codec import definition, to_stored
from domain.segments.filters import Definition
from domain.segments.model import Segment, SegmentKind, UpdateMode, UpdatePolicy
from domain.segments.tables import lists, segment_members, segments

_NAMES_AT_ONCE = 50
# Members that PostgreSQL has to know of, before it plans by them.
_MANY = 1_000
_COLUMNS = (
    segments.c.store_id,
    segments.c.id,
    segments.c.name,
    segments.c.list_name,
    segments.c.description,
    segments.c.kind,
    segments.c.active,
    segments.c.include,
    segments.c.exclude,
    segments.c.update_mode,
    segments.c.every_days,
    segments.c.started_on,
    segments.c.created_at,
    segments.c.updated_at,
    segments.c.last_refreshed_at,
    segments.c.next_refresh_at,
)


async def by_ids(tx: Transaction, store_id: int, segment_ids: Sequence[UUID]) -> list[Segment]:
    rows = await tx.execute(select(*_COLUMNS).where(segments.c.store_id == store_id, segments.c.id.in_(segment_ids)))
    return [segment(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, segment_id: UUID) -> Segment | None:
    return next(iter(await by_ids(tx, store_id, [segment_id])), None)


async def lock(tx: Transaction, store_id: int, segment_id: UUID) -> Segment | None:
    """Return the segment, locked until the transaction ends."""
    row = (await tx.execute(select(*_COLUMNS).where(*_row(store_id, segment_id)).with_for_update())).one_or_none()
    return None if row is None else segment(row)


def listing(store_id: int, search: str | None = None, active: bool | None = None) -> Select[*tuple[Any, ...]]:
    """Select segments, as `segment` reads them, to be paged by id: the newest has the greatest."""
    statement = select(*_COLUMNS).where(segments.c.store_id == store_id)
    if search:
        statement = statement.where(contains_folded(segments.c.folded_name, search))
    return statement if active is None else statement.where(segments.c.active.is_(active))


async def active(tx: Transaction, store_id: int) -> list[Segment]:
    """Return all active segments, the newest first."""
    statement = select(*_COLUMNS).where(segments.c.store_id == store_id, segments.c.active.is_(True))
    return [segment(row) for row in await tx.execute(statement.order_by(segments.c.id.desc()))]


async def add(tx: Transaction, segment: Segment) -> None:
    """Insert the segment. Raise IntegrityError when its name is taken."""
    row = {"store_id": segment.store_id, "id": segment.id, "created_at": segment.created_at}
    await tx.execute(insert(segments).values({**row, **_values(segment)}))
    await changes.record_store_change(tx, segment.store_id, ChangeKind.SEGMENTS)


async def change(tx: Transaction, segment: Segment) -> None:
    await tx.execute(update(segments).where(*_row(segment.store_id, segment.id)).values(_values(segment)))
    await changes.record_store_change(tx, segment.store_id, ChangeKind.SEGMENTS)


async def record_refresh(tx: Transaction, store_id: int, segment_id: UUID, begun_at: datetime) -> None:
    """Record that a list requested then is ready: that day's refresh is used up (SL-11)."""
    earlier = or_(segments.c.last_refreshed_at.is_(None), segments.c.last_refreshed_at < begun_at)
    await tx.execute(update(segments).where(*_row(store_id, segment_id), earlier).values(last_refreshed_at=begun_at))


async def free_name(tx: Transaction, store_id: int, names: Iterator[str]) -> str:
    """Return the first of the names that no segment has."""
    while batch := list(islice(names, _NAMES_AT_ONCE)):
        statement = select(segments.c.name).where(segments.c.store_id == store_id, segments.c.name.in_(batch))
        taken = set((await tx.execute(statement)).scalars())
        free = next((name for name in batch if name not in taken), None)
        if free is not None:
            return free
    raise LookupError("every name is taken")


async def remove(tx: Transaction, store_id: int, segment_id: UUID) -> None:
    """Delete the segment, whose lists must be deleted already.

    Its members, who may be millions, are left for `erase_members`.
    """
    await tx.execute(delete(segments).where(*_row(store_id, segment_id)))
    await changes.record_store_change(tx, store_id, ChangeKind.SEGMENTS)


async def erase_members(tx: Transaction, store_id: int, segment_id: UUID, limit: int) -> int:
    """Delete up to `limit` members of a segment that was deleted, and return how many."""
    members = segment_members.c
    owned = (members.store_id == store_id, members.segment_id == segment_id)
    batch = select(members.customer_id).where(*owned).order_by(members.customer_id).limit(limit).subquery()
    last_id = select(func.max(batch.c.customer_id)).scalar_subquery()
    deleted: int = (await tx.execute(delete(segment_members).where(*owned, members.customer_id <= last_id))).rowcount
    return deleted


async def add_members(tx: Transaction, store_id: int, segment_id: UUID, ids: Select[int], limit: int) -> int:
    """Add up to so many customers who are not yet in a static segment, and return how many."""
    new = _new(store_id, segment_id, ids)
    rows = select(literal(store_id, Integer()), literal(segment_id, Id()), new.c[0]).limit(limit)
    statement = insert(segment_members).from_select(["store_id", "segment_id", "customer_id"], rows)
    added: int = (await tx.execute(statement)).rowcount
    await changes.record_store_change(tx, store_id, ChangeKind.GROUPS)
    if added >= _MANY:
        await refresh_statistics(tx, segment_members)
    return added


async def remove_members(tx: Transaction, store_id: int, segment_id: UUID, customer_ids: Sequence[int]) -> int:
    """Remove customers from a static segment, and return how many were in it."""
    owned = (segment_members.c.store_id == store_id, segment_members.c.segment_id == segment_id)
    statement = delete(segment_members).where(*owned, in_array(segment_members.c.customer_id, "ids", tx.dialect))
    removed: int = (await tx.execute(statement, {"ids": array_value(customer_ids, tx.dialect)})).rowcount
    await changes.record_store_change(tx, store_id, ChangeKind.GROUPS)
    return removed


async def count_members(tx: Transaction, store_id: int, segment_id: UUID) -> int:
    """Return how many members of a static segment are customers still."""
    owned = (segment_members.c.store_id == store_id, segment_members.c.segment_id == segment_id)
    deleted = select(customers.c.id).where(customers.c.store_id == store_id, customers.c.deleted_at.is_not(None))
    live = except_(select(segment_members.c.customer_id).where(*owned), deleted).subquery()
    count: int = await tx.scalar(select(func.count()).select_from(live))
    return count


async def count_new(tx: Transaction, store_id: int, segment_id: UUID, ids: Select[int]) -> int:
    """Return how many of the customers that a statement matches are not in a static segment."""
    count: int = await tx.scalar(select(func.count()).select_from(_new(store_id, segment_id, ids)))
    return count


async def known_customers(
    tx: Transaction, store_id: int, customer_ids: Sequence[int], *, deleted: bool = False
) -> set[int]:
    """Return which of these are customers of the store; `deleted` ones too where they count."""
    known = select(customers.c.id).where(customers.c.store_id == store_id, in_array(customers.c.id, "ids", tx.dialect))
    if not deleted:
        known = known.where(customers.c.deleted_at.is_(None))
    return set((await tx.execute(known, {"ids": array_value(customer_ids, tx.dialect)})).scalars())


async def definitions(tx: Transaction, store_id: int, segment_ids: Iterable[UUID]) -> Mapping[UUID, Definition | None]:
    """Return the segments' definitions; None for static ones."""
    return {
        segment.id: None if segment.kind is SegmentKind.STATIC else segment.definition
        for segment in await by_ids(tx, store_id, list(segment_ids))
    }


async def known_lists(tx: Transaction, store_id: int, list_ids: Iterable[UUID]) -> set[UUID]:
    rows = await tx.execute(select(lists.c.id).where(lists.c.store_id == store_id, lists.c.id.in_(list(list_ids))))
    return set(rows.scalars())


async def event_types(tx: Transaction, store_id: int) -> list[str]:
    return await _distinct_values(tx, store_id, events.c.type)


async def facets(tx: Transaction, store_id: int) -> list[str]:
    """Return the names of further facts of orders' items."""
    return await _distinct_values(tx, store_id, order_item_facets.c.facet)


async def _distinct_values(tx: Transaction, store_id: int, column: Column[str]) -> list[str]:
    """Return each value once, by one look at the index for each, however many rows there are."""
    of_store = column.table.c.store_id == store_id
    values = select(func.min(column).label("value")).where(of_store).cte("found", recursive=True)
    later = select(func.min(column)).where(of_store, column > values.c.value)
    values = values.union_all(select(later.correlate(values).scalar_subquery()).where(values.c.value.is_not(None)))
    rows = await tx.execute(select(values.c.value).where(values.c.value.is_not(None)))
    return list(rows.scalars())


def _new(store_id: int, segment_id: UUID, ids: Select[int]) -> Subquery:
    """Select who of them is not in a static segment: by EXCEPT, which PostgreSQL plans well even without statistics."""
    owned = (segment_members.c.store_id == store_id, segment_members.c.segment_id == segment_id)
    matching = ids.subquery()
    return except_(select(matching.c[0]), select(segment_members.c.customer_id).where(*owned)).subquery()


def _row(store_id: int, segment_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return segments.c.store_id == store_id, segments.c.id == segment_id


def _values(segment: Segment) -> dict[str, object]:
    return {
        "name": segment.name,
        "folded_name": folded(segment.name),
        "list_name": segment.list_name,
        "description": segment.description,
        "kind": segment.kind.value,
        "active": segment.active,
        "include": to_stored(segment.definition.include),
        "exclude": to_stored(segment.definition.exclude),
        "update_mode": segment.policy.mode.value,
        "every_days": segment.policy.every_days,
        "started_on": segment.policy.started_on,
        "next_refresh_at": segment.next_refresh_at,
        "updated_at": segment.updated_at,
    }


def segment(row: AnyRow) -> Segment:
    return Segment(
        store_id=row.store_id,
        id=row.id,
        name=row.name,
        list_name=row.list_name,
        description=row.description,
        kind=SegmentKind(row.kind),
        active=row.active,
        definition=definition(row.include, row.exclude),
        policy=UpdatePolicy(UpdateMode(row.update_mode), row.every_days, row.started_on),
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_refreshed_at=row.last_refreshed_at,
        next_refresh_at=row.next_refresh_at,
    )
