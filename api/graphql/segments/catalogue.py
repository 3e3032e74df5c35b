"""The catalogue of what segments may ask: dimensions, behaviors and their values."""

import strawberry

from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.enums import Operator, ValueType
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.kit.fields import derived
from api.graphql.kit.scalars import JSON
from domain.kit.errors import DomainError
from domain.segments import ranks
from domain.segments.catalogue import Catalogue, entries
from domain.segments.evaluation import resolve
from domain.stores.model import TokenScope


@strawberry.type(description="A value to choose.")
class DimensionOption:
    value: JSON
    label: str


@strawberry.type
class Dimension:
    of: strawberry.Private[entries.CatalogueEntry]

    key: str = derived(lambda self: self.of.key)
    label: str = derived(lambda self: self.of.label)
    group: str = derived(
        lambda self: self.of.group,
        description='Where a builder lists it: "profile", "membership", "tags", "consent", "purchase", ...',
    )
    type: ValueType = derived(lambda self: self.of.type)
    operators: list[Operator] = derived(lambda self: self.of.operators)
    options: list[DimensionOption] | None = derived(
        lambda self: self.of.options,
        description="The values to choose from, where they are known; where they have ranks, the lowest first.",
    )
    closed: bool = derived(lambda self: self.of.closed, description="No value but the options is taken.")
    max_values: int = derived(lambda self: self.of.max_values)
    ranked: bool = derived(
        lambda self: bool(self.of.ranks), description="LT, LTE, GT, GTE and BETWEEN compare by the options' ranks."
    )


@strawberry.type
class Behavior:
    of: strawberry.Private[entries.BehaviorEntry]

    key: str = derived(lambda self: self.of.key)
    label: str = derived(lambda self: self.of.label)
    group: str = derived(lambda self: self.of.group)
    attributes: list[Dimension] = derived(
        lambda self: [Dimension(of=one) for one in self.of.attributes], description="What `where` and `of` may name."
    )
    open: bool = derived(lambda self: self.of.open, description="Any other attribute of its events may be named too.")


@strawberry.type
class CatalogueQuery:
    @strawberry.field(
        description="The catalogue of what a segment may ask: what a condition builder shows in its menus."
    )
    async def dimensions(self, info: Info, group: str | None = None) -> list[Dimension]:
        catalogue = await catalogue_of(allow(info, TokenScope.READ))
        return [Dimension(of=one) for one in catalogue.dimensions.values() if group in {None, one.group}]

    @strawberry.field
    async def behaviors(self, info: Info) -> list[Behavior]:
        catalogue = await catalogue_of(allow(info, TokenScope.READ))
        return [Behavior(of=one) for one in catalogue.behaviors.values()]


@strawberry.type
class ValueRanksPayload:
    dimension: Dimension | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class CatalogueMutation:
    @strawberry.mutation(
        description="The order of a dimension's values, the lowest first: segments then compare by it. "
        "For tier, loyalty_rank and properties of text; no values take the order away."
    )
    async def value_ranks_set(self, info: Info, dimension: str, values: list[str]) -> ValueRanksPayload:
        context = allow(info, TokenScope.WRITE)
        labels, extensions = context.services.channels.labels, context.services.extensions
        try:
            async with context.database.write() as tx:
                known = await resolve.catalogue(tx, context.store_id, labels, extensions)
                await ranks.replace(tx, context.store_id, known, dimension, values)
                changed = await resolve.catalogue(tx, context.store_id, labels, extensions)
        except DomainError as error:
            return ValueRanksPayload(user_errors=user_errors(error))
        return ValueRanksPayload(dimension=Dimension(of=changed.dimensions[dimension]))


async def catalogue_of(context: Context) -> Catalogue:
    return await context.batch(_catalogues).load(tuple(context.services.channels.labels.items()))


async def _catalogues(context: Context, wanted: list[tuple[tuple[str, str], ...]]) -> list[Catalogue]:
    extensions = context.services.extensions
    async with context.database.read() as tx:
        return [await resolve.catalogue(tx, context.store_id, dict(channels), extensions) for channels in wanted]
