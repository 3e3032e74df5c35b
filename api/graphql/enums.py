"""Enums of the domain, shown in the schema with a meaning beside each value."""

from enum import Enum
from typing import Any, TypeVar, cast

import strawberry
from strawberry.types.enum import EnumValue

E = TypeVar("E", bound=Enum)


def expose(enum: type[E], meanings: dict[E, str] | None = None, *, name: str | None = None) -> type[E]:
    """Make a domain's enum a GraphQL enum; annotate fields with the enum itself."""
    exposed = strawberry.enum(enum, name=name)
    definition = cast(Any, exposed).__strawberry_definition__  # the decorator's, which no type shows
    values: list[EnumValue] = definition.values
    for value in values:
        value.description = (meanings or {}).get(enum(value.value))
    return exposed
