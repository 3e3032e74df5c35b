"""Analysis of a list: its make-up, its trend, and the difference to another list."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from api.graphql.customers.pages import connect_children
from api.graphql.kit import pages
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info
from api.graphql.kit.fields import derived
from api.graphql.kit.nodes import Node, connection_of
from domain.kit.db import Transaction
from domain.lists import analysis, comparison
from domain.lists.comparison import Move
from domain.segments.evaluation.deadline import reading

_SECONDS = 10.0
_UNKNOWN = "Null for the bucket of unknown values, and for the bucket of all values beyond the largest."


@strawberry.type
class Bucket:
    label: str
    value: str | None = strawberry.field(description=_UNKNOWN)
    count: int


@strawberry.type(description="A count of the last 30 days, compared with the 30 days before.")
class CountTrend:
    figure: strawberry.Private[analysis.Figure]

    current: int = derived(lambda self: int(self.figure.current))
    previous: int = derived(lambda self: int(self.figure.previous))
    change: float | None = derived(
        lambda self: self.figure.change, description="0.25 is a rise by a quarter; null when the earlier figure is 0."
    )


@strawberry.type(description="An amount of the last 30 days, compared with the 30 days before.")
class AmountTrend:
    figure: strawberry.Private[analysis.Figure]

    current: Decimal = derived(lambda self: self.figure.current)
    previous: Decimal = derived(lambda self: self.figure.previous)
    change: float | None = derived(lambda self: self.figure.change)


@strawberry.type(description="A share, from 0 to 1, of the last 30 days, compared with the 30 days before.")
class ShareTrend:
    figure: strawberry.Private[analysis.Figure]

    current: float = derived(lambda self: float(self.figure.current))
    previous: float = derived(lambda self: float(self.figure.previous))
    change: float | None = derived(lambda self: self.figure.change)


@strawberry.type(
    description=(
        "The members' purchases in the last 30 days, compared with the 30 days before; "
        "cancelled orders and point-of-sale returns are left out."
    )
)
class ListTrend:
    figures: strawberry.Private[analysis.Trend]

    since: datetime = derived(lambda self: self.figures.since)
    until: datetime = derived(lambda self: self.figures.until)
    shoppers: CountTrend = derived(
        lambda self: CountTrend(figure=self.figures.shoppers), description="Number of members who ordered."
    )
    orders: CountTrend = derived(lambda self: CountTrend(figure=self.figures.orders))
    sales: AmountTrend = derived(lambda self: AmountTrend(figure=self.figures.sales))
    conversion: ShareTrend = derived(
        lambda self: ShareTrend(figure=self.figures.conversion), description="The share of the members who ordered."
    )


@strawberry.type(description="The composition of a list; deleted customers are left out.")
class ListAnalysis:
    figures: strawberry.Private[analysis.Analysis]

    members: int = derived(lambda self: self.figures.members)
    by_gender: list[Bucket] = derived(lambda self: self.figures.buckets["gender"])
    by_tier: list[Bucket] = derived(lambda self: self.figures.buckets["tier"])
    by_age: list[Bucket] = derived(lambda self: self.figures.buckets["age"], description="On the store's current day.")
    by_country: list[Bucket] = derived(lambda self: self.figures.buckets["country"])
    by_source: list[Bucket] = derived(lambda self: self.figures.buckets["source"])
    orders: int = derived(
        lambda self: self.figures.orders, description="All orders of the members, but for cancelled and deleted ones."
    )
    total_spent: Decimal = derived(lambda self: self.figures.total_spent)
    average_order_value: Decimal | None = derived(lambda self: self.figures.average_order_value)
    trend: ListTrend = derived(lambda self: ListTrend(figures=self.figures.trend))


@strawberry.type(
    description=(
        "The customers who joined, left and stayed between an earlier list of the segment and this one; "
        "deleted customers are left out."
    )
)
class ListDifference:
    list_id: strawberry.Private[UUID]
    earlier_id: strawberry.Private[UUID]

    @strawberry.field
    async def joined_count(self, info: Info) -> int:
        return (await self._counts(info.context)).joiners

    @strawberry.field
    async def left_count(self, info: Info) -> int:
        return (await self._counts(info.context)).leavers

    @strawberry.field
    async def stayed_count(self, info: Info) -> int:
        return (await self._counts(info.context)).stayers

    @strawberry.field(description="On this list, and not on the earlier one.", graphql_type=connection_of("Customer"))
    async def joined(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Node]:
        return await self._moved(info.context, Move.JOINED, Page.of(first, after))

    @strawberry.field(description="On the earlier list, and not on this one.", graphql_type=connection_of("Customer"))
    async def left(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Node]:
        return await self._moved(info.context, Move.LEFT, Page.of(first, after))

    @strawberry.field(description="On both.", graphql_type=connection_of("Customer"))
    async def stayed(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Node]:
        return await self._moved(info.context, Move.STAYED, Page.of(first, after))

    async def _counts(self, context: Context) -> comparison.ListChanges:
        return await context.load(_counts, (self.earlier_id, self.list_id))

    async def _moved(self, context: Context, move: Move, page: Page) -> Connection[Node]:
        return await connect_children(
            context,
            self.list_id,
            (move, self.earlier_id),
            lambda is_parent: comparison.moved(context.store_id, self.earlier_id, move, is_parent),
            page,
        )


async def analysis_of(context: Context, list_id: UUID) -> ListAnalysis:
    return ListAnalysis(figures=await context.batch(_analyses).load(list_id))


async def _analyses(context: Context, list_ids: list[UUID]) -> list[analysis.Analysis]:
    analyses: dict[UUID, analysis.Analysis] = {}
    timezone, now = context.principal.store.timezone, context.now
    async with reading(context.database, _SECONDS) as tx:
        for batch in pages.batches(list_ids):
            analyses |= await analysis.analyse(tx, context.store_id, batch, timezone, now)
    return [analyses[list_id] for list_id in list_ids]


async def _counts(
    tx: Transaction, store_id: int, pairs: list[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], comparison.ListChanges]:
    counts: dict[tuple[UUID, UUID], comparison.ListChanges] = {}
    for earlier_id in dict.fromkeys(earlier_id for earlier_id, _ in pairs):
        later_ids = [list_id for earlier, list_id in pairs if earlier == earlier_id]
        counts_by_list = await comparison.count_changes(tx, store_id, earlier_id, later_ids)
        counts |= {(earlier_id, list_id): counted for list_id, counted in counts_by_list.items()}
    return counts
