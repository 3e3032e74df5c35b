"""What a list is made of, and what became of it since another."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from api.graphql.customers.types import Customer, ordering, shown
from api.graphql.kit import child_pages, pages
from api.graphql.kit.child_pages import Children
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info
from api.graphql.kit.fields import derived
from domain.customers import queries as customers
from domain.customers.model import CustomerOrder
from domain.kit.db import Transaction
from domain.lists import analysis, comparison
from domain.lists.comparison import Move
from domain.segments.evaluation.deadline import reading

_SECONDS = 10.0
_UNKNOWN = "Null for those of whom it is not known, and for the rest behind the largest."


@strawberry.type
class Bucket:
    label: str
    value: str | None = strawberry.field(description=_UNKNOWN)
    count: int


@strawberry.type(description="A number of the last 30 days, and of the 30 days before.")
class CountTrend:
    of: strawberry.Private[analysis.Figure]

    current: int = derived(lambda self: int(self.of.current))
    previous: int = derived(lambda self: int(self.of.previous))
    change: float | None = derived(
        lambda self: self.of.change, description="0.25 is a rise by a quarter; null when there was nothing before."
    )


@strawberry.type(description="An amount of the last 30 days, and of the 30 days before.")
class AmountTrend:
    of: strawberry.Private[analysis.Figure]

    current: Decimal = derived(lambda self: self.of.current)
    previous: Decimal = derived(lambda self: self.of.previous)
    change: float | None = derived(lambda self: self.of.change)


@strawberry.type(description="A share, from 0 to 1, of the last 30 days, and of the 30 days before.")
class ShareTrend:
    of: strawberry.Private[analysis.Figure]

    current: float = derived(lambda self: float(self.of.current))
    previous: float = derived(lambda self: float(self.of.previous))
    change: float | None = derived(lambda self: self.of.change)


@strawberry.type(
    description=(
        "What the members bought in the last 30 days, against the 30 days before; "
        "cancelled orders and what tills took back are left out."
    )
)
class ListTrend:
    of: strawberry.Private[analysis.Trend]

    since: datetime = derived(lambda self: self.of.since)
    until: datetime = derived(lambda self: self.of.until)
    shoppers: CountTrend = derived(
        lambda self: CountTrend(of=self.of.shoppers), description="Different members who ordered."
    )
    orders: CountTrend = derived(lambda self: CountTrend(of=self.of.orders))
    sales: AmountTrend = derived(lambda self: AmountTrend(of=self.of.sales))
    conversion: ShareTrend = derived(
        lambda self: ShareTrend(of=self.of.conversion), description="The share of the members who ordered."
    )


@strawberry.type(description="The make-up of a list: of its members who are customers still.")
class ListAnalysis:
    of: strawberry.Private[analysis.Analysis]

    members: int = derived(lambda self: self.of.members)
    by_gender: list[Bucket] = derived(lambda self: self.of.buckets["gender"])
    by_tier: list[Bucket] = derived(lambda self: self.of.buckets["tier"])
    by_age: list[Bucket] = derived(lambda self: self.of.buckets["age"], description="By the store's day.")
    by_country: list[Bucket] = derived(lambda self: self.of.buckets["country"])
    by_source: list[Bucket] = derived(lambda self: self.of.buckets["source"])
    orders: int = derived(lambda self: self.of.orders, description="All that the members ever placed and that count.")
    total_spent: Decimal = derived(lambda self: self.of.total_spent)
    average_order_value: Decimal | None = derived(lambda self: self.of.average_order_value)
    trend: ListTrend = derived(lambda self: ListTrend(of=self.of.trend))


@strawberry.type(
    description="Who joined, left and stayed between an earlier list of the segment and this one; customers still."
)
class ListDifference:
    of: strawberry.Private[UUID]
    earlier: strawberry.Private[UUID]

    @strawberry.field
    async def joined_count(self, info: Info) -> int:
        return (await self._counts(info.context)).joiners

    @strawberry.field
    async def left_count(self, info: Info) -> int:
        return (await self._counts(info.context)).leavers

    @strawberry.field
    async def stayed_count(self, info: Info) -> int:
        return (await self._counts(info.context)).stayers

    @strawberry.field(description="On this list, and not on the earlier one.")
    async def joined(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Customer]:
        return await self._moved(info.context, Move.JOINED, Page.of(first, after))

    @strawberry.field(description="On the earlier list, and not on this one.")
    async def left(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Customer]:
        return await self._moved(info.context, Move.LEFT, Page.of(first, after))

    @strawberry.field(description="On both.")
    async def stayed(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Customer]:
        return await self._moved(info.context, Move.STAYED, Page.of(first, after))

    async def _counts(self, context: Context) -> comparison.ListChanges:
        return await context.loader(_counts).load((self.earlier, self.of))

    async def _moved(self, context: Context, move: Move, page: Page) -> Connection[Customer]:
        found = Children(
            (move, self.earlier),
            lambda whose: comparison.moved(context.store_id, self.earlier, move, whose),
            lambda _: ordering(CustomerOrder.CREATED_AT_ASC),
            lambda row: shown(customers.profile_of(row)),
        )
        return await child_pages.connect(context, self.of, found, page)


async def of_list(context: Context, list_id: UUID) -> ListAnalysis:
    return ListAnalysis(of=await context.batch(_analyses).load(list_id))


async def _analyses(context: Context, wanted: list[UUID]) -> list[analysis.Analysis]:
    found: dict[UUID, analysis.Analysis] = {}
    timezone, now = context.principal.store.timezone, context.now
    async with reading(context.database, _SECONDS) as tx:
        for some in pages.chunks(wanted):
            found |= await analysis.analyse(tx, context.store_id, some, timezone, now)
    return [found[list_id] for list_id in wanted]


async def _counts(tx: Transaction, store_id: int, wanted: list[tuple[UUID, UUID]]) -> list[comparison.ListChanges]:
    found: dict[tuple[UUID, UUID], comparison.ListChanges] = {}
    for earlier in dict.fromkeys(one for one, _ in wanted):
        later = [list_id for one, list_id in wanted if one == earlier]
        counted = await comparison.count_changes(tx, store_id, earlier, later)
        found |= {(earlier, list_id): counts for list_id, counts in counted.items()}
    return [found[each] for each in wanted]
