"""Customers that a filter finds now: counted, sampled, or page by page."""

import asyncio

import strawberry

from api.graphql.customers import pages as customer_pages
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Info
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.kit.nodes import Node, connection_of, list_of, load_node
from api.graphql.kit.prices import priced
from api.graphql.segments.filters import FilterInput, write_id
from api.graphql.segments.inputs import definition_of
from api.graphql.segments.reach import ChannelReach
from api.graphql.segments.types import SECONDS, summary_of
from domain.customers import queries as customer_queries
from domain.customers import search as customer_search
from domain.customers.model import CustomerOrder
from domain.kit.errors import DomainError
from domain.segments import language
from domain.segments.evaluation import resolve
from domain.segments.evaluation.reach import PreviewResult
from domain.segments.filters import Definition
from domain.segments.sql.scope import FilterScope


@strawberry.type
class SegmentPreview:
    definition: strawberry.Private[Definition]
    result: strawberry.Private[PreviewResult]

    count: int = derived(lambda self: self.result.count)
    exact: bool = derived(lambda _: True, description="False when the count was estimated.")
    query: str = derived(lambda self: language.write(self.definition, write_id))
    reach: list[ChannelReach] = derived(lambda self: [ChannelReach(counts=counts) for counts in self.result.reach])

    @strawberry.field
    async def summary(self, info: Info) -> str:
        return await summary_of(info.context, self.definition)

    @strawberry.field(graphql_type=list_of("Customer"))
    async def sample(self, info: Info) -> list[Node]:
        customers = (load_node(info.context, "Customer", customer_id) for customer_id in self.result.sample)
        return [customer for customer in await asyncio.gather(*customers) if customer is not None]


@strawberry.type
class PreviewQuery:
    @strawberry.field(
        description="The customers that a filter matches now: their count, the reach of each channel, and a sample.",
        metadata=priced(500),
    )
    async def segment_preview(
        self,
        info: Info,
        include: FilterInput | None = None,
        exclude: FilterInput | None = None,
        query: str | None = None,
    ) -> SegmentPreview:
        context = info.context
        definition = await definition_of(context, include, exclude, query)
        channels = context.services.channels.addresses
        result = await context.services.previews.preview(context.principal.store, definition, channels, context.now)
        return SegmentPreview(definition=definition, result=result)

    @strawberry.field(
        graphql_type=connection_of("Customer"),
        description="`search` finds the customer whose e-mail address, phone number (0912-345-678 as well as "
        "+886912345678) or external ID it is, or else all who have it in their name, address or number. Neither case, "
        "width nor accents of Latin and Greek letters count, in the order of names neither: angstrom finds Ångström.",
        metadata=priced(50, "filter"),
    )
    async def customers(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: FilterInput | None = None,
        search: str | None = None,
        order_by: CustomerOrder | None = None,
    ) -> Connection[Node]:
        context, page = info.context, Page.of(first, after, last, before)
        order = order_by or CustomerOrder.CREATED_AT_DESC
        customers = customer_queries.listing(context.store_id)
        if text := searched(search):
            async with context.database.read() as tx:
                found = await customer_search.found_by(tx, context.store_id, text)
            customers = customers if found is None else customers.where(found)
        if filter is None:
            seconds = SECONDS if text else None
            return await customer_pages.connect(context, customers, page, order, seconds=seconds)
        try:
            definition = Definition((await definition_of(context, filter, None, None)).include, None)
        except DomainError as error:
            for fault in error.errors:
                fault.field = ("filter", *fault.field[1:])  # which was read as a definition's `include`
            raise
        async with context.database.read() as tx:
            scope = FilterScope(context.store_id, context.principal.store.timezone, context.now, tx.dialect)
            ids = await resolve.select_ids(tx, definition, scope, context.services.extensions)
        matching = customer_queries.only(customers, ids)
        return await customer_pages.connect(context, matching, page, order, seconds=SECONDS)
