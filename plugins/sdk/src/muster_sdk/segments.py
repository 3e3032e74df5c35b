"""What a plugin adds to the questions that segments may ask: declared, never in SQL."""

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
    """The type of a value: it decides the operators."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATETIME = "DATETIME"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that is offered, and how people call it."""

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
    """What the customer's latest event of this type says of itself under `attribute`; not a DATETIME."""

    event: str
    attribute: str


@dataclass(frozen=True, slots=True)
class EventCount:
    """How many events of this type the customer has: of all time, or in the last `days`. A NUMBER."""

    event: str
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """A fact about the customer.

    `key` names it in filters: lower-case letters, digits and _, parts divided by dots, 64 characters at most.
    `group` is where a condition builder lists it. `choices` are offered; where `closed`, no other value is taken.
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
    """What events of a behavior say of themselves under `key`; not a DATETIME."""

    key: str
    label: str
    kind: ValueKind = ValueKind.TEXT
    choices: Sequence[Choice] = ()


@dataclass(frozen=True, slots=True)
class Behavior:
    """Something that customers do: events of the type `event`, as `eventsTrack` takes them."""

    event: str
    label: str
    group: str
    attributes: Sequence[EventAttribute] = ()
