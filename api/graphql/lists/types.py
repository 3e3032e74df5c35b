"""Lists: the customers that a segment held at a moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.campaigns.pages import campaigns_of_list
from api.graphql.customers.pages import connect_children
from api.graphql.kit import global_ids, pages
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.keyset import newest
from api.graphql.kit.nodes import Node, connection_of, find_node_of, load_node, named
from api.graphql.kit.prices import priced
from api.graphql.lists.analysis import ListAnalysis, ListDifference, analysis_of
from api.graphql.segments.reach import ChannelReach
from api.graphql.stores.channels import store_channels
from domain.kit.db import Transaction
from domain.lists import model, queries
from domain.lists.comparison import check_comparable
from domain.lists.model import ListActionKind, ListStatus
from domain.lists.tables import lists
from domain.segments.evaluation import reach

expose(ListStatus)
expose(ListActionKind)
_NEWEST = newest("lists", lists.c.id)


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
    row: strawberry.Private[model.CustomerList]

    id: strawberry.ID = derived(lambda self: encode("CustomerList", self.row.id))
    name: str = derived(lambda self: self.row.name)
    number: int = derived(lambda self: self.row.number, description="1 for the first.")
    status: ListStatus = derived(lambda self: self.row.status)
    latest: bool = derived(lambda self: self.row.latest)
    created_at: datetime = derived(lambda self: self.row.created_at)
    expires_at: datetime = derived(lambda self: self.row.expires_at)
    deletable: bool = derived(lambda self: self.row.deletable)
    count: int = derived(lambda self: self.row.count, description="Number of members when it was made.")
    problem: str | None = derived(lambda self: self.row.problem, description="The reason why it could not be made.")

    @strawberry.field
    def expired(self, info: Info) -> bool:
        return self.row.expired(info.context.now)

    @strawberry.field(description="The actions that are available now: none once it is expired.")
    async def actions(self, info: Info) -> list[ListAction]:
        context = info.context
        if not self.row.usable(context.now):
            return []
        return [
            ListAction(
                kind=ListActionKind.BROADCAST,
                channel=store_channel.plugin.channel.key,
                label=store_channel.plugin.channel.label,
            )
            for store_channel in await store_channels(context)
            if store_channel.installed_at is not None
        ]

    @strawberry.field(graphql_type=named("Segment") | None)
    async def segment(self, info: Info) -> Node | None:
        return await load_node(info.context, "Segment", self.row.segment_id)

    @strawberry.field(description="Deleted customers are left out.", graphql_type=connection_of("Customer"))
    async def members(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Node]:
        page, context = Page.of(first, after, last, before), info.context
        return await connect_children(
            context,
            self.row.id,
            "list.members",
            lambda is_parent: queries.members(context.store_id, is_parent),
            page,
        )

    @strawberry.field(metadata=priced(15))
    async def reach(self, info: Info) -> list[ChannelReach]:
        return [ChannelReach(counts=counts) for counts in await info.context.batch(_reach).load(self.row.id)]

    @strawberry.field(metadata=priced(40))
    async def analysis(self, info: Info) -> ListAnalysis:
        return await analysis_of(info.context, self.row.id)

    @strawberry.field(
        description="Compared with another list of the same segment, usually an earlier one.", metadata=priced(25)
    )
    async def difference(
        self, info: Info, from_: Annotated[strawberry.ID, strawberry.argument(name="from")]
    ) -> ListDifference:
        earlier = await CustomerList.load_row(info.context, global_ids.uuid(from_, "CustomerList"))
        return ListDifference(list_id=self.row.id, earlier_id=check_comparable(self.row, earlier))

    @strawberry.field(graphql_type=connection_of("Campaign"))
    async def campaigns(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Node]:
        return await campaigns_of_list(info.context, self.row.id, Page.of(first, after))

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[UUID]) -> dict[UUID, model.CustomerList]:
        return {row.id: row for row in await queries.by_ids(tx, store_id, keys)}

    @classmethod
    def recorded(cls, row: model.CustomerList) -> Mapping[str, object]:
        return {"name": row.name, "number": row.number, "status": row.status.value, "count": row.count}


@strawberry.type
class ListQuery:
    @strawberry.field(name="list")
    async def one_list(self, info: Info, id: strawberry.ID) -> CustomerList | None:
        return await find_node_of(info.context, CustomerList, id)

    @strawberry.field(
        description=(
            "The lists that can be chosen as recipients: not deleted, not expired; by default each segment's latest. "
            "`search`: a part of the name, whatever its case and accents."
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
        context, page = info.context, Page.of(first, after, last, before)
        # No segment has the ID 0: an ID of another type names none.
        segment = None if segment_id is None else global_ids.uuid(segment_id, "Segment") or UUID(int=0)
        rows = queries.offered(
            context.store_id,
            context.now,
            segment_id=segment,
            latest_only=latest_only is not False,
            search=searched(search),
        )
        return await pages.connect(
            context, rows, _NEWEST, page, lambda row: CustomerList(row=queries.customer_list(row))
        )


async def _reach(context: Context, list_ids: list[UUID]) -> list[Sequence[reach.ChannelReach]]:
    reaches: dict[UUID, Sequence[reach.ChannelReach]] = {}
    async with context.database.read() as tx:
        for batch in pages.batches(list_ids):
            reaches |= await queries.reach(tx, context.store_id, batch, context.services.channels.addresses)
    return [reaches[list_id] for list_id in list_ids]
