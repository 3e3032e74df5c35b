"""Every statement on segments."""

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
from domain.kit.db.portable import array_value, in_array, refresh_statistics
from domain.kit.db.types import Id
from domain.orders.tables import order_item_facets
from domain.segments.codec import definition, to_stored
from domain.segments.filters import Definition
from domain.segments.model import Segment, SegmentKind, UpdateMode, UpdatePolicy
from domain.segments.tables import list_members, lists, segment_members, segments

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


async def by_ids(tx: Transaction, store_id: int, wanted: Sequence[UUID]) -> list[Segment]:
    rows = await tx.execute(select(*_COLUMNS).where(segments.c.store_id == store_id, segments.c.id.in_(wanted)))
    return [segment(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, segment_id: UUID) -> Segment | None:
    return next(iter(await by_ids(tx, store_id, [segment_id])), None)


async def lock(tx: Transaction, store_id: int, segment_id: UUID) -> Segment | None:
    """The segment, held still until the transaction ends: what is decided by it stays true."""
    row = (await tx.execute(select(*_COLUMNS).where(*_is(store_id, segment_id)).with_for_update())).one_or_none()
    return None if row is None else segment(row)


def listing(store_id: int, search: str | None = None, active: bool | None = None) -> Select[*tuple[Any, ...]]:
    """Rows that `segment` reads, to be paged by id: the newest has the greatest."""
    found = select(*_COLUMNS).where(segments.c.store_id == store_id)
    if search:
        found = found.where(func.lower(segments.c.name).contains(search.lower(), autoescape=True))
    return found if active is None else found.where(segments.c.active.is_(active))


async def active(tx: Transaction, store_id: int) -> list[Segment]:
    """All that are switched on, the newest first."""
    on = select(*_COLUMNS).where(segments.c.store_id == store_id, segments.c.active.is_(True))
    return [segment(row) for row in await tx.execute(on.order_by(segments.c.id.desc()))]


async def add(tx: Transaction, segment: Segment) -> None:
    """Refused by the database when the name is taken."""
    row = {"store_id": segment.store_id, "id": segment.id, "created_at": segment.created_at}
    await tx.execute(insert(segments).values({**row, **_values(segment)}))
    await changes.record_store_change(tx, segment.store_id, ChangeKind.SEGMENTS)


async def change(tx: Transaction, segment: Segment) -> None:
    await tx.execute(update(segments).where(*_is(segment.store_id, segment.id)).values(_values(segment)))
    await changes.record_store_change(tx, segment.store_id, ChangeKind.SEGMENTS)


async def note_refresh(tx: Transaction, store_id: int, segment_id: UUID, begun_at: datetime) -> None:
    """A list that was begun then is ready: that day's allowance is spent (SL-11)."""
    earlier = or_(segments.c.last_refreshed_at.is_(None), segments.c.last_refreshed_at < begun_at)
    await tx.execute(update(segments).where(*_is(store_id, segment_id), earlier).values(last_refreshed_at=begun_at))


async def free_name(tx: Transaction, store_id: int, names: Iterator[str]) -> str:
    """The first of the names that no segment has."""
    while some := list(islice(names, _NAMES_AT_ONCE)):
        taken = select(segments.c.name).where(segments.c.store_id == store_id, segments.c.name.in_(some))
        had = set((await tx.execute(taken)).scalars())
        free = next((name for name in some if name not in had), None)
        if free is not None:
            return free
    raise LookupError("every name is taken")


async def remove(tx: Transaction, store_id: int, segment_id: UUID) -> list[UUID]:
    """The segment and its lists are gone; their members, who may be millions, are left for `erase_members`."""
    owned = [lists.c.store_id == store_id, lists.c.segment_id == segment_id]
    gone = list((await tx.execute(select(lists.c.id).where(*owned))).scalars())
    await tx.execute(delete(lists).where(*owned))
    await tx.execute(delete(segments).where(*_is(store_id, segment_id)))
    await changes.record_store_change(tx, store_id, ChangeKind.SEGMENTS)
    return gone


async def erase_members(tx: Transaction, store_id: int, owner_id: UUID, limit: int) -> int:
    """Removes up to `limit` members of a list or segment that is gone, and says how many."""
    removed = 0
    for table, owner in ((list_members, list_members.c.list_id), (segment_members, segment_members.c.segment_id)):
        owned = (table.c.store_id == store_id, owner == owner_id)
        last = select(table.c.customer_id).where(*owned).order_by(table.c.customer_id).limit(limit).subquery()
        upto = select(func.max(last.c.customer_id)).scalar_subquery()
        removed += (await tx.execute(delete(table).where(*owned, table.c.customer_id <= upto))).rowcount
    return removed


async def pick(tx: Transaction, store_id: int, segment_id: UUID, ids: Select[int], limit: int) -> int:
    """Adds up to so many customers to a static segment, those who are in it already aside, and says how many."""
    new = _new(store_id, segment_id, ids)
    chosen = select(literal(store_id, Integer()), literal(segment_id, Id()), new.c[0]).limit(limit)
    statement = insert(segment_members).from_select(["store_id", "segment_id", "customer_id"], chosen)
    added: int = (await tx.execute(statement)).rowcount
    await changes.record_store_change(tx, store_id, ChangeKind.GROUPS)
    if added >= _MANY:
        await refresh_statistics(tx, segment_members)
    return added


async def unpick(tx: Transaction, store_id: int, segment_id: UUID, wanted: Sequence[int]) -> int:
    """Removes customers from a static segment, and says how many were in it."""
    owned = (segment_members.c.store_id == store_id, segment_members.c.segment_id == segment_id)
    statement = delete(segment_members).where(*owned, in_array(segment_members.c.customer_id, "wanted", tx.dialect))
    removed: int = (await tx.execute(statement, {"wanted": array_value(wanted, tx.dialect)})).rowcount
    await changes.record_store_change(tx, store_id, ChangeKind.GROUPS)
    return removed


async def picked(tx: Transaction, store_id: int, segment_id: UUID) -> int:
    """How many are in a static segment who are customers still."""
    owned = (segment_members.c.store_id == store_id, segment_members.c.segment_id == segment_id)
    deleted = select(customers.c.id).where(customers.c.store_id == store_id, customers.c.deleted_at.is_not(None))
    live = except_(select(segment_members.c.customer_id).where(*owned), deleted).subquery()
    found: int = await tx.scalar(select(func.count()).select_from(live))
    return found


async def others(tx: Transaction, store_id: int, segment_id: UUID, ids: Select[int]) -> int:
    """How many of those whom the statement finds are not in a static segment."""
    counted: int = await tx.scalar(select(func.count()).select_from(_new(store_id, segment_id, ids)))
    return counted


async def known_customers(tx: Transaction, store_id: int, wanted: Sequence[int], *, deleted: bool = False) -> set[int]:
    """Of these, those who are customers of the store; who are `deleted` only when that is said."""
    known = select(customers.c.id).where(
        customers.c.store_id == store_id, in_array(customers.c.id, "wanted", tx.dialect)
    )
    if not deleted:
        known = known.where(customers.c.deleted_at.is_(None))
    return set((await tx.execute(known, {"wanted": array_value(wanted, tx.dialect)})).scalars())


async def definitions(tx: Transaction, store_id: int, wanted: Iterable[UUID]) -> Mapping[UUID, Definition | None]:
    """What segments ask; None for those picked by hand."""
    found = await by_ids(tx, store_id, list(wanted))
    return {each.id: None if each.kind is SegmentKind.STATIC else each.definition for each in found}


async def known_lists(tx: Transaction, store_id: int, wanted: Iterable[UUID]) -> set[UUID]:
    rows = await tx.execute(select(lists.c.id).where(lists.c.store_id == store_id, lists.c.id.in_(list(wanted))))
    return set(rows.scalars())


async def event_types(tx: Transaction, store_id: int) -> list[str]:
    return await _each_once(tx, store_id, events.c.type)


async def facets(tx: Transaction, store_id: int) -> list[str]:
    """What else is known of the items of orders."""
    return await _each_once(tx, store_id, order_item_facets.c.facet)


async def _each_once(tx: Transaction, store_id: int, column: Column[str]) -> list[str]:
    """Each value once, by one look at the index for each, however many rows there are."""
    own = column.table.c.store_id == store_id
    found = select(func.min(column).label("value")).where(own).cte("found", recursive=True)
    later = select(func.min(column)).where(own, column > found.c.value)
    found = found.union_all(select(later.correlate(found).scalar_subquery()).where(found.c.value.is_not(None)))
    rows = await tx.execute(select(found.c.value).where(found.c.value.is_not(None)))
    return list(rows.scalars())


def _new(store_id: int, segment_id: UUID, ids: Select[int]) -> Subquery:
    """Those of them who are not in a static segment: by EXCEPT, which PostgreSQL cannot plan badly without figures."""
    owned = (segment_members.c.store_id == store_id, segment_members.c.segment_id == segment_id)
    found = ids.subquery()
    return except_(select(found.c[0]), select(segment_members.c.customer_id).where(*owned)).subquery()


def _is(store_id: int, segment_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return segments.c.store_id == store_id, segments.c.id == segment_id


def _values(segment: Segment) -> dict[str, object]:
    return {
        "name": segment.name,
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
