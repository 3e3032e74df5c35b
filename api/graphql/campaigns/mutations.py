"""Mutations of campaigns, and the subscription to one's progress."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Any

import strawberry

from api.graphql.campaigns.inputs import CampaignInput
from api.graphql.campaigns.types import Campaign
from api.graphql.kit import global_ids
from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import UserError, bad_input
from api.graphql.kit.mutation import mutation
from domain.campaigns import actions, queries
from domain.campaigns.content import Verdict
from domain.deliveries import queries as deliveries
from domain.kit.db import Transaction
from domain.stores.model import TokenScope

_WATCH_EVERY = 0.5


@strawberry.type
class CampaignPayload:
    campaign: Campaign | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


async def _judge(context: Context, arguments: Mapping[str, Any]) -> Verdict | None:
    """Ask the channel what it says of the content, as the input leaves it."""
    draft: CampaignInput = arguments["input"]
    gid: strawberry.ID | None = arguments.get("id")
    campaign_id = None if gid is None else global_ids.require_uuid(gid, "Campaign", noun="campaign")
    return await actions.judge_draft(context.services, context.store_id, draft.draft(), campaign_id)


@strawberry.type
class CampaignMutation:
    @mutation(CampaignPayload, TokenScope.WRITE, errors_under="input", prepare=_judge)
    async def campaign_create(
        self, context: Context, tx: Transaction, prepared: Verdict | None, input: CampaignInput
    ) -> CampaignPayload:
        row = await actions.create(tx, context.services, context.store_id, input.draft(), prepared)
        return CampaignPayload(campaign=Campaign(row=row))

    @mutation(
        CampaignPayload,
        TokenScope.WRITE,
        description="While it is a draft or scheduled. Fields left out keep their values.",
        errors_under="input",
        prepare=_judge,
    )
    async def campaign_update(
        self, context: Context, tx: Transaction, prepared: Verdict | None, id: strawberry.ID, input: CampaignInput
    ) -> CampaignPayload:
        campaign_id = global_ids.require_uuid(id, "Campaign", noun="campaign")
        row = await actions.update(tx, context.services, context.store_id, campaign_id, input.draft(), prepared)
        return CampaignPayload(campaign=Campaign(row=row))

    @mutation(CampaignPayload, TokenScope.SEND, description="At `at`, or now.")
    async def campaign_send(
        self,
        context: Context,
        tx: Transaction,
        id: strawberry.ID,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> CampaignPayload:
        campaign_id = global_ids.require_uuid(id, "Campaign", noun="campaign")
        row = await actions.send(tx, context.services, context.store_id, campaign_id, at, idempotency_key)
        return CampaignPayload(campaign=Campaign(row=row))


@strawberry.type
class CampaignSubscription:
    @strawberry.subscription(description="Each change of its state and counts, until it ends.")
    async def campaign_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Campaign, None]:
        context = info.context
        campaign_id = global_ids.uuid(id, "Campaign")
        previous: object = None
        while True:
            async with context.database.read() as tx:
                current = campaign_id and await queries.by_id(tx, context.store_id, campaign_id)
                if not current:
                    raise bad_input("There is no such campaign", "id")
                stats = await deliveries.stats_of(tx, context.store_id, [current.id])
            if (current, stats) != previous:
                previous = (current, stats)
                yield Campaign(row=current)
            if current.status.ended:
                return
            await asyncio.sleep(_WATCH_EVERY)
