"""Statements on the lists that channels of stores keep at their providers, and how far each was handed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, select, update

from domain import jobs
from domain.channels.tables import channel_syncs, synced_lists
from domain.jobs import Queue
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.operations.model import OperationStatus
from domain.stores import queries as stores

# Stands in the rows of jobs that wait: it never changes.
SYNC = "channel.sync"
QUEUE = Queue.REPORTS
_LONGEST_PROBLEM = 1_000


@dataclass(frozen=True, slots=True)
class ChannelSync:
    """The progress of a channel's sync; `done` and `total` are members of lists."""

    status: OperationStatus
    done: int
    total: int
    problem: str | None
    last_synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class SyncedList:
    """A list and how far it was handed over: `contacts` of its `count` members, up to the customer `position`."""

    channel: str
    list_id: UUID
    provider_id: str | None
    position: int
    count: int
    contacts: int
    synced_at: datetime | None


async def request(tx: Transaction, store_id: int, channel: str, *, again: bool = False) -> None:
    """Have a worker hand over the latest lists that were not yet; `again`, those that were as well."""
    statement = insert_into(channel_syncs, tx.dialect).values(
        store_id=store_id, channel=channel, status=OperationStatus.QUEUED.value, done=0, total=0
    )
    # First of all: whoever ends the sync locks this row, and looks then for what is to be done.
    queued = {"status": OperationStatus.QUEUED.value}
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id", "channel"], set_=queued))
    if again:
        anew = {"provider_id": None, "position": 0, "contacts": 0, "synced_at": None}
        await tx.execute(update(synced_lists).where(*_of_channel(store_id, channel)).values(anew))
    await jobs.add_once(tx, store_id, SYNC, queue=QUEUE, about={"channel": channel})


async def request_of_all(tx: Transaction, store_id: int, channels: Sequence[str]) -> None:
    """Have workers hand new lists over by those of these channels that the store has configured."""
    if channels:
        installed = await stores.installations(tx, store_id)
        for channel in sorted(channels):
            if channel in installed and installed[channel].settings is not None:
                await request(tx, store_id, channel)


async def by_channel(tx: Transaction, store_id: int) -> dict[str, ChannelSync]:
    syncs = channel_syncs.c
    rows = await tx.execute(select(channel_syncs).where(syncs.store_id == store_id))
    return {
        row.channel: ChannelSync(OperationStatus(row.status), row.done, row.total, row.problem, row.last_synced_at)
        for row in rows
    }


async def lock(tx: Transaction, store_id: int, channel: str) -> None:
    """Have whoever requests a sync wait until the transaction ends."""
    syncs = channel_syncs.c
    locked = select(syncs.status).where(syncs.store_id == store_id, syncs.channel == channel).with_for_update()
    await tx.execute(locked)


async def plan(tx: Transaction, store_id: int, channel: str, latest: Mapping[UUID, int]) -> dict[UUID, SyncedList]:
    """Have these lists, with the numbers of their members, be the ones that are kept, and return them."""
    rows = synced_lists.c
    of_channel = _of_channel(store_id, channel)
    await tx.execute(delete(synced_lists).where(*of_channel, rows.list_id.not_in(list(latest))))
    known = set((await tx.execute(select(rows.list_id).where(*of_channel))).scalars())
    new = [
        {"store_id": store_id, "channel": channel, "list_id": list_id, "position": 0, "count": count, "contacts": 0}
        for list_id, count in sorted(latest.items())
        if list_id not in known
    ]
    if new:
        await tx.execute(insert(synced_lists), new)
    return {listed.list_id: listed for listed in await lists_of(tx, store_id, [channel])}


async def lists_of(tx: Transaction, store_id: int, channels: Sequence[str]) -> list[SyncedList]:
    rows = synced_lists.c
    found = await tx.execute(
        select(synced_lists, synced_lists.c["count"].label("members"))
        .where(rows.store_id == store_id, rows.channel.in_(channels))
        .order_by(rows.list_id)
    )
    return [
        SyncedList(row.channel, row.list_id, row.provider_id, row.position, row.members, row.contacts, row.synced_at)
        for row in found
    ]


async def advance(tx: Transaction, store_id: int, channel: str, listed: SyncedList, **values: Any) -> bool:
    """Store how far the list was handed over; False when it is to be handed over anew by now, or is gone."""
    rows = synced_lists.c
    provider_id = rows.provider_id.is_(None) if listed.provider_id is None else rows.provider_id == listed.provider_id
    same = (
        *_of_channel(store_id, channel),
        rows.list_id == listed.list_id,
        rows.position == listed.position,
        provider_id,
    )
    return bool((await tx.execute(update(synced_lists).where(*same).values(values))).rowcount)


async def count_done(tx: Transaction, store_id: int, channel: str) -> int:
    """Return how many members the lists have that were handed over as a whole."""
    is_synced = synced_lists.c.synced_at.is_not(None)
    total = select(func.coalesce(func.sum(synced_lists.c["count"]), 0))
    done: int = await tx.scalar(total.where(*_of_channel(store_id, channel), is_synced))
    return int(done)


async def note(tx: Transaction, store_id: int, channel: str, **values: Any) -> None:
    """Store the sync's progress, its end, or what is wrong with it."""
    if values.get("problem"):
        values["problem"] = values["problem"][:_LONGEST_PROBLEM].replace("\0", "")
    syncs = channel_syncs.c
    await tx.execute(
        update(channel_syncs).where(and_(syncs.store_id == store_id, syncs.channel == channel)).values(values)
    )


def _of_channel(store_id: int, channel: str) -> tuple[Any, Any]:
    return synced_lists.c.store_id == store_id, synced_lists.c.channel == channel
