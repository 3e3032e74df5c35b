"""Definitions as callers give them: read at the store's desk, refused with every fault."""

from collections.abc import Sequence

import strawberry

from api.graphql.kit import global_ids
from api.graphql.kit.context import Context
from api.graphql.segments.catalogue import catalogue_of
from api.graphql.segments.filters import FilterInput, read_id
from domain.kit.errors import DomainErrors
from domain.kit.values import UNSET
from domain.segments import model
from domain.segments.evaluation import references
from domain.segments.filters import Definition
from domain.segments.validation import FilterContext, define


async def definition_of(
    context: Context, include: FilterInput | None, exclude: FilterInput | None, query: str | None
) -> Definition:
    """What the arguments of a query say, refused with every fault where they say what cannot be."""
    desk = await desk_of(context)
    given = model.SegmentInput(
        include=UNSET if include is None else include.raw(),
        exclude=UNSET if exclude is None else exclude.raw(),
        query=UNSET if query is None else query,
    )
    definition = define(desk, given)
    async with context.database.read() as tx:
        wrong = await references.faults(tx, context.store_id, definition, None)
    if wrong:
        raise DomainErrors(wrong)
    return definition


async def desk_of(context: Context) -> FilterContext:
    return FilterContext(
        context.principal.store, await catalogue_of(context), context.now, read_id, context.services.extensions
    )


def customer_numbers(gids: Sequence[strawberry.ID]) -> list[int]:
    """Customers picked one by one; an ID of nothing is nobody's number."""
    return [global_ids.number(gid, "Customer") or 0 for gid in gids]
