"""Statements on lists and their members."""

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
    literal_column,
    or_,
    select,
    update,
)

from domain import changes
from domain.changes import ChangeKind
from domain.customers import queries as customer_queries
from domain.customers.tables import customers
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter, contains_folded
from domain.kit.db.types import Id
from domain.kit.folded_text import folded
from domain.lists.model import CustomerList, GeneratingList, ListStatus, UnfinishedLists
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
    # A row's own `count` is a method.
    lists.c.count.label("member_count"),
    lists.c.created_at,
    lists.c.expires_at,
    lists.c.problem,
    _LATEST.label("latest"),
    _ACTIVE.label("active"),
)


async def by_ids(tx: Transaction, store_id: int, list_ids: Sequence[UUID]) -> list[CustomerList]:
    rows = await tx.execute(select(*_COLUMNS).where(lists.c.store_id == store_id, lists.c.id.in_(list_ids)))
    return [customer_list(row) for row in rows]


async def by_id(tx: Transaction, store_id: int, list_id: UUID) -> CustomerList | None:
    return next(iter(await by_ids(tx, store_id, [list_id])), None)


async def latest_of(tx: Transaction, store_id: int, segment_ids: Sequence[UUID]) -> dict[UUID, CustomerList]:
    """Return each segment's newest list that has not failed, ready or being built."""
    owned = (lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids))
    rows = await tx.execute(select(*_COLUMNS).where(*owned, _LATEST))
    return {row.segment_id: customer_list(row) for row in rows}


async def latest(tx: Transaction, store_id: int, segment_id: UUID) -> CustomerList | None:
    """Return the segment's newest list that is ready; the newest at all when none is."""
    ready_first = (lists.c.status != ListStatus.READY.value, lists.c.number.desc())
    owned = (lists.c.store_id == store_id, lists.c.segment_id == segment_id)
    row = (await tx.execute(select(*_COLUMNS).where(*owned).order_by(*ready_first).limit(1))).one_or_none()
    return None if row is None else customer_list(row)


async def latest_ready(tx: Transaction, store_id: int) -> dict[UUID, int]:
    """Return the latest list that is ready of each active segment, with the number of its members."""
    ready = (lists.c.status == ListStatus.READY.value, _none_later(_later.c.status == ListStatus.READY.value), _ACTIVE)
    statement = select(lists.c.id, lists.c.count.label("members")).where(lists.c.store_id == store_id, *ready)
    return {row.id: row.members for row in await tx.execute(statement)}


async def counts(tx: Transaction, store_id: int, segment_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = await tx.execute(
        select(lists.c.segment_id, func.count().label("lists"))
        .where(lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids))
        .group_by(lists.c.segment_id)
    )
    return dict.fromkeys(segment_ids, 0) | {row.segment_id: row.lists for row in rows}


def listing(store_id: int, parent_filter: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Select segments' lists, as `customer_list` reads them, to be paged by id; `parent` is the segment."""
    statement = select(*_COLUMNS, lists.c.segment_id.label("parent"))
    return statement.where(lists.c.store_id == store_id, parent_filter(lists.c.segment_id))


def offered(
    store_id: int,
    now: datetime,
    *,
    segment_id: UUID | None = None,
    latest_only: bool = True,
    search: str | None = None,
) -> Select[*tuple[Any, ...]]:
    """Select the lists to choose recipients from, to be paged by id: ready, not expired (SL-18, A5), active (RC-06)."""
    usable = (lists.c.status == ListStatus.READY.value, lists.c.expires_at >= now, _ACTIVE)
    statement = select(*_COLUMNS).where(lists.c.store_id == store_id, *usable)
    if segment_id is not None:
        statement = statement.where(lists.c.segment_id == segment_id)
    if latest_only:
        statement = statement.where(_none_later(_later.c.status == ListStatus.READY.value))
    if search:
        statement = statement.where(contains_folded(lists.c.folded_name, search))
    return statement


def members(store_id: int, parent_filter: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Select lists' members who are customers still, as `customers.queries` reads profiles; `parent` is the list."""
    member = and_(list_members.c.store_id == customers.c.store_id, list_members.c.customer_id == customers.c.id)
    statement = customer_queries.listing(store_id).join(list_members, member)
    return statement.where(parent_filter(list_members.c.list_id)).add_columns(list_members.c.list_id.label("parent"))


def member_customers(store_id: int, list_id: UUID) -> Select[*tuple[Any, ...]]:
    """Select the members who are customers still, to be paged by id."""
    member = and_(list_members.c.store_id == customers.c.store_id, list_members.c.customer_id == customers.c.id)
    return (
        select(customers)
        .join(list_members, member)
        .where(list_members.c.store_id == store_id, list_members.c.list_id == list_id, customers.c.deleted_at.is_(None))
    )


async def members_after(tx: Transaction, store_id: int, list_id: UUID, last: int, limit: int) -> list[int]:
    """Return the ids of the next members after one."""
    on_list = (list_members.c.store_id == store_id, list_members.c.list_id == list_id)
    later = select(list_members.c.customer_id).where(*on_list, list_members.c.customer_id > last)
    return list((await tx.execute(later.order_by(list_members.c.customer_id).limit(limit))).scalars())


async def count_members_to(tx: Transaction, store_id: int, list_id: UUID, last: int) -> int:
    """Return how many members come up to a customer."""
    up_to = (list_members.c.store_id == store_id, list_members.c.list_id == list_id, list_members.c.customer_id <= last)
    number: int = await tx.scalar(select(func.count()).select_from(list_members).where(*up_to))
    return number


async def lists_with(tx: Transaction, store_id: int, list_ids: Sequence[UUID], customer_id: int) -> set[UUID]:
    """Return those of the lists that the customer is on."""
    member = list_members.c
    is_on = (member.store_id == store_id, member.list_id.in_(list_ids), member.customer_id == customer_id)
    return set((await tx.execute(select(member.list_id).where(*is_on))).scalars())


async def reach(
    tx: Transaction, store_id: int, list_ids: Sequence[UUID], channels: Mapping[str, AddressKind]
) -> dict[UUID, tuple[ChannelReach, ...]]:
    """Return how many of each list's members who are customers still each channel reaches, by one statement."""
    statements = [
        member_customers(store_id, list_id).with_only_columns(customers.c.id, maintain_column_froms=True)
        for list_id in list_ids
    ]
    surveys = await survey_each(tx, store_id, statements, channels)
    return {list_id: survey.reach for list_id, survey in zip(list_ids, surveys, strict=True)}


async def next_numbers(tx: Transaction, store_id: int, segment_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the number of each segment's next list. The segments must be locked."""
    owned = (lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids))
    last = func.max(lists.c.number).label("last")
    rows = await tx.execute(select(lists.c.segment_id, last).where(*owned).group_by(lists.c.segment_id))
    last_numbers = {row.segment_id: row.last for row in rows}
    return {segment_id: last_numbers.get(segment_id, 0) + 1 for segment_id in segment_ids}


async def unfinished(
    tx: Transaction, store_id: int, segment_ids: Sequence[UUID], since: datetime
) -> dict[UUID, UnfinishedLists]:
    """Return each segment's lists that are still being built, or have failed since then."""
    generating = lists.c.status == ListStatus.GENERATING.value
    failed = and_(lists.c.status == ListStatus.FAILED.value, lists.c.created_at >= since)
    owned = (lists.c.store_id == store_id, lists.c.segment_id.in_(segment_ids), or_(generating, failed))
    unfinished_lists = {segment_id: UnfinishedLists() for segment_id in segment_ids}
    for row in await tx.execute(select(lists.c.segment_id, lists.c.status, lists.c.created_at).where(*owned)):
        of_segment = unfinished_lists[row.segment_id]
        is_generating = ListStatus(row.status) is ListStatus.GENERATING
        (of_segment.generating_since if is_generating else of_segment.failed_at).append(row.created_at)
    return unfinished_lists


async def generating(tx: Transaction) -> list[GeneratingList]:
    """Return the lists of all stores that are being made."""
    # Written as its index has it.
    is_generating: ColumnElement[bool] = literal_column("lists.status = 'GENERATING'")
    rows = await tx.execute(select(lists.c.store_id, lists.c.id).where(is_generating))
    return [GeneratingList(row.store_id, row.id) for row in rows]


async def insert_all(tx: Transaction, new_lists: Sequence[CustomerList]) -> None:
    await tx.execute(
        insert(lists),
        [
            {
                "store_id": listed.store_id,
                "id": listed.id,
                "segment_id": listed.segment_id,
                "name": listed.name,
                "folded_name": folded(listed.name),
                "number": listed.number,
                "status": listed.status.value,
                "count": listed.count,
                "created_at": listed.created_at,
                "expires_at": listed.expires_at,
            }
            for listed in new_lists
        ],
    )


async def rename(tx: Transaction, store_id: int, list_id: UUID, name: str) -> None:
    values = {"name": name, "folded_name": folded(name)}
    await tx.execute(update(lists).where(lists.c.store_id == store_id, lists.c.id == list_id).values(values))


async def remove(tx: Transaction, store_id: int, list_id: UUID) -> bool:
    """Delete the list, and return False when there is none.

    Its members, who may be millions, are left for `erase_members`.
    """
    deleted = await tx.execute(delete(lists).where(lists.c.store_id == store_id, lists.c.id == list_id))
    return bool(deleted.rowcount)


async def remove_lists_of(tx: Transaction, store_id: int, segment_id: UUID) -> list[UUID]:
    """Delete the segment's lists, and return their ids; their members are left for `erase_members`."""
    owned = (lists.c.store_id == store_id, lists.c.segment_id == segment_id)
    list_ids = list((await tx.execute(select(lists.c.id).where(*owned))).scalars())
    await tx.execute(delete(lists).where(*owned))
    return list_ids


async def erase_members(tx: Transaction, store_id: int, list_id: UUID, limit: int) -> int:
    """Delete up to `limit` members of a list that was deleted, and return how many."""
    member = list_members.c
    on_list = (member.store_id == store_id, member.list_id == list_id)
    batch = select(member.customer_id).where(*on_list).order_by(member.customer_id).limit(limit).subquery()
    last_id = select(func.max(batch.c.customer_id)).scalar_subquery()
    deleted: int = (await tx.execute(delete(list_members).where(*on_list, member.customer_id <= last_id))).rowcount
    return deleted


async def has_members(tx: Transaction, listed: CustomerList, ids: Select[int]) -> bool:
    """Return whether the list's members are just the customers that the statement matches."""
    matching = ids.subquery()
    if await tx.scalar(select(func.count()).select_from(matching)) != listed.count:
        return False
    owned = (list_members.c.store_id == listed.store_id, list_members.c.list_id == listed.id)
    unlisted = except_(select(matching.c[0]), select(list_members.c.customer_id).where(*owned)).limit(1)
    return (await tx.execute(unlisted)).first() is None


async def fill(tx: Transaction, store_id: int, list_id: UUID, ids: Select[int]) -> int:
    """Add the customers that the statement matches to the list, and return how many."""
    matching = ids.subquery()
    # In the order of the key: half as costly as rows that each look for their place in it.
    rows = select(literal(store_id, Integer()), literal(list_id, Id()), matching.c[0]).order_by(matching.c[0])
    statement = insert(list_members).from_select(["store_id", "list_id", "customer_id"], rows)
    filled: int = (await tx.execute(statement)).rowcount
    await changes.record_store_change(tx, store_id, ChangeKind.GROUPS)
    return filled


async def complete_build(
    tx: Transaction, store_id: int, list_id: UUID, status: ListStatus, *, count: int = 0, problem: str | None = None
) -> bool:
    """End the building of a list, and return False when it was deleted meanwhile."""
    generating = (lists.c.store_id == store_id, lists.c.id == list_id, lists.c.status == ListStatus.GENERATING.value)
    values = {"status": status.value, "count": count, "problem": problem}
    return bool((await tx.execute(update(lists).where(*generating).values(values))).rowcount)


def customer_list(row: AnyRow) -> CustomerList:
    return CustomerList(
        store_id=row.store_id,
        id=row.id,
        segment_id=row.segment_id,
        name=row.name,
        number=row.number,
        status=ListStatus(row.status),
        count=row.member_count,
        created_at=row.created_at,
        expires_at=row.expires_at,
        problem=row.problem,
        latest=bool(row.latest),
        active=row.active is not False,
    )
