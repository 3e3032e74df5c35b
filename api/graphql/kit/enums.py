"""Enums of the domain, exposed in the schema with a description of each value."""

from enum import Enum
from typing import Any, TypeVar, cast

import strawberry
from strawberry.types.enum import EnumValue

from domain.kit.values import ValueType
from domain.segments.filters import Operator

# Those that several topics show are exposed here, and imported from here.
__all__ = ["Operator", "ValueType", "expose"]

E = TypeVar("E", bound=Enum)


def expose(enum: type[E], meanings: dict[E, str] | None = None, *, name: str | None = None) -> type[E]:
    """Make a domain's enum a GraphQL enum; annotate fields with the enum itself."""
    exposed = strawberry.enum(enum, name=name)
    definition = cast(Any, exposed).__strawberry_definition__  # the decorator's, which no type shows
    values: list[EnumValue] = definition.values
    for value in values:
        value.description = (meanings or {}).get(enum(value.value))
    return exposed


expose(ValueType)
expose(
    Operator,
    {
        Operator.BETWEEN: "Both ends included.",
        Operator.WITHIN_LAST_DAYS: "The last N days, now included.",
        Operator.MORE_THAN_DAYS_AGO: "Longer ago than N days.",
        Operator.WITHIN_NEXT_DAYS: "The coming N days.",
        Operator.IN_DAYS: "The day exactly N days ahead: today is 0 days away.",
        Operator.MONTH_IN: "The month of a date (1 to 12), whatever the year.",
        Operator.ANNIVERSARY_IN_DAYS: "The day of a date, whatever the year: today's is 0 days away.",
        Operator.NEQ: "The opposite of EQ: a missing value is different from every value.",
        Operator.NOT_IN: "The opposite of IN: a missing value is none of them.",
    },
)
