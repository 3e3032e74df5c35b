"""Deletes the names by which receipts find messages, once nothing comes any more, and conversations that are over."""

from datetime import timedelta

from domain.deliveries import conversations, doubts, references
from domain.kit.db import Database
from domain.receipts import queries

# Behind the end of a campaign: complaints and openings come for weeks.
KEPT = timedelta(days=90)
# Of one round; the next one is minutes away.
_CAMPAIGNS, _BATCHES_AT_ONCE = 20, 50


async def delete_old(database: Database) -> int:
    """Delete names of messages that are too old to be told of, and old conversations; return how many names."""
    async with database.write() as tx:
        await conversations.delete_old(tx)
    async with database.read() as tx:
        ended = await queries.ended_with_names(tx, KEPT, _CAMPAIGNS)
    deleted = 0
    for store_id, campaign_id in ended:
        async with database.read() as tx:
            portions = await doubts.all_of(tx, store_id, campaign_id)
        for start in range(0, len(portions), _BATCHES_AT_ONCE):
            async with database.write() as tx:
                deleted += await references.delete_of(tx, portions[start : start + _BATCHES_AT_ONCE])
    return deleted
