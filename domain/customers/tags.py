"""Adds tags to customers and removes them; what is removed is recorded in the customer's history."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select, tuple_

from domain.customers import queries
from domain.customers.tables import customer_tags
from domain.events import log
from domain.events.model import Event
from domain.kit import ids
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import insert_into

REMOVED = "tag.removed"
_KEYS_AT_ONCE = 10_000


async def add_tags(
    tx: Transaction, store_id: int, tags: Mapping[int, Sequence[str]], now: datetime, source: str
) -> None:
    """Add tags by customer; a tag that a customer has already keeps its time and its source."""
    rows = [
        {"store_id": store_id, "customer_id": customer_id, "tag": tag, "source": source, "added_at": now}
        for customer_id, added in tags.items()
        for tag in added
    ]
    if rows:
        await tx.execute(insert_into(customer_tags, tx.dialect).on_conflict_do_nothing(), rows)


async def remove_tags(tx: Transaction, store_id: int, tags: Mapping[int, Sequence[str]], now: datetime) -> None:
    """Remove tags by customer; one that a customer does not have is ignored."""
    keys = [(customer_id, tag) for customer_id, removed in tags.items() for tag in removed]
    columns = customer_tags.c
    deleted: list[AnyRow] = []
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        is_removed = tuple_(columns.customer_id, columns.tag).in_(keys[start : start + _KEYS_AT_ONCE])
        statement = delete(customer_tags).where(columns.store_id == store_id, is_removed)
        deleted += (await tx.execute(statement.returning(columns.customer_id, columns.tag))).all()
    # What was deleted, rather than what was read before: of several at a time, one removes a tag.
    events = [
        Event(str(ids.new()), customer_id, REMOVED, now, tag, {"tag": tag})
        for customer_id, tag in sorted(map(tuple, deleted))
    ]
    await log.append(tx, store_id, events, now)


async def replace_tags(
    tx: Transaction, store_id: int, tags: Mapping[int, Sequence[str]], now: datetime, source: str
) -> None:
    """Give each customer these tags and no others."""
    if not tags:
        return
    current = await queries.tags_of(tx, store_id, list(tags))
    removed: dict[int, list[str]] = {}
    for customer_id, replacement in tags.items():
        obsolete = [tag for tag in current[customer_id] if tag not in replacement]
        if obsolete:
            removed[customer_id] = obsolete
    await remove_tags(tx, store_id, removed, now)
    await add_tags(tx, store_id, tags, now, source)


async def add_selected_tags(tx: Transaction, selected: Select[*tuple[Any, ...]], *, all_new: bool) -> None:
    """Add the tags that a select gives, whose columns bear the names of theirs; one that a customer has stays as it is.

    `all_new`: the customers are, and have no tags yet.
    """
    statement = insert_into(customer_tags, tx.dialect).from_select(selected.selected_columns.keys(), selected)
    await tx.execute(statement if all_new else statement.on_conflict_do_nothing())


async def remove_selected_tags(tx: Transaction, store_id: int, now: datetime, *conditions: ColumnElement[bool]) -> None:
    """Remove the store's tags that the conditions select."""
    removed = (customer_tags.c.store_id == store_id, *conditions)
    rows = select(customer_tags.c.customer_id, customer_tags.c.tag).where(*removed)
    await log.append_for(tx, store_id, REMOVED, rows, now)
    await tx.execute(delete(customer_tags).where(*removed))
