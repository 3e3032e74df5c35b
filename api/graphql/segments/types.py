"""Segments: named filters, and the customers that they find."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import strawberry
from sqlalchemy import Select

from api.graphql.campaigns.pages import campaigns_of_segment
from api.graphql.customers import pages as customer_pages
from api.graphql.kit import child_pages, pages
from api.graphql.kit.child_pages import ChildSelect
from api.graphql.kit.connection import Connection, Page, empty_connection
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import searched
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.keyset import newest
from api.graphql.kit.nodes import Node, connection_of, find_node_of, load_row, named, node, optional_node
from api.graphql.kit.prices import priced
from api.graphql.segments.catalogue import catalogue_of
from api.graphql.segments.filters import Filter, exclude_of, include_of, write_id
from api.graphql.segments.recorded_filter import recorded_filter
from domain.customers import queries as customer_queries
from domain.customers.model import CustomerOrder
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.lists import actions as list_actions
from domain.lists import queries as list_queries
from domain.lists.tables import lists
from domain.segments import language, model, queries
from domain.segments.evaluation import resolve
from domain.segments.filters import Definition, memberships
from domain.segments.language.describe import summary
from domain.segments.model import SegmentKind, UpdateMode
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import segments

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
_NEWEST = newest("segments", segments.c.id)
_NEWEST_LISTS = newest("lists", lists.c.id)


@strawberry.type
class UpdatePolicy:
    mode: UpdateMode
    every_days: int | None = strawberry.field(description="7, 14, 30, 60 or 90; null when manual.")
    started_on: date | None = strawberry.field(
        description="The day from which the cycle counts: the last change of the policy."
    )


@strawberry.type(
    description="A customer group. Each of its lists holds its members at one moment; campaigns are sent to a list."
)
class Segment(Node):
    row: strawberry.Private[model.Segment]

    id: strawberry.ID = derived(lambda self: encode("Segment", self.row.id))
    name: str = derived(lambda self: self.row.name, description="Unique in the store; 50 characters at most.")
    description: str | None = derived(lambda self: self.row.description)
    kind: SegmentKind = derived(lambda self: self.row.kind)
    active: bool = derived(lambda self: self.row.active)
    include: Filter | None = derived(lambda self: include_of(self.row.definition))
    exclude: Filter | None = derived(
        lambda self: exclude_of(self.row.definition),
        description="Blacklisted customers, when no other filter was given.",
    )
    query: str | None = derived(
        lambda self: None if self.row.kind is SegmentKind.STATIC else language.write(self.row.definition, write_id),
        description="The same filter in the query language; parsing it gives the filter again.",
    )
    update: UpdatePolicy = derived(lambda self: self.row.policy)
    created_at: datetime = derived(lambda self: self.row.created_at)
    updated_at: datetime = derived(lambda self: self.row.updated_at)
    last_refreshed_at: datetime | None = derived(lambda self: self.row.last_refreshed_at)
    next_refresh_at: datetime | None = derived(
        lambda self: self.row.next_refresh_at,
        description="The time of the next list; null when updated by hand, or inactive.",
    )

    @strawberry.field(description="The filter in plain English.")
    async def summary(self, info: Info) -> str:
        if self.row.kind is SegmentKind.STATIC:
            return "Customers picked by hand"
        return await summary_of(info.context, self.row.definition)

    @strawberry.field(description="Whether segmentRefresh is allowed now; else refreshBlockedBy says why not.")
    async def refreshable(self, info: Info) -> bool:
        return await info.context.batch(_blocked_by).load(self.row) is None

    @strawberry.field
    async def refresh_blocked_by(self, info: Info) -> ErrorCode | None:
        return await info.context.batch(_blocked_by).load(self.row)

    @strawberry.field
    async def list_count(self, info: Info) -> int:
        return await info.context.load(list_queries.counts, self.row.id)

    @strawberry.field(graphql_type=named("CustomerList") | None)
    async def latest_list(self, info: Info) -> Node | None:
        return optional_node("CustomerList", await info.context.load_optional(list_queries.latest_of, self.row.id))

    @strawberry.field(graphql_type=connection_of("CustomerList"))
    async def lists(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Node]:
        store_id = info.context.store_id
        children = ChildSelect(
            "segment.lists",
            lambda is_parent: list_queries.listing(store_id, is_parent),
            lambda _: _NEWEST_LISTS,
            lambda row: node("CustomerList", list_queries.customer_list(row)),
        )
        return await child_pages.connect(info.context, self.row.id, children, Page.of(first, after))

    @strawberry.field(
        description="The broadcasts to its lists, the newest first.", graphql_type=connection_of("Campaign")
    )
    async def campaigns(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Node]:
        return await campaigns_of_segment(info.context, self.row.id, Page.of(first, after))

    @strawberry.field(
        description="Its current members, computed live; empty when the filter cannot be evaluated any more.",
        graphql_type=connection_of("Customer"),
        metadata=priced(20),
    )
    async def members(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Node]:
        page, context = Page.of(first, after), info.context
        ids = await _member_ids_or_problem(context, self.row)
        if isinstance(ids, DomainError):
            return empty_connection()
        members = customer_queries.among(context.store_id, ids)
        return await customer_pages.connect(context, members, page, CustomerOrder.CREATED_AT_ASC, seconds=SECONDS)

    @strawberry.field(
        description="Null when the filter cannot be evaluated any more: `problem` says why.", metadata=priced(20)
    )
    async def member_count(self, info: Info) -> int | None:
        return await info.context.batch(_member_counts).load(self.row)

    @strawberry.field(
        description="The reason why the filter cannot be evaluated, such as a deleted segment that it refers to."
    )
    async def problem(self, info: Info) -> str | None:
        ids = await _member_ids_or_problem(info.context, self.row)
        return ids.message if isinstance(ids, DomainError) else None

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[UUID]) -> dict[UUID, model.Segment]:
        return {segment.id: segment for segment in await queries.by_ids(tx, store_id, keys)}

    @classmethod
    def recorded(cls, row: model.Segment) -> Mapping[str, object]:
        return {
            "name": row.name,
            "kind": row.kind.value,
            "active": row.active,
            "update": {"mode": row.policy.mode.value, "everyDays": row.policy.every_days},
            "include": recorded_filter(row.definition.include),
            "exclude": recorded_filter(row.definition.exclude),
        }


@strawberry.type
class SegmentQuery:
    @strawberry.field
    async def segment(self, info: Info, id: strawberry.ID) -> Segment | None:
        return await find_node_of(info.context, Segment, id)

    @strawberry.field(description="The newest first. `search`: a part of the name, whatever its case and accents.")
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
        context, page = info.context, Page.of(first, after, last, before)
        rows = queries.listing(context.store_id, searched(search), active)
        return await pages.connect(context, rows, _NEWEST, page, lambda row: Segment(row=queries.segment(row)))


async def summary_of(context: Context, definition: Definition) -> str:
    """Return the filter in words, the segments and lists that it refers to by their names."""
    trees = [tree for tree in (definition.include, definition.exclude) if tree is not None]
    references = [membership for tree in trees for _, membership in memberships(tree)]
    rows = await asyncio.gather(
        *(load_row(context, "Segment", reference.segment_id) for reference in references),
        *(load_row(context, "CustomerList", reference.list_id) for reference in references),
    )
    names = {row.id: row.name for row in rows if row is not None}
    return summary(definition, await catalogue_of(context), names)


async def _member_ids_or_problem(context: Context, segment: model.Segment) -> Select[int] | DomainError:
    """Return the select of the segment's members, or the error that its filter has come to."""
    try:
        return await context.batch(_member_ids).load(segment)
    except DomainError as error:
        return error


async def _member_ids(context: Context, rows: list[model.Segment]) -> Sequence[Select[int] | DomainError]:
    timezone = context.principal.store.timezone
    async with context.database.read() as tx:
        scope = FilterScope(context.store_id, timezone, context.now, tx.dialect)
        return await resolve.select_ids_of_each(tx, rows, scope, context.services.extensions)


async def _member_counts(context: Context, rows: list[model.Segment]) -> Sequence[int | Exception | None]:
    """Count each segment once, in however many places of the answer it is."""

    async def count(segment: model.Segment) -> int | Exception | None:
        ids = await _member_ids_or_problem(context, segment)
        if isinstance(ids, DomainError):
            return None
        try:
            return await pages.count_rows(context, ids, seconds=SECONDS)
        except Exception as error:  # noqa: BLE001 - one segment's fault is reported where it is asked for
            return error

    return await asyncio.gather(*map(count, rows))


async def _blocked_by(context: Context, rows: list[model.Segment]) -> Sequence[ErrorCode | None]:
    timezone = context.principal.store.timezone
    async with context.database.read() as tx:
        return await list_actions.blocked_by(tx, context.store_id, rows, timezone, context.now)
