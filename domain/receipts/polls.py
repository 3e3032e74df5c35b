"""Statements on polls: when each store's channel is asked next, by the database's clock."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update

from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now, insert_into
from domain.receipts.tables import receipt_polls
from domain.stores.tables import channel_installations

_c = receipt_polls.c
PROBLEM_LENGTH = 500


async def due(tx: Transaction, channels: Collection[str]) -> list[tuple[int, str]]:
    """Return the stores, and their channels of these, that have settings and are to be asked now."""
    installed = channel_installations.c
    same = and_(_c.store_id == installed.store_id, _c.channel == installed.channel)
    is_due = or_(_c.due_at.is_(None), _c.due_at <= database_now(tx.dialect))
    statement = (
        select(installed.store_id, installed.channel)
        .select_from(channel_installations.outerjoin(receipt_polls, same))
        .where(installed.channel.in_(sorted(channels)), installed.settings.is_not(None), is_due)
        .order_by(installed.store_id, installed.channel)
    )
    return [(row.store_id, row.channel) for row in await tx.execute(statement)]


async def claim(tx: Transaction, store_id: int, channel: str, lease: timedelta) -> bool:
    """Have nobody else ask for the time of the lease. Return False when another has been faster."""
    now: datetime = await tx.scalar(select(database_now(tx.dialect)))
    statement = insert_into(receipt_polls, tx.dialect).values(store_id=store_id, channel=channel, due_at=now + lease)
    claimed = await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["store_id", "channel"], set_={"due_at": now + lease}, where=_c.due_at <= now
        )
    )
    return bool(claimed.rowcount)


async def plan(tx: Transaction, store_id: int, channel: str, after: timedelta, problem: str | None) -> None:
    """Have the channel asked again after so long; `problem` says why it could not be asked."""
    values = {
        "due_at": database_later(after.total_seconds(), tx.dialect),
        "problem": problem and problem[:PROBLEM_LENGTH],
    }
    await tx.execute(update(receipt_polls).where(_c.store_id == store_id, _c.channel == channel).values(values))


async def forget(tx: Transaction, store_id: int, channel: str) -> None:
    """Delete the plan of a channel that the store does not have any more."""
    await tx.execute(delete(receipt_polls).where(_c.store_id == store_id, _c.channel == channel))
