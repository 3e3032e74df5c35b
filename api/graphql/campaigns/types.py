"""Campaigns: drawn up, sent, watched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from api.graphql.campaigns.deliveries import Delivery, Reach, RenderedMessage
from api.graphql.campaigns.inputs import TargetInput, target_of, targets_of
from api.graphql.kit import child_pages, global_ids, pages
from api.graphql.kit.child_pages import Children
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Node, encode
from api.graphql.kit.keyset import By, Ordering
from api.graphql.kit.scalars import JSON
from domain.campaigns import actions, model, preview, queries
from domain.campaigns.actions import CampaignDraft
from domain.campaigns.model import CampaignStatus
from domain.campaigns.tables import campaigns
from domain.deliveries import queries as deliveries
from domain.deliveries.model import AcceptMarketing, DeliveryStatus, Stats
from domain.deliveries.model import Reach as ReachOf
from domain.deliveries.tables import deliveries as delivery_rows
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.stores.model import TokenScope

if TYPE_CHECKING:
    from api.graphql.lists.types import CustomerList

expose(
    CampaignStatus,
    {CampaignStatus.STANDBY: ("Its list went away in the last ten minutes before the time: it is still sent.")},
)
_NEWEST = Ordering("campaigns.newest", (By(campaigns.c.id, UUID, descending=True),))
_BY_CUSTOMER = Ordering("deliveries.customer", (By(delivery_rows.c.customer_id, int),))


@strawberry.type(name="Utm")
class UtmType:
    source: str | None
    medium: str | None
    campaign: str | None


@strawberry.type
class CampaignStats:
    of: strawberry.Private[Stats]

    recipients: int = derived(lambda self: self.of.recipients)
    pending: int = derived(lambda self: self.of.pending)
    sent: int = derived(lambda self: self.of.sent)
    failed: int = derived(lambda self: self.of.failed)
    unknown: int = derived(
        lambda self: self.of.unknown,
        description="Handed to the provider in a moment that broke off: it may or may not have gone out.",
    )
    skipped: int = derived(lambda self: self.of.skipped)


@strawberry.type(description="A broadcast to a list through a channel.")
class Campaign(Node):
    of: strawberry.Private[model.Campaign]

    id: strawberry.ID = derived(lambda self: encode("Campaign", self.of.id))
    name: str = derived(lambda self: self.of.name)
    channel: str = derived(lambda self: self.of.channel)
    status: CampaignStatus = derived(lambda self: self.of.status)
    target_name: str = derived(lambda self: self.of.target_name)
    accept_marketing: AcceptMarketing = derived(lambda self: self.of.accept_marketing)
    content: JSON = derived(lambda self: self.of.content, description="As the channel's content schema has it.")
    utm: UtmType = derived(lambda self: self.of.utm)
    created_at: datetime = derived(lambda self: self.of.created_at)
    scheduled_at: datetime | None = derived(lambda self: self.of.scheduled_at)
    started_at: datetime | None = derived(lambda self: self.of.started_at)
    finished_at: datetime | None = derived(lambda self: self.of.finished_at)
    problem: str | None = derived(lambda self: self.of.problem, description="Why it failed or cannot go on.")

    @strawberry.field(
        name="list",
        description=(
            "The list it is locked to; null when that was deleted: those who were on it still are the audience."
        ),
    )
    async def locked_list(
        self, info: Info
    ) -> Annotated["CustomerList", strawberry.lazy("api.graphql.lists.types")] | None:
        from api.graphql.lists.types import by_id

        return None if self.of.list_id is None else await by_id(info.context, self.of.list_id)

    @strawberry.field
    async def reach(self, info: Info) -> Reach:
        return Reach(of=await info.context.batch(_reach).load(_Of(self.of)))

    @strawberry.field
    async def stats(self, info: Info) -> CampaignStats:
        return CampaignStats(of=await info.context.loader(_stats).load(self.of.id))

    @strawberry.field
    async def deliveries(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        status: list[DeliveryStatus] | None = None,
    ) -> Connection[Delivery]:
        context, page = info.context, Page.of(first, after)
        wished = None if status is None else tuple(status)
        found = Children(
            ("campaign.deliveries", wished),
            lambda whose: deliveries.of_campaigns(context.store_id, whose, wished),
            lambda _: _BY_CUSTOMER,
            lambda row: Delivery(of=deliveries.delivery(row)),
        )
        return await child_pages.connect(context, self.of.id, found, page)

    @strawberry.field(description="What one recipient would get; somebody on the list when none is named.")
    async def preview(self, info: Info, customer_id: strawberry.ID | None = None) -> RenderedMessage:
        context = info.context
        # An ID of nothing is nobody's number.
        chosen = None if customer_id is None else global_ids.number(customer_id, "Customer") or 0
        return RenderedMessage(of=await context.batch(_previews).load(_Of(self.of, chosen)))


@strawberry.type
class CampaignQuery:
    @strawberry.field
    async def campaign(self, info: Info, id: strawberry.ID) -> Campaign | None:
        context = allow(info, TokenScope.READ)
        found = global_ids.uuid(id, "Campaign")
        return None if found is None else await by_id(context, found)

    @strawberry.field(description="The newest first.")
    async def campaigns(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        channel: str | None = None,
        status: list[CampaignStatus] | None = None,
        search: str | None = None,
    ) -> Connection[Campaign]:
        context, page = allow(info, TokenScope.READ), Page.of(first, after, last, before)
        found = queries.page(context.store_id, channel, status, searched(search))
        return await pages.connect(context, found, _NEWEST, page, _campaign)

    @strawberry.field(description="How many a broadcast would reach.")
    async def reach(
        self,
        info: Info,
        target: TargetInput,
        channel: str,
        exclude: list[TargetInput] | None = None,
        accept_marketing: AcceptMarketing | None = AcceptMarketing.ACCEPTED_ONLY,
    ) -> Reach:
        context = allow(info, TokenScope.READ)
        draft = CampaignDraft(
            channel=channel,
            target=target_of(target, "target"),
            exclude=targets_of(exclude),
            accept_marketing=accept_marketing,
        )
        async with context.database.read() as tx:
            return Reach(of=await actions.forecast(tx, context.services, context.store_id, draft))


async def by_id(context: Context, campaign_id: UUID) -> Campaign | None:
    found = await context.loader(_campaigns).load(campaign_id)
    return None if found is None else Campaign(of=found)


async def of_list(context: Context, list_id: UUID, page: Page) -> Connection[Campaign]:
    found = Children(
        "list.campaigns", lambda whose: queries.of_lists(context.store_id, whose), lambda _: _NEWEST, _campaign
    )
    return await child_pages.connect(context, list_id, found, page)


async def of_segment(context: Context, segment_id: UUID, page: Page) -> Connection[Campaign]:
    found = Children(
        "segment.campaigns", lambda whose: queries.of_segments(context.store_id, whose), lambda _: _NEWEST, _campaign
    )
    return await child_pages.connect(context, segment_id, found, page)


async def _campaigns(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[model.Campaign | None]:
    found = {campaign.id: campaign for campaign in await queries.by_ids(tx, store_id, wanted)}
    return [found.get(campaign_id) for campaign_id in wanted]


@dataclass(frozen=True, slots=True, eq=False)
class _Of:
    """A campaign, and whose message of it is to be shown."""

    campaign: model.Campaign
    customer_id: int | None = None


async def _reach(context: Context, wanted: list[_Of]) -> Sequence[ReachOf | Exception]:
    found: list[ReachOf | DomainError] = []
    async with context.database.read() as tx:
        for some in pages.chunks([one.campaign for one in wanted]):
            found += await actions.reach_each(tx, context.services, context.store_id, some)
    return found


async def _previews(context: Context, wanted: list[_Of]) -> Sequence[Mapping[str, object] | Exception]:
    asked = [preview.PreviewRequest(one.campaign, one.customer_id) for one in wanted]
    async with context.database.read() as tx:
        return await preview.preview_each(tx, context.services, context.store_id, asked)


async def _stats(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[Stats]:
    found = await deliveries.stats_of(tx, store_id, wanted)
    return [found.get(campaign_id, Stats()) for campaign_id in wanted]


def _campaign(row: Any) -> Campaign:
    return Campaign(of=queries.campaign(row))
