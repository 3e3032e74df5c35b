"""Conversations: when whoever has an address has written last, where a channel lets the shop answer for a while."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from domain.deliveries.tables import conversations
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, insert_into
from domain.stores.tables import channel_installations

# No channel's window is longer.
_KEPT = timedelta(days=30)
_c = conversations.c


async def note(tx: Transaction, store_id: int, channel: str, last_at: Mapping[str, datetime]) -> None:
    """Note when the addresses have written; what came late, or twice, changes nothing."""
    rows = [
        {"store_id": store_id, "channel": channel, "address": address, "last_at": last_at[address]}
        for address in sorted(last_at)
    ]
    if rows:
        statement = insert_into(conversations, tx.dialect)
        new = statement.excluded
        later = statement.on_conflict_do_update(
            index_elements=list(conversations.primary_key.columns),
            set_={"last_at": new.last_at},
            where=_c.last_at < new.last_at,
        )
        await tx.execute(later, rows)


async def open_until(
    tx: Transaction, store_id: int, channel: str, addresses: Collection[str], window: timedelta
) -> dict[str, datetime]:
    """Return when the windows close of the addresses that are within theirs, by the database's clock."""
    of_channel = (_c.store_id == store_id, _c.channel == channel, _c.address.in_(sorted(addresses)))
    is_open = _c.last_at > database_later(-window.total_seconds(), tx.dialect)
    rows = await tx.execute(select(_c.address, _c.last_at).where(*of_channel, is_open))
    return {row.address: row.last_at + window for row in rows}


async def forget(tx: Transaction, store_id: int, addresses: Collection[str]) -> None:
    """Delete what is known of the addresses of somebody who is erased."""
    installed = select(channel_installations.c.channel).where(channel_installations.c.store_id == store_id)
    names = (await tx.execute(installed)).scalars().all()
    if names and addresses:
        of_person = (_c.store_id == store_id, _c.channel.in_(names), _c.address.in_(sorted(addresses)))
        await tx.execute(delete(conversations).where(*of_person))


async def delete_old(tx: Transaction) -> int:
    """Delete what opens no window any more, in whichever store, and return how many rows these were."""
    is_old = _c.last_at < database_later(-_KEPT.total_seconds(), tx.dialect)
    return (await tx.execute(delete(conversations).where(is_old))).rowcount
