"""Statements on the state of a store's channel, which its code keeps there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from domain.channels.tables import channel_states
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into

_KEYS = ["store_id", "channel", "key"]


async def load(tx: Transaction, store_id: int, channel: str) -> dict[str, Any]:
    state = channel_states.c
    rows = await tx.execute(select(state.key, state.value).where(state.store_id == store_id, state.channel == channel))
    return {row.key: row.value for row in rows}


async def store(tx: Transaction, store_id: int, channel: str, changes: Mapping[str, Any]) -> None:
    """Put the values into the state: None deletes a key, and a key that is not among them stays as it is."""
    rows = [
        {"store_id": store_id, "channel": channel, "key": key, "value": value}
        for key, value in sorted(changes.items())
        if value is not None
    ]
    if rows:
        statement = insert_into(channel_states, tx.dialect)
        update = {"value": statement.excluded.value}
        await tx.execute(statement.on_conflict_do_update(index_elements=_KEYS, set_=update), rows)
    gone = [key for key, value in changes.items() if value is None]
    if gone:
        state = channel_states.c
        is_gone = state.store_id == store_id, state.channel == channel, state.key.in_(gone)
        await tx.execute(delete(channel_states).where(*is_gone))
