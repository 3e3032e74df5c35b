"""Prices of fields that make the database work harder than one more object in the answer does."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import GraphQLField
from strawberry.types.field import StrawberryField

_KEY = "muster.price"


@dataclass(frozen=True, slots=True)
class Price:
    """So many nodes each time that the field is asked for or, with `argument`, only where this one is given."""

    nodes: int
    argument: str | None = None


def priced(nodes: int, argument: str | None = None) -> Mapping[object, object]:
    """Return the metadata of a field with this price: `@strawberry.field(metadata=priced(25))`."""
    return {_KEY: Price(nodes, argument)}


def price_of(field: GraphQLField) -> Price | None:
    definition = field.extensions.get("strawberry-definition")
    price = definition.metadata.get(_KEY) if isinstance(definition, StrawberryField) else None
    return price if isinstance(price, Price) else None
