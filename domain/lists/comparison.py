"""Compare two lists of a segment: who joined, who left, who stayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, exists, func, select

from domain.customers import queries as customer_queries
from domain.customers.tables import customers
from domain.kit.db import Transaction
from domain.kit.db.portable import ParentFilter
from domain.kit.errors import DomainError, ErrorCode
from domain.lists.model import CustomerList, ListStatus
from domain.lists.tables import list_members, lists

_listed, _earlier = list_members.alias("ours"), list_members.alias("theirs")


class Move(Enum):
    """The way in which a customer's place differs between an earlier list and a later one."""

    JOINED = "joined"
    LEFT = "left"
    STAYED = "stayed"


@dataclass(frozen=True, slots=True)
class ListChanges:
    joiners: int
    leavers: int
    stayers: int


def check_comparable(listed: CustomerList, earlier: CustomerList | None) -> UUID:
    """Return the id of the list to compare with. Raise DomainError unless both are ready and of one segment."""
    if earlier is None:
        raise DomainError("There is no such list", field=("from",), code=ErrorCode.NOT_FOUND)
    if earlier.segment_id != listed.segment_id:
        raise DomainError("The lists are of different segments", field=("from",))
    for compared in (listed, earlier):
        if compared.status is not ListStatus.READY:
            message = f"The list {compared.name} is not ready"
            raise DomainError(message, field=("from",), code=ErrorCode.INVALID_STATE)
    return earlier.id


def moved(store_id: int, earlier: UUID, move: Move, parent_filter: ParentFilter) -> Select[*tuple[Any, ...]]:
    """Select the customers who did so, as `customers.queries` reads profiles; `parent` is the list."""
    members, opposite = (_earlier, _listed) if move is Move.LEFT else (_listed, _earlier)
    members_list = earlier if move is Move.LEFT else lists.c.id
    opposite_list = lists.c.id if move is Move.LEFT else earlier
    on_other = exists().where(
        opposite.c.store_id == store_id,
        opposite.c.list_id == opposite_list,
        opposite.c.customer_id == members.c.customer_id,
    )
    on_other = on_other.correlate(members, lists)
    return (
        customer_queries.listing(store_id)
        .join(members, and_(members.c.store_id == store_id, members.c.customer_id == customers.c.id))
        .join(lists, and_(lists.c.store_id == store_id, members.c.list_id == members_list))
        .where(parent_filter(lists.c.id), on_other if move is Move.STAYED else ~on_other)
        .add_columns(lists.c.id.label("parent"))
    )


async def count_changes(
    tx: Transaction, store_id: int, earlier: UUID, list_ids: Sequence[UUID]
) -> dict[UUID, ListChanges]:
    """Return each list's changes since the earlier one, by one statement that walks along both by key and one more."""
    on_earlier = exists().where(
        _earlier.c.store_id == store_id,
        _earlier.c.list_id == earlier,
        _earlier.c.customer_id == _listed.c.customer_id,
    )
    on_earlier = on_earlier.correlate(_listed)
    joined, stayed = func.count(case((~on_earlier, 1))), func.count(case((on_earlier, 1)))
    rows = await tx.execute(
        select(_listed.c.list_id, joined.label("joined"), stayed.label("stayed"))
        .join(customers, and_(customers.c.store_id == store_id, customers.c.id == _listed.c.customer_id))
        .where(_listed.c.store_id == store_id, _listed.c.list_id.in_(list_ids), customers.c.deleted_at.is_(None))
        .group_by(_listed.c.list_id)
    )
    rows_by_list = {row.list_id: row for row in rows}
    before: int = await tx.scalar(
        select(func.count())
        .select_from(_earlier)
        .join(customers, and_(customers.c.store_id == store_id, customers.c.id == _earlier.c.customer_id))
        .where(_earlier.c.store_id == store_id, _earlier.c.list_id == earlier, customers.c.deleted_at.is_(None))
    )
    changes = dict.fromkeys(list_ids, ListChanges(0, before, 0))
    return changes | {
        list_id: ListChanges(row.joined, before - row.stayed, row.stayed) for list_id, row in rows_by_list.items()
    }
