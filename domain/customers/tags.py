"""Gives customers tags and takes them away; what is taken away is remembered in the history."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, tuple_

from domain.customers import queries
from domain.customers.tables import customer_tags
from domain.events import log
from domain.events.model import Event
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into

REMOVED = "tag.removed"
_KEYS_AT_ONCE = 10_000


async def add_tags(
    tx: Transaction, store_id: int, tags: Mapping[int, Sequence[str]], now: datetime, source: str
) -> None:
    """A tag that a customer has already keeps its time and its source."""
    rows = [
        {"store_id": store_id, "customer_id": customer_id, "tag": tag, "source": source, "added_at": now}
        for customer_id, own in tags.items()
        for tag in own
    ]
    if rows:
        await tx.execute(insert_into(customer_tags, tx.dialect).on_conflict_do_nothing(), rows)


async def remove_tags(tx: Transaction, store_id: int, tags: Mapping[int, Sequence[str]], now: datetime) -> None:
    had = await queries.tags_of(tx, store_id, list(tags))
    gone = [(customer_id, tag) for customer_id, own in tags.items() for tag in own if tag in had[customer_id]]
    rows = customer_tags.c
    for at in range(0, len(gone), _KEYS_AT_ONCE):
        those = tuple_(rows.customer_id, rows.tag).in_(gone[at : at + _KEYS_AT_ONCE])
        await tx.execute(delete(customer_tags).where(rows.store_id == store_id, those))
    removed = [Event(str(ids.new()), customer_id, REMOVED, now, tag, {"tag": tag}) for customer_id, tag in gone]
    await log.append(tx, store_id, removed, now)


async def replace_tags(
    tx: Transaction, store_id: int, tags: Mapping[int, Sequence[str]], now: datetime, source: str
) -> None:
    if not tags:
        return
    had = await queries.tags_of(tx, store_id, list(tags))
    gone = {customer_id: [tag for tag in had[customer_id] if tag not in own] for customer_id, own in tags.items()}
    await remove_tags(tx, store_id, {customer_id: own for customer_id, own in gone.items() if own}, now)
    await add_tags(tx, store_id, tags, now, source)
