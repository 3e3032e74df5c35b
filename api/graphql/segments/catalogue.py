"""The catalogue of what segments may ask: dimensions, behaviors and their values."""

from collections.abc import Mapping
from typing import Any

import strawberry

from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import Operator, ValueType
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.mutation import mutation
from api.graphql.kit.scalars import JSON
from domain.kit.db import Transaction
from domain.segments import ranks
from domain.segments.catalogue import Catalogue, entries
from domain.segments.evaluation import resolve
from domain.stores.model import TokenScope


@strawberry.type(description="A value to choose from.")
class DimensionOption:
    value: JSON
    label: str


@strawberry.type
class Dimension:
    entry: strawberry.Private[entries.CatalogueEntry]

    key: str = derived(lambda self: self.entry.key)
    label: str = derived(lambda self: self.entry.label)
    group: str = derived(
        lambda self: self.entry.group,
        description='The group of a builder\'s menu: "profile", "membership", "tags", "consent", "purchase", ...',
    )
    type: ValueType = derived(lambda self: self.entry.type)
    operators: list[Operator] = derived(lambda self: self.entry.operators)
    options: list[DimensionOption] | None = derived(
        lambda self: self.entry.options,
        description="The values to choose from, where they are known; ranked values from the lowest to the highest.",
    )
    closed: bool = derived(lambda self: self.entry.closed, description="Only the options are accepted as values.")
    max_values: int = derived(lambda self: self.entry.max_values)
    ranked: bool = derived(
        lambda self: bool(self.entry.ranks), description="LT, LTE, GT, GTE and BETWEEN compare by the options' ranks."
    )


@strawberry.type
class Behavior:
    entry: strawberry.Private[entries.BehaviorEntry]

    key: str = derived(lambda self: self.entry.key)
    label: str = derived(lambda self: self.entry.label)
    group: str = derived(lambda self: self.entry.group)
    attributes: list[Dimension] = derived(
        lambda self: [Dimension(entry=attribute) for attribute in self.entry.attributes],
        description="The attributes that `where` and `of` may name.",
    )
    open: bool = derived(
        lambda self: self.entry.open, description="Whether any other attribute of its events may be named too."
    )


@strawberry.type
class CatalogueQuery:
    @strawberry.field(
        description="The catalogue of conditions: the dimensions that a condition builder shows in its menus."
    )
    async def dimensions(self, info: Info, group: str | None = None) -> list[Dimension]:
        catalogue = await catalogue_of(info.context)
        return [Dimension(entry=entry) for entry in catalogue.dimensions.values() if group in {None, entry.group}]

    @strawberry.field
    async def behaviors(self, info: Info) -> list[Behavior]:
        catalogue = await catalogue_of(info.context)
        return [Behavior(entry=entry) for entry in catalogue.behaviors.values()]


@strawberry.type
class ValueRanksPayload:
    dimension: Dimension | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


async def _observe_ranks(context: Context, tx: Transaction, arguments: Mapping[str, Any]) -> Observed:
    """Count the ranks: their values are customers' properties."""
    key: str = arguments["dimension"]
    stored = (await ranks.of(tx, context.store_id)).get(key, ())
    return Observed(subject_of("Dimension", key), {"ranks": len(stored)})


@strawberry.type
class CatalogueMutation:
    @mutation(
        ValueRanksPayload,
        TokenScope.WRITE,
        description=(
            "Sets the ranks of a dimension's values, from the lowest to the highest: conditions then compare by rank. "
            "For tier, loyalty_rank and properties of type STRING; an empty list deletes the ranks."
        ),
        observe=_observe_ranks,
    )
    async def value_ranks_set(
        self, context: Context, tx: Transaction, dimension: str, values: list[str]
    ) -> ValueRanksPayload:
        labels, extensions = context.services.channels.labels, context.services.extensions
        catalogue = await resolve.catalogue(tx, context.store_id, labels, extensions)
        await ranks.replace(tx, context.store_id, catalogue, dimension, values)
        changed = await resolve.catalogue(tx, context.store_id, labels, extensions)
        return ValueRanksPayload(dimension=Dimension(entry=changed.dimensions[dimension]))


async def catalogue_of(context: Context) -> Catalogue:
    """Return the store's catalogue, which is read once a request."""
    return await context.batch(_catalogues).load(())


async def catalogue_within(tx: Transaction, context: Context) -> Catalogue:
    """Return the store's catalogue as the transaction sees it, for the rest of the request too."""
    services = context.services
    catalogue = await resolve.catalogue(tx, context.store_id, services.channels.labels, services.extensions)
    context.batch(_catalogues).prime((), catalogue, force=True)
    return catalogue


async def _catalogues(context: Context, keys: list[tuple[()]]) -> list[Catalogue]:
    services = context.services
    async with context.database.read() as tx:
        catalogue = await resolve.catalogue(tx, context.store_id, services.channels.labels, services.extensions)
    return [catalogue for _ in keys]
