"""Whom a filter finds now: counted, sampled, or paged as customers."""

import strawberry

from api.graphql.customers.types import Customer
from api.graphql.customers.types import by_ids as customers_by_ids
from api.graphql.customers.types import connect as customers
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Info, allow
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.segments.filters import FilterInput, write_id
from api.graphql.segments.inputs import definition_of
from api.graphql.segments.reach import ChannelReach
from api.graphql.segments.types import SECONDS, in_words
from domain.customers import queries as customer_queries
from domain.customers.model import CustomerOrder
from domain.kit.errors import DomainError
from domain.segments import language
from domain.segments.evaluation import resolve
from domain.segments.evaluation.reach import PreviewResult
from domain.segments.filters import Definition
from domain.segments.sql.scope import FilterScope
from domain.stores.model import TokenScope


@strawberry.type
class SegmentPreview:
    definition: strawberry.Private[Definition]
    found: strawberry.Private[PreviewResult]

    count: int = derived(lambda self: self.found.count)
    exact: bool = derived(lambda _: True, description="False when the count was estimated.")
    query: str = derived(lambda self: language.write(self.definition, write_id))
    reach: list[ChannelReach] = derived(lambda self: [ChannelReach(of=one) for one in self.found.reach])

    @strawberry.field
    async def summary(self, info: Info) -> str:
        return await in_words(info.context, self.definition)

    @strawberry.field
    async def sample(self, info: Info) -> list[Customer]:
        return await customers_by_ids(info.context, self.found.sample)


@strawberry.type
class PreviewQuery:
    @strawberry.field(
        description="Who a filter would find now: the count, the reach of each channel, and a few of them."
    )
    async def segment_preview(
        self,
        info: Info,
        include: FilterInput | None = None,
        exclude: FilterInput | None = None,
        query: str | None = None,
    ) -> SegmentPreview:
        context = allow(info, TokenScope.READ)
        definition = await definition_of(context, include, exclude, query)
        channels = context.services.channels.addresses
        found = await context.services.previews.preview(context.principal.store, definition, channels, context.now)
        return SegmentPreview(definition=definition, found=found)

    @strawberry.field
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
    ) -> Connection[Customer]:
        context, page = allow(info, TokenScope.READ), Page.of(first, after, last, before)
        found = customer_queries.listing(context.store_id, searched(search))
        if filter is not None:
            try:
                definition = Definition((await definition_of(context, filter, None, None)).include, None)
            except DomainError as error:
                raise _in_filter(error) from None
            async with context.database.read() as tx:
                scope = FilterScope(context.store_id, context.principal.store.timezone, context.now, tx.dialect)
                ids = await resolve.select_ids(tx, definition, scope, context.services.extensions)
            found = customer_queries.only(found, ids)
        seconds = None if filter is None else SECONDS
        return await customers(context, found, page, order_by or CustomerOrder.CREATED_AT_DESC, seconds=seconds)


def _in_filter(error: DomainError) -> DomainError:
    """The argument `filter` is a definition's `include`."""
    for fault in error.errors:
        fault.field = ("filter", *fault.field[1:])
    return error
