"""Every statement on lists."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    delete,
    except_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from domain import changes
from domain.changes import ChangeKind
from domain.customers import queries as customer_queries
from domain.customers.tables import customers
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter
from domain.kit.db.types import Id
from domain.lists.model import CustomerList, ListStatus
from domain.lists.tables import list_members, lists
from domain.segments.evaluation.reach import ChannelReach, survey_each
from domain.segments.tables import segments

_later = lists.alias("later")


def _none_later(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    same = and_(_later.c.store_id == lists.c.store_id, _later.c.segment_id == lists.c.segment_id)
    return ~exists().where(same, _later.c.number > lists.c.number, *conditions).correlate(lists)


_LATEST = and_(lists.c.status != ListStatus.FAILED.value, _none_later(_later.c.status != ListStatus.FAILED.value))
_ACTIVE = (
    select(segments.c.active)
    .where(segments.c.store_id == lists.c.store_id, segments.c.id == lists.c.segment_id)
    .scalar_subquery()
)
_COLUMNS = (
    lists.c.store_id,
    lists.c.id,
    lists.c.segment_id,
    lists.c.name,
    lists.c.number,
    lists.c.status,
    lists.c.count,
    lists.c.created_at,
    lists.c.expires_at,
    lists.c.problem,
    _LATEST.label("latest"),
    _ACTIVE.label("active"),
)


async def by_ids(tx: Transaction, store_id: int, wanted: Sequence[UUID]) -> list[CustomerList]:
    rows = await tx.execute(select(*_COLUMNS).where(lists.c.store_id == store_id, lists.c.id.in_(wanted)))
    return [customer_list(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, list_id: UUID) -> CustomerList | None:
    return next(iter(await by_ids(tx, store_id, [list_id])), None)


async def latest_of(tx: Transaction, store_id: int, segment_ids: Sequence[UUID]) -> dict[UUID, CustomerList]:
    """Each segment's newest list that has not failed, ready or in the making."""
    owned = (lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids))
    rows = await tx.execute(select(*_COLUMNS).where(*owned, _LATEST))
    return {row.segment_id: customer_list(row) for row in rows}


async def latest(tx: Transaction, store_id: int, segment_id: UUID) -> CustomerList | None:
    """The segment's newest list that is ready; the newest at all when none is."""
    ready_first = (lists.c.status != ListStatus.READY.value, lists.c.number.desc())
    owned = (lists.c.store_id == store_id, lists.c.segment_id == segment_id)
    row = (await tx.execute(select(*_COLUMNS).where(*owned).order_by(*ready_first).limit(1))).one_or_none()
    return None if row is None else customer_list(row)


async def counts(tx: Transaction, store_id: int, segment_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = await tx.execute(
        select(lists.c.segment_id, func.count())
        .where(lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids))
        .group_by(lists.c.segment_id)
    )
    found = dict.fromkeys(segment_ids, 0)
    return found | {row[0]: row[1] for row in rows}


def listing(store_id: int, whose: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Segments' lists, rows that `customer_list` reads, to be paged by id; `parent` is the segment."""
    found = select(*_COLUMNS, lists.c.segment_id.label("parent"))
    return found.where(lists.c.store_id == store_id, whose(lists.c.segment_id))


def offered(
    store_id: int,
    now: datetime,
    *,
    segment_id: UUID | None = None,
    latest_only: bool = True,
    search: str | None = None,
) -> Select[*tuple[Any, ...]]:
    """The lists that can be chosen as recipients, to be paged by id: ready, not expired (SL-18, A5), active (RC-06)."""
    usable = (lists.c.status == ListStatus.READY.value, lists.c.expires_at >= now, _ACTIVE)
    found = select(*_COLUMNS).where(lists.c.store_id == store_id, *usable)
    if segment_id is not None:
        found = found.where(lists.c.segment_id == segment_id)
    if latest_only:
        found = found.where(_none_later(_later.c.status == ListStatus.READY.value))
    return found.where(func.lower(lists.c.name).contains(search.lower(), autoescape=True)) if search else found


def members(store_id: int, whose: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Those on lists who are customers still, as `customers.store.profile_of` reads them; `parent` is the list."""
    member = and_(list_members.c.store_id == customers.c.store_id, list_members.c.customer_id == customers.c.id)
    found = customer_queries.listing(store_id).join(list_members, member).where(whose(list_members.c.list_id))
    return found.add_columns(list_members.c.list_id.label("parent"))


def member_customers(store_id: int, list_id: UUID) -> Select[*tuple[Any, ...]]:
    """The members that are customers still, to be paged by id."""
    member = and_(list_members.c.store_id == customers.c.store_id, list_members.c.customer_id == customers.c.id)
    return (
        select(customers)
        .join(list_members, member)
        .where(list_members.c.store_id == store_id, list_members.c.list_id == list_id, customers.c.deleted_at.is_(None))
    )


async def members_after(tx: Transaction, store_id: int, list_id: UUID, last: int, limit: int) -> list[int]:
    """The next members behind one, by their ids."""
    on_list = (list_members.c.store_id == store_id, list_members.c.list_id == list_id)
    found = select(list_members.c.customer_id).where(*on_list, list_members.c.customer_id > last)
    return list((await tx.execute(found.order_by(list_members.c.customer_id).limit(limit))).scalars())


async def reach(
    tx: Transaction, store_id: int, list_ids: Sequence[UUID], channels: Mapping[str, AddressKind]
) -> dict[UUID, tuple[ChannelReach, ...]]:
    """Whom each channel reaches of each list's members that are customers still, in one statement."""
    members = (member_customers(store_id, list_id) for list_id in list_ids)
    live = [found.with_only_columns(customers.c.id, maintain_column_froms=True) for found in members]
    surveyed = await survey_each(tx, store_id, live, channels)
    return {list_id: found.reach for list_id, found in zip(list_ids, surveyed, strict=True)}


async def next_numbers(tx: Transaction, store_id: int, segment_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Which list of each segment the next one is. The segments must be locked."""
    owned = (lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids))
    rows = await tx.execute(
        select(lists.c.segment_id, func.max(lists.c.number)).where(*owned).group_by(lists.c.segment_id)
    )
    had = {row[0]: row[1] for row in rows}
    return {segment_id: had.get(segment_id, 0) + 1 for segment_id in segment_ids}


async def unsettled(
    tx: Transaction, store_id: int, segment_ids: Sequence[UUID], since: datetime
) -> dict[UUID, list[tuple[ListStatus, datetime]]]:
    """Each segment's lists that are still being made, or have failed since then, and when they were begun."""
    making = lists.c.status == ListStatus.GENERATING.value
    failed = and_(lists.c.status == ListStatus.FAILED.value, lists.c.created_at >= since)
    owned = (lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids), or_(making, failed))
    found: dict[UUID, list[tuple[ListStatus, datetime]]] = {segment_id: [] for segment_id in segment_ids}
    for row in await tx.execute(select(lists.c.segment_id, lists.c.status, lists.c.created_at).where(*owned)):
        found[row.segment_id].append((ListStatus(row.status), row.created_at))
    return found


async def add_all(tx: Transaction, made: Sequence[CustomerList]) -> None:
    await tx.execute(
        insert(lists),
        [
            {
                "store_id": listed.store_id,
                "id": listed.id,
                "segment_id": listed.segment_id,
                "name": listed.name,
                "number": listed.number,
                "status": listed.status.value,
                "count": listed.count,
                "created_at": listed.created_at,
                "expires_at": listed.expires_at,
            }
            for listed in made
        ],
    )


async def rename(tx: Transaction, store_id: int, list_id: UUID, name: str) -> None:
    await tx.execute(update(lists).where(lists.c.store_id == store_id, lists.c.id == list_id).values(name=name))


async def remove(tx: Transaction, store_id: int, list_id: UUID) -> None:
    """The list is gone; its members, who may be millions, are left for `segments.store.erase_members`."""
    await tx.execute(delete(lists).where(lists.c.store_id == store_id, lists.c.id == list_id))


async def has_members(tx: Transaction, listed: CustomerList, ids: Select[int]) -> bool:
    """Whether just those are on the list whom the statement finds."""
    found = ids.subquery()
    if await tx.scalar(select(func.count()).select_from(found)) != listed.count:
        return False
    owned = (list_members.c.store_id == listed.store_id, list_members.c.list_id == listed.id)
    unlisted = except_(select(found.c[0]), select(list_members.c.customer_id).where(*owned)).limit(1)
    return (await tx.execute(unlisted)).first() is None


async def fill(tx: Transaction, store_id: int, list_id: UUID, ids: Select[int]) -> int:
    """Puts everyone on the list whom the statement finds, and says how many."""
    found = ids.subquery()
    # In the order of the key, which costs half of what finding each one's place in it does.
    chosen = select(literal(store_id, Integer()), literal(list_id, Id()), found.c[0]).order_by(found.c[0])
    statement = insert(list_members).from_select(["store_id", "list_id", "customer_id"], chosen)
    filled: int = (await tx.execute(statement)).rowcount
    await changes.record_store_change(tx, store_id, ChangeKind.GROUPS)
    return filled


async def settle(
    tx: Transaction, store_id: int, list_id: UUID, status: ListStatus, *, count: int = 0, problem: str | None = None
) -> bool:
    """Ends the making of a list; False when it was deleted in the meantime."""
    making = (lists.c.store_id == store_id, lists.c.id == list_id, lists.c.status == ListStatus.GENERATING.value)
    values = {"status": status.value, "count": count, "problem": problem}
    return bool((await tx.execute(update(lists).where(*making).values(values))).rowcount)


def customer_list(row: AnyRow) -> CustomerList:
    store_id, id_, segment_id, name, number, status, count, created_at, expires_at, problem, latest_, active = row[:12]
    return CustomerList(
        store_id=store_id,
        id=id_,
        segment_id=segment_id,
        name=name,
        number=number,
        status=ListStatus(status),
        count=count,
        created_at=created_at,
        expires_at=expires_at,
        problem=problem,
        latest=bool(latest_),
        active=active is not False,
    )
