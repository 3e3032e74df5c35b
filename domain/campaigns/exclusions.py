"""Lists that drafts leave out: were one deleted unnoticed, the campaign would be sent to its customers after all."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Text, cast, select

from domain.campaigns.model import CampaignStatus
from domain.campaigns.tables import campaigns
from domain.kit.db import Transaction
from domain.lists.tables import lists
from domain.segments.model import check_unused


async def check_segment_not_excluded(tx: Transaction, store_id: int, segment_id: UUID) -> None:
    """Raise InUse when a draft leaves out a list of the segment.

    A broadcast that is scheduled or running keeps the customers that it sends to and those that it leaves out (SL-33);
    a draft whose own list is deleted says so when it is sent.
    """
    list_ids = await tx.execute(
        select(lists.c.id).where(lists.c.store_id == store_id, lists.c.segment_id == segment_id)
    )
    check_unused("segment", "draft", await _drafts_excluding(tx, store_id, set(list_ids.scalars())))


async def check_list_not_excluded(tx: Transaction, store_id: int, list_id: UUID) -> None:
    """Raise InUse when a draft leaves out the list."""
    check_unused("list", "draft", await _drafts_excluding(tx, store_id, {list_id}))


async def _drafts_excluding(tx: Transaction, store_id: int, list_ids: Collection[UUID]) -> list[str]:
    rows = await tx.execute(
        select(campaigns.c.name, campaigns.c.exclude)
        .where(campaigns.c.store_id == store_id, campaigns.c.status == CampaignStatus.DRAFT.value)
        .where(cast(campaigns.c.exclude, Text) != "[]")
        .order_by(campaigns.c.name)
    )
    return [row.name for row in rows if not {UUID(hex=excluded) for excluded in row.exclude}.isdisjoint(list_ids)]
