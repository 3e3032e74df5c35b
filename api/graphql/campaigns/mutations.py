"""Mutations of campaigns, and the subscription to one's progress."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from uuid import UUID

import strawberry

from api.graphql.campaigns.inputs import CampaignInput
from api.graphql.campaigns.types import Campaign
from api.graphql.kit import global_ids
from api.graphql.kit.context import Info, allow
from api.graphql.kit.errors import UserError, bad_input, user_errors
from domain.campaigns import actions, queries
from domain.deliveries import queries as deliveries
from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.stores.model import TokenScope

_WATCH_EVERY = 0.5


@strawberry.type
class CampaignPayload:
    campaign: Campaign | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class CampaignMutation:
    @strawberry.mutation
    async def campaign_create(self, info: Info, input: CampaignInput) -> CampaignPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                made = await actions.create(tx, context.services, context.store_id, input.draft())
        except DomainError as error:
            return CampaignPayload(user_errors=user_errors(_of_input(error)))
        return CampaignPayload(campaign=Campaign(of=made))

    @strawberry.mutation(description="While it is a draft or scheduled; what is left out stays as it is.")
    async def campaign_update(
        self,
        info: Info,
        id: strawberry.ID,
        input: CampaignInput,
    ) -> CampaignPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            async with context.database.write() as tx:
                made = await actions.update(tx, context.services, context.store_id, _id(id), input.draft())
        except DomainError as error:
            return CampaignPayload(user_errors=user_errors(_of_input(error)))
        return CampaignPayload(campaign=Campaign(of=made))

    @strawberry.mutation(description="At `at`, or now.")
    async def campaign_send(
        self,
        info: Info,
        id: strawberry.ID,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> CampaignPayload:
        context = allow(info, TokenScope.SEND)
        try:
            async with context.database.write() as tx:
                sent = await actions.send(tx, context.services, context.store_id, _id(id), at, idempotency_key)
        except DomainError as error:
            return CampaignPayload(user_errors=user_errors(error))
        return CampaignPayload(campaign=Campaign(of=sent))


@strawberry.type
class CampaignSubscription:
    @strawberry.subscription(description="Each change of its state and counts, until it ends.")
    async def campaign_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Campaign, None]:
        context = allow(info, TokenScope.READ)
        campaign_id = global_ids.uuid(id, "Campaign")
        seen: object = None
        while True:
            async with context.database.read() as tx:
                current = campaign_id and await queries.by_id(tx, context.store_id, campaign_id)
                if not current:
                    raise bad_input("No such campaign.", "id")
                counts = await deliveries.stats_of(tx, context.store_id, [current.id])
            if (current, counts) != seen:
                seen = (current, counts)
                yield Campaign(of=current)
            if current.status.ended:
                return
            await asyncio.sleep(_WATCH_EVERY)


def _id(gid: strawberry.ID) -> UUID:
    found = global_ids.uuid(gid, "Campaign")
    if found is None:
        raise DomainError("no such campaign", field=("id",), code=ErrorCode.NOT_FOUND)
    return found


def _of_input(error: DomainError) -> DomainErrors:
    """Faults of the campaign itself stay where they are, those of its new values are the input's."""
    faults = error.errors
    return DomainErrors([fault if fault.field[:1] == ("id",) else fault.under("input") for fault in faults])
