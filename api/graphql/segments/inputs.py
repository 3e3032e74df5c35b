"""Definitions as callers give them, refused with every fault of theirs."""

from collections.abc import Sequence

import strawberry

from api.graphql.kit import global_ids
from api.graphql.kit.context import Context
from api.graphql.segments.catalogue import catalogue_of, catalogue_within
from api.graphql.segments.filters import FilterInput, read_id
from domain.kit.db import Transaction
from domain.kit.errors import DomainErrors
from domain.kit.values import UNSET
from domain.segments import model
from domain.segments.evaluation import references
from domain.segments.filters import Definition
from domain.segments.validation import FilterContext, define


async def definition_of(
    context: Context, include: FilterInput | None, exclude: FilterInput | None, query: str | None
) -> Definition:
    """Return the definition that the arguments of a query give. Raise DomainErrors with every fault of theirs."""
    filter_context = await filter_context_of(context)
    segment_input = model.SegmentInput(
        include=UNSET if include is None else include.raw(),
        exclude=UNSET if exclude is None else exclude.raw(),
        query=UNSET if query is None else query,
    )
    definition = define(filter_context, segment_input)
    async with context.database.read() as tx:
        errors = await references.faults(tx, context.store_id, definition, None)
    if errors:
        raise DomainErrors(errors)
    return definition


async def filter_context_of(context: Context) -> FilterContext:
    """Return what a filter is read with, for a query."""
    return FilterContext(
        context.principal.store,
        await catalogue_of(context),
        context.now,
        read_id,
        extensions=context.services.extensions,
    )


async def filter_context_within(tx: Transaction, context: Context) -> FilterContext:
    """Return what a filter is read with, for a mutation: as its transaction sees the store."""
    return FilterContext(
        context.principal.store,
        await catalogue_within(tx, context),
        context.now,
        read_id,
        extensions=context.services.extensions,
    )


def customer_numbers(gids: Sequence[strawberry.ID]) -> list[int]:
    """Return the numbers of customers picked one by one; 0, which no customer has, for an ID of another type."""
    return [global_ids.number(gid, "Customer") or 0 for gid in gids]
