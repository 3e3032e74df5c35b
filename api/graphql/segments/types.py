"""Segments: named filters, and whom they find."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import strawberry
from sqlalchemy import Select

from api.graphql.campaigns import types as campaigns
from api.graphql.campaigns.types import Campaign
from api.graphql.customers.types import Customer
from api.graphql.customers.types import connect as customers
from api.graphql.kit import global_ids, pages
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Node, encode
from api.graphql.kit.keyset import By, Ordering
from api.graphql.lists import types as lists
from api.graphql.lists.types import CustomerList
from api.graphql.segments.catalogue import catalogue_of
from api.graphql.segments.filters import Filter, exclude_of, include_of, write_id
from domain.customers import queries as customer_queries
from domain.customers.model import CustomerOrder
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.lists import actions as list_actions
from domain.lists import model as list_model
from domain.lists import queries as list_queries
from domain.segments import language, model, queries
from domain.segments.evaluation import resolve
from domain.segments.filters import Definition, memberships
from domain.segments.language.describe import summary
from domain.segments.model import SegmentKind, UpdateMode
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import segments
from domain.stores.model import TokenScope

expose(
    SegmentKind,
    {
        SegmentKind.DYNAMIC: "Defined by a filter.",
        SegmentKind.STATIC: 'Picked by hand, or by "all results of a filter" at one moment.',
    },
)
expose(UpdateMode)
# How long a page or a count of a filter's customers may take.
SECONDS = 10.0
_NEWEST = Ordering("segments.newest", (By(segments.c.id, UUID, descending=True),))


@strawberry.type
class UpdatePolicy:
    mode: UpdateMode
    every_days: int | None = strawberry.field(description="7, 14, 30, 60 or 90; null when manual.")
    started_on: date | None = strawberry.field(
        description="The day from which the cycle counts: the last change of the policy."
    )


@strawberry.type(description="A customer group. Its lists are what it held at a moment; campaigns go to a list.")
class Segment(Node):
    of: strawberry.Private[model.Segment]

    id: strawberry.ID = derived(lambda self: encode("Segment", self.of.id))
    name: str = derived(lambda self: self.of.name, description="Unique in the store; 50 characters at most.")
    description: str | None = derived(lambda self: self.of.description)
    kind: SegmentKind = derived(lambda self: self.of.kind)
    active: bool = derived(lambda self: self.of.active)
    include: Filter | None = derived(lambda self: include_of(self.of.definition))
    exclude: Filter | None = derived(
        lambda self: exclude_of(self.of.definition), description="Blacklisted customers, unless it says otherwise."
    )
    query: str | None = derived(
        lambda self: None if self.of.kind is SegmentKind.STATIC else language.write(self.of.definition, write_id),
        description="The same filter in the query language; parsing it gives the filter again.",
    )
    update: UpdatePolicy = derived(lambda self: self.of.policy)
    created_at: datetime = derived(lambda self: self.of.created_at)
    updated_at: datetime = derived(lambda self: self.of.updated_at)
    last_refreshed_at: datetime | None = derived(lambda self: self.of.last_refreshed_at)
    next_refresh_at: datetime | None = derived(
        lambda self: self.of.next_refresh_at,
        description="When the next list is made; null when updated by hand, or inactive.",
    )

    @strawberry.field(description="The filter in words, for people.")
    async def summary(self, info: Info) -> str:
        if self.of.kind is SegmentKind.STATIC:
            return "Customers picked by hand"
        return await in_words(info.context, self.of.definition)

    @strawberry.field(description="Whether segmentRefresh would be taken now, and else why not.")
    async def refreshable(self, info: Info) -> bool:
        return await info.context.batch(_blocked).load(self.of) is None

    @strawberry.field
    async def refresh_blocked_by(self, info: Info) -> ErrorCode | None:
        return await info.context.batch(_blocked).load(self.of)

    @strawberry.field
    async def list_count(self, info: Info) -> int:
        return await info.context.loader(_counts).load(self.of.id)

    @strawberry.field
    async def latest_list(self, info: Info) -> CustomerList | None:
        found = await info.context.loader(_latest).load(self.of.id)
        return None if found is None else CustomerList(of=found)

    @strawberry.field
    async def lists(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[CustomerList]:
        return await lists.of_segment(info.context, self.of.id, Page.of(first, after))

    @strawberry.field(description="The broadcasts to its lists, the newest first.")
    async def campaigns(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Campaign]:
        return await campaigns.of_segment(info.context, self.of.id, Page.of(first, after))

    @strawberry.field(description="Who belongs to it now, computed live.")
    async def members(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Customer]:
        page, context = Page.of(first, after), info.context
        found = customer_queries.among(context.store_id, await context.batch(_ids).load(self.of))
        return await customers(context, found, page, CustomerOrder.CREATED_AT_ASC, seconds=SECONDS)

    @strawberry.field
    async def member_count(self, info: Info) -> int:
        return await info.context.batch(_member_counts).load(self.of)


@strawberry.type
class SegmentQuery:
    @strawberry.field
    async def segment(self, info: Info, id: strawberry.ID) -> Segment | None:
        context = allow(info, TokenScope.READ)
        found = global_ids.uuid(id, "Segment")
        return None if found is None else await by_id(context, found)

    @strawberry.field(description="The newest first.")
    async def segments(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        search: str | None = None,
        active: bool | None = None,
    ) -> Connection[Segment]:
        context, page = allow(info, TokenScope.READ), Page.of(first, after, last, before)
        found = queries.listing(context.store_id, searched(search), active)
        return await pages.connect(context, found, _NEWEST, page, lambda row: Segment(of=queries.segment(row)))


async def by_id(context: Context, segment_id: UUID) -> Segment | None:
    found = await context.loader(_segments).load(segment_id)
    return None if found is None else Segment(of=found)


def segment_id(gid: strawberry.ID) -> UUID:
    """The segment that a mutation's `id` names; that there is one is for the transaction to say."""
    found = global_ids.uuid(gid, "Segment")
    if found is None:
        raise DomainError("There is no such segment", field=("id",), code=ErrorCode.NOT_FOUND)
    return found


async def in_words(context: Context, definition: Definition) -> str:
    asked = [
        one for tree in (definition.include, definition.exclude) if tree is not None for _, one in memberships(tree)
    ]
    segment_ids = [one.segment_id for one in asked if one.segment_id is not None]
    list_ids = [one.list_id for one in asked if one.list_id is not None]
    found: list[model.Segment | list_model.CustomerList | None] = [
        *await context.loader(_segments).load_many(segment_ids),
        *await lists.by_ids(context, list_ids),
    ]
    names = {one.id: one.name for one in found if one is not None}
    return summary(definition, await catalogue_of(context), names)


async def _ids(context: Context, wanted: list[model.Segment]) -> Sequence[Select[int] | Exception]:
    timezone = context.principal.store.timezone
    async with context.database.read() as tx:
        scope = FilterScope(context.store_id, timezone, context.now, tx.dialect)
        return await resolve.select_ids_of_each(tx, wanted, scope, context.services.extensions)


async def _member_counts(context: Context, wanted: list[model.Segment]) -> Sequence[int | Exception]:
    """Each segment once, in however many places of the answer it is."""

    async def count(one: model.Segment) -> int | Exception:
        try:
            ids = await context.batch(_ids).load(one)
            return await pages.total(context, ids, seconds=SECONDS)
        except Exception as error:  # noqa: BLE001 - one segment's fault is told where it is asked for
            return error

    return await asyncio.gather(*map(count, wanted))


async def _blocked(context: Context, wanted: list[model.Segment]) -> Sequence[ErrorCode | None]:
    timezone = context.principal.store.timezone
    async with context.database.read() as tx:
        return await list_actions.blocked_by(tx, context.store_id, wanted, timezone, context.now)


async def _segments(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[model.Segment | None]:
    found = {one.id: one for one in await queries.by_ids(tx, store_id, wanted)}
    return [found.get(segment_id) for segment_id in wanted]


async def _counts(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[int]:
    found = await list_queries.counts(tx, store_id, wanted)
    return [found[segment_id] for segment_id in wanted]


async def _latest(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[list_model.CustomerList | None]:
    found = await list_queries.latest_of(tx, store_id, wanted)
    return [found.get(segment_id) for segment_id in wanted]
