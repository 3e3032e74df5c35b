"""Campaigns: broadcasts to a list through a channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import orjson
import strawberry

from api.graphql.campaigns.deliveries import Delivery, Reach, RenderedMessage
from api.graphql.campaigns.inputs import TargetInput, target_of, targets_of
from api.graphql.campaigns.pages import connect_campaigns
from api.graphql.kit import child_pages, global_ids, pages
from api.graphql.kit.child_pages import ChildSelect
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.keyset import Ordering, SortKey
from api.graphql.kit.nodes import Node, find_node_of, load_node, named
from api.graphql.kit.prices import priced
from api.graphql.kit.scalars import JSON
from domain.campaigns import actions, model, preview, problems, queries
from domain.campaigns.actions import CampaignDraft
from domain.campaigns.model import CampaignStatus
from domain.deliveries import model as delivery_model
from domain.deliveries import queries as deliveries
from domain.deliveries.model import AcceptMarketing, DeliveryStatus, Stats
from domain.deliveries.tables import deliveries as delivery_rows
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, NotFound
from domain.sessions.session import MessagePreview

expose(
    CampaignStatus,
    {
        CampaignStatus.STANDBY: (
            "Its list was deleted within the last ten minutes before the scheduled time: it is still sent."
        )
    },
)
_BY_CUSTOMER = Ordering("deliveries.customer", (SortKey(delivery_rows.c.customer_id, int),))


@strawberry.type(name="Utm")
class UtmType:
    source: str | None
    medium: str | None
    campaign: str | None


@strawberry.type
class CampaignStats:
    stats: strawberry.Private[Stats]

    recipients: int = derived(lambda self: self.stats.recipients)
    pending: int = derived(lambda self: self.stats.pending)
    sent: int = derived(lambda self: self.stats.sent)
    failed: int = derived(lambda self: self.stats.failed)
    unknown: int = derived(
        lambda self: self.stats.unknown,
        description="Handed to the provider when the connection was lost: it may or may not have been sent.",
    )
    skipped: int = derived(lambda self: self.stats.skipped)
    delivered: int = derived(
        lambda self: self.stats.delivered,
        description="Of those that were sent, those that have arrived, as far as the channel's provider tells.",
    )
    opened: int = derived(lambda self: self.stats.opened, description="Messages that were opened, or clicked.")
    clicked: int = derived(lambda self: self.stats.clicked)
    bounced: int = derived(
        lambda self: self.stats.bounced, description="Of those that failed, those whose address does not exist."
    )
    complained: int = derived(lambda self: self.stats.complained)
    unsubscribed: int = derived(lambda self: self.stats.unsubscribed)


@strawberry.type(description="A broadcast to a list through a channel.")
class Campaign(Node):
    row: strawberry.Private[model.Campaign]

    id: strawberry.ID = derived(lambda self: encode("Campaign", self.row.id))
    name: str = derived(lambda self: self.row.name)
    channel: str = derived(lambda self: self.row.channel)
    status: CampaignStatus = derived(lambda self: self.row.status)
    target_name: str = derived(lambda self: self.row.target_name)
    accept_marketing: AcceptMarketing = derived(lambda self: self.row.accept_marketing)
    content: JSON = derived(lambda self: self.row.content, description="In the form of the channel's contentSchema.")
    utm: UtmType = derived(lambda self: self.row.utm)
    created_at: datetime = derived(lambda self: self.row.created_at)
    scheduled_at: datetime | None = derived(lambda self: self.row.scheduled_at)
    started_at: datetime | None = derived(lambda self: self.row.started_at)
    finished_at: datetime | None = derived(lambda self: self.row.finished_at)

    @strawberry.field(
        name="list",
        description=("The list it is locked to; null when that was deleted: its members are still the audience."),
        graphql_type=named("CustomerList") | None,
    )
    async def locked_list(self, info: Info) -> Node | None:
        return await load_node(info.context, "CustomerList", self.row.list_id)

    @strawberry.field(description="Null when it cannot be computed: `problem` says why.", metadata=priced(20))
    async def reach(self, info: Info) -> Reach | None:
        try:
            return Reach(reach=await info.context.batch(_reach).load(_CampaignView(self.row)))
        except DomainError:
            return None

    @strawberry.field
    async def stats(self, info: Info) -> CampaignStats:
        return CampaignStats(stats=await info.context.load_optional(deliveries.stats_of, self.row.id) or Stats())

    @strawberry.field
    async def deliveries(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        status: list[DeliveryStatus] | None = None,
    ) -> Connection[Delivery]:
        context, page = info.context, Page.of(first, after)
        statuses = None if status is None else tuple(status)
        children = ChildSelect(
            ("campaign.deliveries", statuses),
            lambda is_parent: deliveries.of_campaigns(context.store_id, is_parent, statuses),
            lambda _: _BY_CUSTOMER,
            lambda row: Delivery(row=deliveries.delivery(row)),
        )
        return await child_pages.connect(context, self.row.id, children, page)

    @strawberry.field(
        description=(
            "The message that one recipient would get: the customer, or the first one on the list. Null when the "
            "list is empty, "
            "or when it cannot be computed: `problem` says why."
        ),
        metadata=priced(20),
    )
    async def preview(self, info: Info, customer_id: strawberry.ID | None = None) -> RenderedMessage | None:
        # No customer has the number 0: an ID of another type names nobody.
        number = None if customer_id is None else global_ids.number(customer_id, "Customer") or 0
        try:
            message = await info.context.batch(_previews).load(_CampaignView(self.row, number))
        except NotFound:
            if customer_id is None:
                return None
            raise
        except DomainError:
            return None
        return RenderedMessage.of_preview(message)

    @strawberry.field(
        description="The reason why it failed, cannot go on now, or cannot be computed; once it is SENT, how many of "
        "its messages failed or are unknown."
    )
    async def problem(self, info: Info) -> str | None:
        return self.row.problem or await info.context.batch(_problems).load(_CampaignView(self.row))

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[UUID]) -> dict[UUID, model.Campaign]:
        return {campaign.id: campaign for campaign in await queries.by_ids(tx, store_id, keys)}

    @classmethod
    def recorded(cls, row: model.Campaign) -> Mapping[str, object]:
        """Return its settings; of its content, which may name a person, the fields and a digest."""
        content = orjson.dumps(row.content, option=orjson.OPT_SORT_KEYS)
        return {
            "name": row.name,
            "channel": row.channel,
            "status": row.status.value,
            "target": row.target_name,
            "listId": None if row.list_id is None else encode("CustomerList", row.list_id),
            "exclude": [encode("CustomerList", list_id) for list_id in row.exclude],
            "acceptMarketing": row.accept_marketing.value,
            "utm": {"source": row.utm.source, "medium": row.utm.medium, "campaign": row.utm.campaign},
            "scheduledAt": None if row.scheduled_at is None else row.scheduled_at.isoformat(),
            "content": {"fields": sorted(row.content), "sha256": sha256(content).hexdigest()},
        }


@strawberry.type
class CampaignQuery:
    @strawberry.field
    async def campaign(self, info: Info, id: strawberry.ID) -> Campaign | None:
        return await find_node_of(info.context, Campaign, id)

    @strawberry.field(
        description="The newest first. `search`: a part of the name, whatever its case and accents.",
        graphql_type=Connection[Campaign],
    )
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
    ) -> Connection[Node]:
        context, page = info.context, Page.of(first, after, last, before)
        rows = queries.page(context.store_id, channel, status, searched(search))
        return await connect_campaigns(context, rows, page)

    @strawberry.field(description="The reach of a broadcast before it is created.", metadata=priced(250))
    async def reach(
        self,
        info: Info,
        target: TargetInput,
        channel: str,
        exclude: list[TargetInput] | None = None,
        accept_marketing: AcceptMarketing | None = AcceptMarketing.ACCEPTED_ONLY,
    ) -> Reach:
        context = info.context
        draft = CampaignDraft(
            channel=channel,
            target=target_of(target, "target"),
            exclude=targets_of(exclude),
            accept_marketing=accept_marketing,
        )
        async with context.database.read() as tx:
            return Reach(reach=await actions.forecast(tx, context.services, context.store_id, draft))


@dataclass(frozen=True, slots=True, eq=False)
class _CampaignView:
    """A campaign, and the customer whose message of it is to be rendered."""

    campaign: model.Campaign
    customer_id: int | None = None


async def _reach(context: Context, views: list[_CampaignView]) -> Sequence[delivery_model.Reach | Exception]:
    reaches: list[delivery_model.Reach | DomainError] = []
    async with context.database.read() as tx:
        for batch in pages.batches([view.campaign for view in views]):
            reaches += await actions.reach_each(tx, context.services, context.store_id, batch)
    return reaches


async def _previews(context: Context, views: list[_CampaignView]) -> Sequence[MessagePreview | Exception]:
    requests = [preview.PreviewRequest(view.campaign, view.customer_id) for view in views]
    async with context.database.read() as tx:
        return await preview.preview_each(tx, context.services, context.store_id, requests)


async def _problems(context: Context, views: list[_CampaignView]) -> Sequence[str | None]:
    async with context.database.read() as tx:
        campaigns = [view.campaign for view in views]
        return await problems.problems_of_each(tx, context.services, context.store_id, campaigns)
