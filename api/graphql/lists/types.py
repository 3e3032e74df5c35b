"""Lists: what a segment held at a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from api.graphql.campaigns.types import Campaign, of_list
from api.graphql.customers.types import Customer, ordering, shown
from api.graphql.kit import child_pages, global_ids, pages
from api.graphql.kit.child_pages import Children
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Node, encode
from api.graphql.kit.keyset import By, Ordering
from api.graphql.lists import analysis
from api.graphql.lists.analysis import ListAnalysis, ListDifference
from api.graphql.segments.reach import ChannelReach
from api.graphql.stores.channels import channels_of
from domain.customers import queries as customers
from domain.customers.model import CustomerOrder
from domain.kit.db import AnyRow, Transaction
from domain.lists import model, queries
from domain.lists.comparison import check_comparable
from domain.lists.model import ListActionKind, ListStatus
from domain.lists.tables import lists
from domain.segments.evaluation import reach
from domain.stores.model import TokenScope

if TYPE_CHECKING:
    from api.graphql.segments.types import Segment

expose(ListStatus)
expose(ListActionKind)
_NEWEST = Ordering("lists.newest", (By(lists.c.id, UUID, descending=True),))


@strawberry.type
class ListAction:
    kind: ListActionKind
    channel: str | None = strawberry.field(description="The channel of a broadcast.")
    label: str


@strawberry.type(
    description=(
        "The customers that a segment held when the list was made. It never changes. The first list bears the "
        'segment\'s name, later ones "-2", "-3", ... behind it; it is valid for 180 days.'
    )
)
class CustomerList(Node):
    of: strawberry.Private[model.CustomerList]

    id: strawberry.ID = derived(lambda self: encode("CustomerList", self.of.id))
    name: str = derived(lambda self: self.of.name)
    number: int = derived(lambda self: self.of.number, description="1 for the first.")
    status: ListStatus = derived(lambda self: self.of.status)
    latest: bool = derived(lambda self: self.of.latest)
    created_at: datetime = derived(lambda self: self.of.created_at)
    expires_at: datetime = derived(lambda self: self.of.expires_at)
    deletable: bool = derived(lambda self: self.of.deletable)
    count: int = derived(lambda self: self.of.count, description="Members when it was made.")
    problem: str | None = derived(lambda self: self.of.problem, description="Why it could not be made.")

    @strawberry.field
    def expired(self, info: Info) -> bool:
        return self.of.expired(info.context.now)

    @strawberry.field(description="What may be done with it now: empty once it is expired.")
    async def actions(self, info: Info) -> list[ListAction]:
        context = info.context
        if not self.of.usable(context.now):
            return []
        return [
            ListAction(kind=ListActionKind.BROADCAST, channel=one.plugin.channel.key, label=one.plugin.channel.label)
            for one in await channels_of(context)
            if one.installed_at is not None
        ]

    @strawberry.field
    async def segment(self, info: Info) -> Annotated["Segment", strawberry.lazy("api.graphql.segments.types")] | None:
        from api.graphql.segments.types import by_id as segment_by_id

        return await segment_by_id(info.context, self.of.segment_id)

    @strawberry.field(description="Those who are customers still.")
    async def members(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Customer]:
        page, context = Page.of(first, after, last, before), info.context
        found = Children(
            "list.members",
            lambda whose: queries.members(context.store_id, whose),
            lambda _: ordering(CustomerOrder.CREATED_AT_ASC),
            lambda row: shown(customers.profile_of(row)),
        )
        return await child_pages.connect(context, self.of.id, found, page)

    @strawberry.field
    async def reach(self, info: Info) -> list[ChannelReach]:
        return [ChannelReach(of=one) for one in await info.context.batch(_reach).load(self.of.id)]

    @strawberry.field
    async def analysis(self, info: Info) -> ListAnalysis:
        return await analysis.of_list(info.context, self.of.id)

    @strawberry.field(description="Against another list of the same segment: usually an earlier one.")
    async def difference(
        self, info: Info, from_: Annotated[strawberry.ID, strawberry.argument(name="from")]
    ) -> ListDifference:
        found = global_ids.uuid(from_, "CustomerList")
        earlier = None if found is None else await info.context.loader(_lists).load(found)
        return ListDifference(of=self.of.id, earlier=check_comparable(self.of, earlier))

    @strawberry.field
    async def campaigns(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Campaign]:
        return await of_list(info.context, self.of.id, Page.of(first, after))


@strawberry.type
class ListQuery:
    @strawberry.field(name="list")
    async def one_list(self, info: Info, id: strawberry.ID) -> CustomerList | None:
        context = allow(info, TokenScope.READ)
        found = global_ids.uuid(id, "CustomerList")
        return None if found is None else await by_id(context, found)

    @strawberry.field(
        description=(
            "The lists that can be chosen as recipients: not deleted, not expired; by default each segment's latest."
        )
    )
    async def lists(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        segment_id: strawberry.ID | None = None,
        latest_only: bool | None = True,
        search: str | None = None,
    ) -> Connection[CustomerList]:
        context, page = allow(info, TokenScope.READ), Page.of(first, after, last, before)
        segment = None if segment_id is None else global_ids.uuid(segment_id, "Segment") or UUID(int=0)
        found = queries.offered(
            context.store_id,
            context.now,
            segment_id=segment,
            latest_only=latest_only is not False,
            search=searched(search),
        )
        return await pages.connect(context, found, _NEWEST, page, _list)


async def by_id(context: Context, list_id: UUID) -> CustomerList | None:
    found = await context.loader(_lists).load(list_id)
    return None if found is None else CustomerList(of=found)


async def by_ids(context: Context, wanted: Sequence[UUID]) -> list[model.CustomerList | None]:
    return await context.loader(_lists).load_many(wanted)


async def of_segment(context: Context, segment_id: UUID, page: Page) -> Connection[CustomerList]:
    found = Children("segment.lists", lambda whose: queries.listing(context.store_id, whose), lambda _: _NEWEST, _list)
    return await child_pages.connect(context, segment_id, found, page)


def _list(row: AnyRow) -> CustomerList:
    return CustomerList(of=queries.customer_list(row))


async def _reach(context: Context, wanted: list[UUID]) -> list[Sequence[reach.ChannelReach]]:
    found: dict[UUID, Sequence[reach.ChannelReach]] = {}
    async with context.database.read() as tx:
        for some in pages.chunks(wanted):
            found |= await queries.reach(tx, context.store_id, some, context.services.channels.addresses)
    return [found[list_id] for list_id in wanted]


async def _lists(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[model.CustomerList | None]:
    found = {one.id: one for one in await queries.by_ids(tx, store_id, wanted)}
    return [found.get(list_id) for list_id in wanted]
