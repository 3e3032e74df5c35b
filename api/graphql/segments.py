"""Segments: named filters, what they may ask, and whom they find."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Select

from api.graphql import connections, lists, relay
from api.graphql.context import Context, Info, allow
from api.graphql.customers import Customer
from api.graphql.customers import by_ids as customers_by_ids
from api.graphql.customers import connect as customers
from api.graphql.enums import expose
from api.graphql.errors import UserError, searched, user_errors
from api.graphql.filters import Filter, FilterInput, exclude_of, include_of, read_id, write_id
from api.graphql.keyset import By, Ordering
from api.graphql.lists import ChannelReach, CustomerList
from api.graphql.operations import Operation
from api.graphql.paging import Connection, Page
from api.graphql.plain import derived
from api.graphql.relay import Node, encode
from api.graphql.scalars import JSON
from domain.customers import store as customer_store
from domain.customers.model import UNSET, CustomerOrder, ValueType
from domain.db import Transaction
from domain.errors import DomainError, ErrorCode, Faults
from domain.lists import actions as list_actions
from domain.lists import model as list_model
from domain.lists import store as list_store
from domain.segments import actions, finding, language, model, references, store
from domain.segments.catalogue import Catalogue, entries
from domain.segments.drafting import Desk, define
from domain.segments.filters import Definition, Operator, memberships
from domain.segments.model import PolicyInput, SegmentKind, UpdateMode
from domain.segments.reach import Found
from domain.segments.summary import summary
from domain.segments.tables import segments
from domain.stores.model import Scope

expose(
    SegmentKind,
    {
        SegmentKind.DYNAMIC: "Defined by a filter.",
        SegmentKind.STATIC: 'Picked by hand, or by "all results of a filter" at one moment.',
    },
)
expose(UpdateMode)
# How long a page or a count of a filter's customers may take.
_SECONDS = 10.0
_NEWEST = Ordering("segments.newest", (By(segments.c.id, UUID, descending=True),))


@strawberry.type
class DimensionOption:
    value: JSON
    label: str


@strawberry.type
class Dimension:
    of: strawberry.Private[entries.Entry]

    key: str = derived(lambda self: self.of.key)
    label: str = derived(lambda self: self.of.label)
    group: str = derived(
        lambda self: self.of.group,
        description='Where a builder lists it: "profile", "membership", "tags", "consent", "purchase", ...',
    )
    type: ValueType = derived(lambda self: self.of.type)
    operators: list[Operator] = derived(lambda self: self.of.operators)
    options: list[DimensionOption] | None = derived(
        lambda self: self.of.options, description="The values to choose from, where they are known."
    )


@strawberry.type
class Behavior:
    of: strawberry.Private[entries.Behavior]

    key: str = derived(lambda self: self.of.key)
    label: str = derived(lambda self: self.of.label)
    group: str = derived(lambda self: self.of.group)
    attributes: list[Dimension] = derived(
        lambda self: [Dimension(of=one) for one in self.of.attributes], description="What `where` and `of` may name."
    )


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
        description="When the next list is made; null when updated by hand.",
    )

    @strawberry.field(description="The filter in words, for people.")
    async def summary(self, info: Info) -> str:
        if self.of.kind is SegmentKind.STATIC:
            return "Customers picked by hand"
        return await _in_words(info.context, self.of.definition)

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

    @strawberry.field(description="Who belongs to it now, computed live.")
    async def members(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Customer]:
        page, context = Page.of(first, after), info.context
        found = customer_store.among(context.store_id, await context.batch(_ids).load(self.of))
        return await customers(context, found, page, CustomerOrder.CREATED_AT_ASC, seconds=_SECONDS)

    @strawberry.field
    async def member_count(self, info: Info) -> int:
        ids = await info.context.batch(_ids).load(self.of)
        return await connections.total(info.context, ids, seconds=_SECONDS)


@strawberry.input
class UpdatePolicyInput:
    mode: UpdateMode
    every_days: int | None = None


@strawberry.input
class SegmentInput:
    name: strawberry.Maybe[str | None]
    description: strawberry.Maybe[str | None]
    kind: strawberry.Maybe[SegmentKind | None]
    include: strawberry.Maybe[FilterInput | None]
    exclude: strawberry.Maybe[FilterInput | None]
    query: strawberry.Maybe[str | None] = strawberry.field(description="Instead of include and exclude.")
    customer_ids: strawberry.Maybe[list[strawberry.ID] | None] = strawberry.field(
        description="The first members of a static segment; or give `include` for all it finds now."
    )
    update: strawberry.Maybe[UpdatePolicyInput | None]

    def given(self) -> model.SegmentInput:
        return model.SegmentInput(
            name=_said(self.name),
            description=_said(self.description),
            kind=_said(self.kind),
            include=_filter(self.include),
            exclude=_filter(self.exclude),
            query=_said(self.query),
            customer_ids=_numbers(_said(self.customer_ids)),
            update=_policy(_said(self.update)),
        )


@strawberry.type
class SegmentPayload:
    segment: Segment | None = None
    list: CustomerList | None = None
    operation: Operation | None = None
    user_errors: Sequence[UserError] = ()


@strawberry.type
class SegmentDeletePayload:
    deleted_id: strawberry.ID | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class SegmentPreview:
    definition: strawberry.Private[Definition]
    found: strawberry.Private[Found]

    count: int = derived(lambda self: self.found.count)
    exact: bool = derived(lambda _: True, description="False when the count was estimated.")
    query: str = derived(lambda self: language.write(self.definition, write_id))
    reach: list[ChannelReach] = derived(lambda self: [ChannelReach(of=one) for one in self.found.reach])

    @strawberry.field
    async def summary(self, info: Info) -> str:
        return await _in_words(info.context, self.definition)

    @strawberry.field
    async def sample(self, info: Info) -> list[Customer]:
        return await customers_by_ids(info.context, self.found.sample)


@strawberry.type
class SegmentQuery:
    @strawberry.field
    async def segment(self, info: Info, id: strawberry.ID) -> Segment | None:
        context = allow(info, Scope.READ)
        found = relay.uuid(id, "Segment")
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
        context, page = allow(info, Scope.READ), Page.of(first, after, last, before)
        found = store.listing(context.store_id, searched(search), active)
        return await connections.connect(context, found, _NEWEST, page, lambda row: Segment(of=store.segment(row)))

    @strawberry.field(
        description="The catalogue of what a segment may ask: what a condition builder shows in its menus."
    )
    async def dimensions(self, info: Info, group: str | None = None) -> list[Dimension]:
        catalogue = await _catalogue(allow(info, Scope.READ))
        return [Dimension(of=one) for one in catalogue.dimensions.values() if group in {None, one.group}]

    @strawberry.field
    async def behaviors(self, info: Info) -> list[Behavior]:
        catalogue = await _catalogue(allow(info, Scope.READ))
        return [Behavior(of=one) for one in catalogue.behaviors.values()]

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
        context = allow(info, Scope.READ)
        definition = await definition_of(context, include, exclude, query)
        found = await finding.preview(
            context.database, context.principal.store, definition, context.services.channels.addresses, context.now
        )
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
        context, page = allow(info, Scope.READ), Page.of(first, after, last, before)
        found = customer_store.listing(context.store_id, searched(search))
        if filter is not None:
            try:
                definition = Definition((await definition_of(context, filter, None, None)).include, None)
            except (DomainError, Faults) as error:
                raise _in_filter(error) from None
            async with context.database.read() as tx:
                ids = await finding.found_by(
                    tx, context.store_id, definition, context.principal.store.timezone, context.now
                )
            found = customer_store.only(found, ids)
        seconds = None if filter is None else _SECONDS
        return await customers(context, found, page, order_by or CustomerOrder.CREATED_AT_DESC, seconds=seconds)


@strawberry.type
class SegmentMutation:
    @strawberry.mutation(description="Its first list is made at once, by a worker.")
    async def segment_create(self, info: Info, input: SegmentInput) -> SegmentPayload:
        context = allow(info, Scope.WRITE)
        desk = await _desk(context)
        try:
            async with context.database.write() as tx:
                made, making = await list_actions.create_segment(tx, desk, input.given())
        except (DomainError, Faults) as error:
            return SegmentPayload(user_errors=user_errors(error.under("input")))
        return SegmentPayload(
            segment=Segment(of=made), list=CustomerList(of=making.listed), operation=Operation(of=making.operation)
        )

    @strawberry.mutation(description="What is left out stays as it is. Lists that were made stay as they were.")
    async def segment_update(self, info: Info, id: strawberry.ID, input: SegmentInput) -> SegmentPayload:
        context = allow(info, Scope.WRITE)
        desk = await _desk(context)
        try:
            async with context.database.write() as tx:
                changed = await actions.change(tx, desk, _id(id), input.given())
        except (DomainError, Faults) as error:
            faults = error.errors if isinstance(error, Faults) else (error,)
            placed = [fault if fault.field == ("id",) else fault.under("input") for fault in faults]
            return SegmentPayload(user_errors=user_errors(Faults(placed)))
        return SegmentPayload(segment=Segment(of=changed))

    @strawberry.mutation(description="For good, with all its lists.")
    async def segment_delete(self, info: Info, id: strawberry.ID) -> SegmentDeletePayload:
        context = allow(info, Scope.WRITE)
        try:
            async with context.database.write() as tx:
                await list_actions.delete_segment(tx, context.store_id, _id(id))
        except (DomainError, Faults) as error:
            return SegmentDeletePayload(user_errors=user_errors(error))
        return SegmentDeletePayload(deleted_id=id)


async def by_id(context: Context, segment_id: UUID) -> Segment | None:
    found = await context.loader(_segments).load(segment_id)
    return None if found is None else Segment(of=found)


async def definition_of(
    context: Context, include: FilterInput | None, exclude: FilterInput | None, query: str | None
) -> Definition:
    """What the arguments of a query say, refused with every fault where they say what cannot be."""
    desk = await _desk(context)
    given = model.SegmentInput(
        include=UNSET if include is None else include.raw(),
        exclude=UNSET if exclude is None else exclude.raw(),
        query=UNSET if query is None else query,
    )
    definition = define(desk, given)
    async with context.database.read() as tx:
        wrong = await references.faults(tx, context.store_id, definition, None)
    if wrong:
        raise Faults(wrong)
    return definition


async def _desk(context: Context) -> Desk:
    return Desk(context.principal.store, await _catalogue(context), context.now, read_id)


async def _catalogue(context: Context) -> Catalogue:
    return await context.loader(_catalogues).load(tuple(context.services.channels.labels.items()))


async def _in_words(context: Context, definition: Definition) -> str:
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
    return summary(definition, await _catalogue(context), names)


async def _ids(context: Context, wanted: list[model.Segment]) -> Sequence[Select[int] | Exception]:
    timezone = context.principal.store.timezone
    async with context.database.read() as tx:
        return await finding.ids_of_each(tx, context.store_id, wanted, timezone, context.now)


async def _segments(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[model.Segment | None]:
    found = {one.id: one for one in await store.by_ids(tx, store_id, wanted)}
    return [found.get(segment_id) for segment_id in wanted]


async def _counts(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[int]:
    found = await list_store.counts(tx, store_id, wanted)
    return [found[segment_id] for segment_id in wanted]


async def _latest(tx: Transaction, store_id: int, wanted: list[UUID]) -> list[list_model.CustomerList | None]:
    found = await list_store.latest_of(tx, store_id, wanted)
    return [found.get(segment_id) for segment_id in wanted]


async def _catalogues(tx: Transaction, store_id: int, wanted: list[tuple[tuple[str, str], ...]]) -> list[Catalogue]:
    return [await finding.catalogue(tx, store_id, dict(channels)) for channels in wanted]


def _in_filter(error: DomainError | Faults) -> DomainError | Faults:
    """The argument `filter` is a definition's `include`."""
    for fault in error.errors if isinstance(error, Faults) else (error,):
        fault.field = ("filter", *fault.field[1:])
    return error


def _id(gid: strawberry.ID) -> UUID:
    found = relay.uuid(gid, "Segment")
    if found is None:
        raise DomainError("There is no such segment", field=("id",), code=ErrorCode.NOT_FOUND)
    return found


def _said(given: Any) -> Any:
    return UNSET if given is None else given.value


def _filter(given: Any) -> object:
    said = _said(given)
    return said.raw() if isinstance(said, FilterInput) else said


def _policy(given: Any) -> Any:
    return PolicyInput(given.mode, given.every_days) if isinstance(given, UpdatePolicyInput) else given


def _numbers(given: Any) -> Any:
    """Customers' numbers; an ID of nothing is nobody's."""
    if given is UNSET or given is None:
        return given
    return [relay.number(gid, "Customer") or 0 for gid in given]
