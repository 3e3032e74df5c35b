"""What two lists of a segment differ in: who joined, who left, who stayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select

from domain.customers import queries as customer_queries
from domain.customers.tables import customers
from domain.kit.db import Transaction
from domain.kit.db.portable import ParentFilter
from domain.kit.errors import DomainError, ErrorCode
from domain.lists.model import CustomerList, ListStatus
from domain.lists.tables import list_members, lists

_ours, _theirs = list_members.alias("ours"), list_members.alias("theirs")


class Move(Enum):
    """What became of a customer between an earlier list and a later one."""

    JOINED = "joined"
    LEFT = "left"
    STAYED = "stayed"


@dataclass(frozen=True, slots=True)
class Counts:
    joined: int
    left: int
    stayed: int


def check_comparable(listed: CustomerList, earlier: CustomerList | None) -> UUID:
    """The list to compare with: of the same segment, and both made."""
    if earlier is None:
        raise DomainError("There is no such list", field=("from",), code=ErrorCode.NOT_FOUND)
    if earlier.segment_id != listed.segment_id:
        raise DomainError("The lists are of different segments", field=("from",))
    unmade = [each.name for each in (listed, earlier) if each.status is not ListStatus.READY]
    if unmade:
        raise DomainError(f"The list {unmade[0]} is not ready", field=("from",), code=ErrorCode.INVALID_STATE)
    return earlier.id


def moved(store_id: int, earlier: UUID, move: Move, whose: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Those who did so and are customers still, as `customers.store.profile_of` reads them; `parent` is the list."""
    on, other = (_theirs, _ours) if move is Move.LEFT else (_ours, _theirs)
    on_list = earlier if move is Move.LEFT else lists.c.id
    on_other = lists.c.id if move is Move.LEFT else earlier
    there = exists().where(
        other.c.store_id == store_id, other.c.list_id == on_other, other.c.customer_id == on.c.customer_id
    )
    there = there.correlate(on, lists)
    return (
        customer_queries.listing(store_id)
        .join(on, and_(on.c.store_id == store_id, on.c.customer_id == customers.c.id))
        .join(lists, and_(lists.c.store_id == store_id, on.c.list_id == on_list))
        .where(whose(lists.c.id), there if move is Move.STAYED else ~there)
        .add_columns(lists.c.id.label("parent"))
    )


async def count(tx: Transaction, store_id: int, earlier: UUID, list_ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """Of each list against the earlier one, in one statement that walks along both by key."""
    here: ColumnElement[bool] = _here(store_id, earlier)
    rows = await tx.execute(
        select(_ours.c.list_id, func.count(case((~here, 1))), func.count(case((here, 1))))
        .join(customers, and_(customers.c.store_id == store_id, customers.c.id == _ours.c.customer_id))
        .where(_ours.c.store_id == store_id, _ours.c.list_id.in_(list_ids), customers.c.deleted_at.is_(None))
        .group_by(_ours.c.list_id)
    )
    found = {list_id: (joined, stayed) for list_id, joined, stayed in rows}
    before = await _live(tx, store_id, earlier)
    return {
        list_id: Counts(joined, before - stayed, stayed)
        for list_id in list_ids
        for joined, stayed in [found.get(list_id, (0, 0))]
    }


def _here(store_id: int, earlier: UUID) -> ColumnElement[bool]:
    there = exists().where(
        _theirs.c.store_id == store_id,
        _theirs.c.list_id == earlier,
        _theirs.c.customer_id == _ours.c.customer_id,
    )
    return there.correlate(_ours)


async def _live(tx: Transaction, store_id: int, list_id: UUID) -> int:
    found: int = await tx.scalar(
        select(func.count())
        .select_from(_theirs)
        .join(customers, and_(customers.c.store_id == store_id, customers.c.id == _theirs.c.customer_id))
        .where(_theirs.c.store_id == store_id, _theirs.c.list_id == list_id, customers.c.deleted_at.is_(None))
    )
    return found
