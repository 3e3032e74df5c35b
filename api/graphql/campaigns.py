"""Campaigns: drawn up, sent, watched."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry

from api.graphql import children, connections, relay
from api.graphql.children import Children
from api.graphql.context import Context, Info, allow
from api.graphql.deliveries import Delivery, Reach, RenderedMessage
from api.graphql.enums import expose
from api.graphql.errors import UserError, bad_input, searched, user_errors
from api.graphql.keyset import By, Ordering
from api.graphql.paging import Connection, Page
from api.graphql.plain import derived
from api.graphql.relay import Node, encode
from api.graphql.scalars import JSON
from domain.campaigns import actions, model, previewing, store
from domain.campaigns.actions import Draft
from domain.campaigns.aiming import Target
from domain.campaigns.model import CampaignStatus, Utm
from domain.campaigns.tables import campaigns
from domain.db import Transaction
from domain.deliveries import store as deliveries
from domain.deliveries.model import AcceptMarketing, DeliveryStatus, Stats
from domain.deliveries.model import Reach as ReachOf
from domain.deliveries.tables import deliveries as delivery_rows
from domain.errors import DomainError, ErrorCode, Faults
from domain.stores.model import Scope

if TYPE_CHECKING:
    from api.graphql.lists import CustomerList

expose(
    CampaignStatus,
    {CampaignStatus.STANDBY: ("Its list went away in the last ten minutes before the time: it is still sent.")},
)
_NEWEST = Ordering("campaigns.newest", (By(campaigns.c.id, UUID, descending=True),))
_BY_CUSTOMER = Ordering("deliveries.customer", (By(delivery_rows.c.customer_id, int),))
_WATCH_EVERY = 0.5


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
    async def locked_list(self, info: Info) -> Annotated["CustomerList", strawberry.lazy("api.graphql.lists")] | None:
        from api.graphql.lists import by_id

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
        return await children.connect(context, self.of.id, found, page)

    @strawberry.field(description="What one recipient would get; somebody on the list when none is named.")
    async def preview(self, info: Info, customer_id: strawberry.ID | None = None) -> RenderedMessage:
        context = info.context
        # An ID of nothing is nobody's number.
        chosen = None if customer_id is None else relay.number(customer_id, "Customer") or 0
        return RenderedMessage(of=await context.batch(_previews).load(_Of(self.of, chosen)))


@strawberry.input(
    one_of=True,
    description=(
        "A list; or a segment, for its latest list (a static segment's members now). Locked when it is chosen."
    ),
)
class TargetInput:
    list_id: strawberry.Maybe[strawberry.ID]
    segment_id: strawberry.Maybe[strawberry.ID]

    def target(self) -> Target:
        """The target; an ID of another kind or store is no target that exists."""
        list_id = None if self.list_id is None else relay.uuid(self.list_id.value, "CustomerList")
        segment_id = None if self.segment_id is None else relay.uuid(self.segment_id.value, "Segment")
        if list_id or segment_id:
            return Target(list_id, segment_id)
        if self.list_id is not None:
            raise DomainError("no such list", field=("listId",), code=ErrorCode.NOT_FOUND)
        raise DomainError("no such segment", field=("segmentId",), code=ErrorCode.NOT_FOUND)


@strawberry.input
class UtmInput:
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None


@strawberry.input
class CampaignInput:
    name: str | None = None
    channel: str | None = None
    target: TargetInput | None = None
    exclude: list[TargetInput] | None = strawberry.field(
        default=None, description="Lists and segments whose customers are left out."
    )
    accept_marketing: AcceptMarketing | None = None
    content: JSON | None = None
    utm: UtmInput | None = None

    def draft(self) -> Draft:
        return Draft(
            name=self.name,
            channel=self.channel,
            target=_target(self.target, "target"),
            exclude=_targets(self.exclude),
            accept_marketing=self.accept_marketing,
            content=_content(self.content),
            utm=None if self.utm is None else Utm(self.utm.source, self.utm.medium, self.utm.campaign),
        )


@strawberry.type
class CampaignPayload:
    campaign: Campaign | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class CampaignQuery:
    @strawberry.field
    async def campaign(self, info: Info, id: strawberry.ID) -> Campaign | None:
        context = allow(info, Scope.READ)
        found = relay.uuid(id, "Campaign")
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
        context, page = allow(info, Scope.READ), Page.of(first, after, last, before)
        found = store.page(context.store_id, channel, status, searched(search))
        return await connections.connect(context, found, _NEWEST, page, _campaign)

    @strawberry.field(description="How many a broadcast would reach.")
    async def reach(
        self,
        info: Info,
        target: TargetInput,
        channel: str,
        exclude: list[TargetInput] | None = None,
        accept_marketing: AcceptMarketing | None = AcceptMarketing.ACCEPTED_ONLY,
    ) -> Reach:
        context = allow(info, Scope.READ)
        draft = Draft(
            channel=channel,
            target=_target(target, "target"),
            exclude=_targets(exclude),
            accept_marketing=accept_marketing,
        )
        async with context.database.read() as tx:
            return Reach(of=await actions.forecast(tx, context.desk, draft))


@strawberry.type
class CampaignMutation:
    @strawberry.mutation
    async def campaign_create(self, info: Info, input: CampaignInput) -> CampaignPayload:
        context = allow(info, Scope.WRITE)
        try:
            async with context.database.write() as tx:
                made = await actions.create(tx, context.desk, input.draft())
        except (DomainError, Faults) as error:
            return CampaignPayload(user_errors=user_errors(_of_input(error)))
        return CampaignPayload(campaign=Campaign(of=made))

    @strawberry.mutation(description="While it is a draft or scheduled; what is left out stays as it is.")
    async def campaign_update(
        self,
        info: Info,
        id: strawberry.ID,
        input: CampaignInput,
    ) -> CampaignPayload:
        context = allow(info, Scope.WRITE)
        try:
            async with context.database.write() as tx:
                made = await actions.update(tx, context.desk, _id(id), input.draft())
        except (DomainError, Faults) as error:
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
        context = allow(info, Scope.SEND)
        try:
            async with context.database.write() as tx:
                sent = await actions.send(tx, context.desk, _id(id), at, idempotency_key)
        except (DomainError, Faults) as error:
            return CampaignPayload(user_errors=user_errors(error))
        return CampaignPayload(campaign=Campaign(of=sent))


@strawberry.type
class CampaignSubscription:
    @strawberry.subscription(description="Each change of its state and counts, until it ends.")
    async def campaign_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Campaign, None]:
        context = allow(info, Scope.READ)
        campaign_id = relay.uuid(id, "Campaign")
        seen: object = None
        while True:
            async with context.database.read() as tx:
                current = campaign_id and await store.by_id(tx, context.store_id, campaign_id)
                if not current:
                    raise bad_input("No such campaign.", "id")
                counts = await deliveries.stats_of(tx, context.store_id, [current.id])
            if (current, counts) != seen:
                seen = (current, counts)
                yield Campaign(of=current)
            if current.status.ended:
                return
            await asyncio.sleep(_WATCH_EVERY)


async def by_id(context: Context, campaign_id: UUID) -> Campaign | None:
    found = await context.loader(_campaigns).load(campaign_id)
    return None if found is None else Campaign(of=found)


async def of_list(context: Context, list_id: UUID, page: Page) -> Connection[Campaign]:
    found = Children(
        "list.campaigns", lambda whose: store.of_lists(context.store_id, whose), lambda _: _NEWEST, _campaign
    )
    return await children.connect(context, list_id, found, page)


async def of_segment(context: Context, segment_id: UUID, page: Page) -> Connection[Campaign]:
    found = Children(
        "segment.campaigns", lambda whose: store.of_segments(context.store_id, whose), lambda _: _NEWEST, _campaign
    )
    return await children.connect(context, segment_id, found, page)


async def _campaigns(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[model.Campaign | None]:
    found = {campaign.id: campaign for campaign in await store.by_ids(tx, store_id, wanted)}
    return [found.get(campaign_id) for campaign_id in wanted]


@dataclass(frozen=True, slots=True, eq=False)
class _Of:
    """A campaign, and whose message of it is to be shown."""

    campaign: model.Campaign
    customer_id: int | None = None


async def _reach(context: Context, wanted: list[_Of]) -> Sequence[ReachOf | Exception]:
    found: list[ReachOf | DomainError] = []
    async with context.database.read() as tx:
        for some in connections.chunks([one.campaign for one in wanted]):
            found += await actions.reach_each(tx, context.desk, some)
    return found


async def _previews(context: Context, wanted: list[_Of]) -> Sequence[Mapping[str, object] | Exception]:
    asked = [(one.campaign, one.customer_id) for one in wanted]
    async with context.database.read() as tx:
        return await previewing.preview_each(tx, context.desk, context.services.links, asked)


async def _stats(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[Stats]:
    found = await deliveries.stats_of(tx, store_id, wanted)
    return [found.get(campaign_id, Stats()) for campaign_id in wanted]


def _campaign(row: Any) -> Campaign:
    return Campaign(of=store.campaign(row))


def _id(gid: strawberry.ID) -> UUID:
    found = relay.uuid(gid, "Campaign")
    if found is None:
        raise DomainError("no such campaign", field=("id",), code=ErrorCode.NOT_FOUND)
    return found


def _of_input(error: DomainError | Faults) -> Faults:
    """Faults of the campaign itself stay where they are, those of its new values are the input's."""
    faults = error.errors if isinstance(error, Faults) else (error,)
    return Faults([fault if fault.field[:1] == ("id",) else fault.under("input") for fault in faults])


def _target(target: TargetInput | None, *path: str | int) -> Target | None:
    if target is None:
        return None
    try:
        return target.target()
    except DomainError as error:
        raise error.under(*path) from None


def _targets(targets: Sequence[TargetInput] | None) -> list[Target] | None:
    if targets is None:
        return None
    found = (_target(target, "exclude", place) for place, target in enumerate(targets))
    return [target for target in found if target is not None]


def _content(content: object) -> Mapping[str, object] | None:
    if content is None or isinstance(content, dict):
        return cast("dict[str, object] | None", content)
    raise DomainError("content is an object, as the channel's contentSchema says", field=("content",))
