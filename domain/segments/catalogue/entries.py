"""The catalogue's entries: for a condition builder to show, and each with the source of its SQL."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from domain.kit.values import ValueType
from domain.segments.filters import ORDERED, Operator, Value
from domain.segments.sql.behaviors.base import BehaviorSource, EventField
from domain.segments.sql.dimensions.customer import DimensionSource

VALUES = 1_000

PRESENCE = (Operator.IS_SET, Operator.IS_NOT_SET)
CHOICE = (Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN)
FLAG = (Operator.EQ, Operator.NEQ)
_RELATIVE = (
    Operator.WITHIN_LAST_DAYS,
    Operator.MORE_THAN_DAYS_AGO,
    Operator.WITHIN_NEXT_DAYS,
    Operator.IN_DAYS,
)

NUMBERS = (*FLAG, *ORDERED)
TIMES = (*FLAG, *ORDERED, Operator.BEFORE, Operator.AFTER, *_RELATIVE)
OPERATORS: Mapping[ValueType, tuple[Operator, ...]] = {
    ValueType.STRING: (
        *CHOICE,
        Operator.CONTAINS,
        Operator.NOT_CONTAINS,
        Operator.STARTS_WITH,
        Operator.ENDS_WITH,
        *PRESENCE,
    ),
    ValueType.NUMBER: (*CHOICE, *ORDERED, *PRESENCE),
    ValueType.BOOLEAN: (*FLAG, *PRESENCE),
    ValueType.DATE: (*TIMES, Operator.MONTH_IN, Operator.ANNIVERSARY_IN_DAYS, *PRESENCE),
    ValueType.DATETIME: (*TIMES, *PRESENCE),
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str | int
    label: str


def anything(_: Value) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """Something with a value to compare."""

    key: str
    label: str
    group: str
    type: ValueType
    operators: tuple[Operator, ...]
    options: tuple[Option, ...] | None = None
    # No value but the options makes sense.
    closed: bool = False
    max_values: int = VALUES
    # Values from the lowest to the highest, where the store says which is which.
    ranks: tuple[str, ...] = ()
    # The type of what a value is the ID of, as the API writes it.
    refers_to: str | None = None
    # Returns why a value cannot be, as the end of a sentence.
    check: Callable[[Value], str | None] = anything
    # The conditions of the specification that it covers.
    rules: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionEntry(CatalogueEntry):
    """A fact about the customer."""

    source: DimensionSource


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeEntry(CatalogueEntry):
    """An attribute that `where` and `of` of a behavior may name."""

    field: EventField


Other = Callable[[str, Sequence[object]], AttributeEntry | None]
"""Makes an attribute that the catalogue does not list; the values that it is compared with give its type."""


@dataclass(frozen=True, slots=True)
class BehaviorEntry:
    """Something that customers do. An open one takes any attribute that its events carry."""

    key: str
    label: str
    group: str
    attributes: tuple[AttributeEntry, ...]
    source: BehaviorSource
    other: Other | None = None
    open: bool = False
    rules: tuple[int, ...] = ()

    def attribute(self, key: str, values: Sequence[object]) -> AttributeEntry | None:
        known = next((entry for entry in self.attributes if entry.key == key), None)
        return self.other(key, values) if known is None and self.other is not None else known


Named = Callable[[str], BehaviorEntry | None]
"""Makes a behavior that the catalogue does not list."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    dimensions: Mapping[str, DimensionEntry]
    behaviors: Mapping[str, BehaviorEntry]
    unlisted: Named = field(repr=False)

    def behavior(self, key: str) -> BehaviorEntry | None:
        """Return the behavior of that key: any name is an event's type, whether there are such events or not."""
        return self.behaviors.get(key) or self.unlisted(key)


def near(key: str, known: Iterable[str]) -> str:
    """Return the keys that were perhaps meant, as the end of a sentence."""
    close = get_close_matches(key, list(known), n=3)
    return f": did you mean {' or '.join(close)}?" if close else ""


def wrong_value(entry: CatalogueEntry, operator: Operator, value: Value) -> str | None:
    """Return why a value of the right type does not go with the entry, as the end of a sentence."""
    if operator in ORDERED and isinstance(value, str) and value not in entry.ranks:
        return f"has no rank in {entry.key}: choose of {', '.join(entry.ranks)}"
    if entry.closed and entry.options is not None and all(option.value != value for option in entry.options):
        return f"is no value of {entry.key}: choose of {', '.join(str(option.value) for option in entry.options)}"
    return entry.check(value)
