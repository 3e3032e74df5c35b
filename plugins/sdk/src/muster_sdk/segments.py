"""Dimensions and behaviors that a plugin adds to segments: declared, never in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Behavior",
    "Choice",
    "Dimension",
    "EventAttribute",
    "EventCount",
    "LatestEvent",
    "PropertyValue",
    "ValueKind",
]


class ValueKind(StrEnum):
    """The type of a value. It decides the operators."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATETIME = "DATETIME"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that is offered, and its name for people."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class PropertyValue:
    """The customer's value of the custom property of this key.

    Stores that have no such property, or one of another type, are not offered the dimension.
    """

    key: str


@dataclass(frozen=True, slots=True)
class LatestEvent:
    """The value of `attribute` in the customer's latest event of this type; not a DATETIME."""

    event: str
    attribute: str


@dataclass(frozen=True, slots=True)
class EventCount:
    """The number of the customer's events of this type: of all time, or in the last `days`. A NUMBER."""

    event: str
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """A fact about the customer.

    `key` names it in filters: lower-case letters, digits and _, parts divided by dots, 64 characters at most.
    `group` is the heading under which a condition builder lists it. `choices` are offered; where `closed`, other
    values are refused.
    """

    key: str
    label: str
    group: str
    kind: ValueKind
    reads: PropertyValue | LatestEvent | EventCount
    choices: Sequence[Choice] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class EventAttribute:
    """An attribute of a behavior's events, by its `key`; not a DATETIME."""

    key: str
    label: str
    kind: ValueKind = ValueKind.TEXT
    choices: Sequence[Choice] = ()


@dataclass(frozen=True, slots=True)
class Behavior:
    """Something that customers do: events of the type `event`, as `eventsTrack` accepts them."""

    event: str
    label: str
    group: str
    attributes: Sequence[EventAttribute] = ()
