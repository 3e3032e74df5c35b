"""Mutations of segments, but for the members of static ones."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import strawberry

from api.graphql.kit.access import require_scope
from api.graphql.kit.context import Context
from api.graphql.kit.errors import UserError
from api.graphql.kit.global_ids import require_uuid
from api.graphql.kit.mutation import mutation
from api.graphql.kit.nodes import Node, named, node
from api.graphql.operations.types import Operation
from api.graphql.segments.filters import FilterInput
from api.graphql.segments.inputs import customer_numbers, filter_context_within
from api.graphql.segments.types import Segment
from domain.campaigns.exclusions import check_segment_not_excluded
from domain.kit.db import Transaction
from domain.kit.values import UNSET
from domain.lists import actions as list_actions
from domain.lists.build import ListBuild
from domain.segments import actions, model
from domain.segments.model import PolicyInput, SegmentKind, UpdateMode
from domain.stores.model import TokenScope


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
    query: strawberry.Maybe[str | None] = strawberry.field(
        description="The filter in the query language, instead of include and exclude."
    )
    customer_ids: strawberry.Maybe[list[strawberry.ID] | None] = strawberry.field(
        description="The first members of a static segment; or give `include` for all customers that it matches now."
    )
    update: strawberry.Maybe[UpdatePolicyInput | None]

    def values(self) -> model.SegmentInput:
        gids, policy = _value(self.customer_ids), _value(self.update)
        return model.SegmentInput(
            name=_value(self.name),
            description=_value(self.description),
            kind=_value(self.kind),
            include=_raw_filter(self.include),
            exclude=_raw_filter(self.exclude),
            query=_value(self.query),
            customer_ids=customer_numbers(cast("list[strawberry.ID]", gids)) if isinstance(gids, list) else gids,
            update=PolicyInput(policy.mode, policy.every_days) if isinstance(policy, UpdatePolicyInput) else policy,
        )


@strawberry.type
class SegmentPayload:
    segment: Segment | None = None
    list: Node | None = strawberry.field(default=None, graphql_type=named("CustomerList") | None)
    operation: Operation | None = None
    user_errors: Sequence[UserError] = ()


@strawberry.type
class SegmentDeletePayload:
    deleted_id: strawberry.ID | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class SegmentMutation:
    @mutation(
        SegmentPayload,
        TokenScope.WRITE,
        description=(
            "A worker makes its first list at once. A static segment whose members a filter picks takes the scope "
            "`read` too."
        ),
        errors_under="input",
    )
    async def segment_create(self, context: Context, tx: Transaction, input: SegmentInput) -> SegmentPayload:
        values = input.values()
        if values.kind is SegmentKind.STATIC and values.has_filter:
            # Whether its first members fit tells how many a filter matches.
            require_scope(context, TokenScope.READ)
        filter_context = await filter_context_within(tx, context)
        created = await list_actions.create_segment(tx, filter_context, values)
        return _with_list(created.segment, created.build)

    @mutation(
        SegmentPayload,
        TokenScope.WRITE,
        description="Fields left out keep their values. Existing lists do not change.",
        errors_under="input",
    )
    async def segment_update(
        self, context: Context, tx: Transaction, id: strawberry.ID, input: SegmentInput
    ) -> SegmentPayload:
        segment_id = _segment_id(id)
        filter_context = await filter_context_within(tx, context)
        segment = await actions.change(tx, filter_context, segment_id, input.values())
        return SegmentPayload(segment=Segment(row=segment))

    @mutation(
        SegmentPayload,
        TokenScope.WRITE,
        description=(
            "Copies the filter and the policy, or the members of a static segment, and makes a first list. "
            "A free name is chosen when none is given."
        ),
    )
    async def segment_duplicate(
        self, context: Context, tx: Transaction, id: strawberry.ID, name: str | None = None
    ) -> SegmentPayload:
        segment_id = _segment_id(id)
        filter_context = await filter_context_within(tx, context)
        created = await list_actions.duplicate_segment(tx, filter_context, segment_id, name)
        return _with_list(created.segment, created.build)

    @mutation(
        SegmentPayload,
        TokenScope.WRITE,
        description="Its refresh cycle resumes; lists that were due in the meantime are not made.",
    )
    async def segment_activate(self, context: Context, tx: Transaction, id: strawberry.ID) -> SegmentPayload:
        return await _set_active(context, tx, id, active=True)

    @mutation(
        SegmentPayload,
        TokenScope.WRITE,
        description="It remains, but its lists cannot be chosen, and no list is made automatically.",
    )
    async def segment_deactivate(self, context: Context, tx: Transaction, id: strawberry.ID) -> SegmentPayload:
        return await _set_active(context, tx, id, active=False)

    @mutation(
        SegmentDeletePayload,
        TokenScope.WRITE,
        description="For good, with all its lists. Refused while a filter or a draft refers to it.",
    )
    async def segment_delete(self, context: Context, tx: Transaction, id: strawberry.ID) -> SegmentDeletePayload:
        segment_id = _segment_id(id)
        await check_segment_not_excluded(tx, context.store_id, segment_id)
        await list_actions.delete_segment(tx, context.store_id, segment_id)
        return SegmentDeletePayload(deleted_id=id)


async def _set_active(context: Context, tx: Transaction, gid: strawberry.ID, *, active: bool) -> SegmentPayload:
    segment_id = _segment_id(gid)
    filter_context = await filter_context_within(tx, context)
    segment = await actions.set_active(tx, filter_context, segment_id, active=active)
    return SegmentPayload(segment=Segment(row=segment))


def _segment_id(gid: strawberry.ID) -> UUID:
    return require_uuid(gid, "Segment", noun="segment")


def _with_list(segment: model.Segment, build: ListBuild) -> SegmentPayload:
    return SegmentPayload(
        segment=Segment(row=segment),
        list=node("CustomerList", build.listed),
        operation=Operation(row=build.operation),
    )


def _value(maybe: Any) -> Any:
    return UNSET if maybe is None else maybe.value


def _raw_filter(maybe: Any) -> object:
    value = _value(maybe)
    return value.raw() if isinstance(value, FilterInput) else value
