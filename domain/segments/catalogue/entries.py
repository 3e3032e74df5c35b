"""The catalogue's entries: what a condition builder shows, and how each becomes SQL."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from domain.customers.model import ValueType
from domain.segments.conditions.customers import Source
from domain.segments.conditions.events import Events, Said
from domain.segments.conditions.logs import Log, Trait
from domain.segments.filters import Operator, Value

VALUES = 1_000
EVENT_TYPE = re.compile(r"[^\x00-\x1f\x7f`]{1,64}")
_EVENT_ATTRIBUTE = re.compile(r"[^\x00-\x1f\x7f\"\\`]{1,64}")

_PRESENCE = (Operator.IS_SET, Operator.IS_NOT_SET)
_EQUALITY = (Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN)
_ORDER = (Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.BETWEEN)
_RELATIVE = (Operator.WITHIN_LAST_DAYS, Operator.MORE_THAN_DAYS_AGO, Operator.WITHIN_NEXT_DAYS)
_TIMES = (Operator.EQ, Operator.NEQ, *_ORDER, Operator.BEFORE, Operator.AFTER, *_RELATIVE)

CHOICE = _EQUALITY
NUMBERS = (Operator.EQ, Operator.NEQ, *_ORDER)
TIMES = _TIMES
OPERATORS: Mapping[ValueType, tuple[Operator, ...]] = {
    ValueType.STRING: (
        *_EQUALITY,
        Operator.CONTAINS,
        Operator.NOT_CONTAINS,
        Operator.STARTS_WITH,
        Operator.ENDS_WITH,
        *_PRESENCE,
    ),
    ValueType.NUMBER: (*_EQUALITY, *_ORDER, *_PRESENCE),
    ValueType.BOOLEAN: (Operator.EQ, Operator.NEQ, *_PRESENCE),
    ValueType.DATE: (*_TIMES, Operator.MONTH_IN, Operator.ANNIVERSARY_IN_DAYS, *_PRESENCE),
    ValueType.DATETIME: (*_TIMES, *_PRESENCE),
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something with a value to compare. `closed`: no value but the options makes sense."""

    key: str
    label: str
    group: str
    type: ValueType
    operators: tuple[Operator, ...]
    options: tuple[Option, ...] | None = None
    closed: bool = False
    max_values: int = VALUES


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension(Entry):
    """A fact about the customer."""

    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute(Entry):
    """What `where` and `of` of a behavior may name."""

    trait: Trait


@dataclass(frozen=True, slots=True)
class Behavior:
    """Something that customers do. An open one takes any attribute: what its events say of themselves."""

    key: str
    label: str
    group: str
    attributes: tuple[Attribute, ...]
    log: Log
    open: bool = False

    def attribute(self, key: str, values: Sequence[object]) -> Attribute | None:
        known = next((each for each in self.attributes if each.key == key), None)
        return said(key, values) if known is None and self.open else known


def said(key: str, values: Sequence[object]) -> Attribute | None:
    """An attribute of an event, as the values that it is compared with tell its type."""
    if not _EVENT_ATTRIBUTE.fullmatch(key):
        return None
    kind = _type_of(values)
    return Attribute(
        key=key,
        label=key,
        group="event",
        type=kind or ValueType.STRING,
        operators=OPERATORS[kind] if kind else _PRESENCE,
        trait=Said(key, kind),
    )


def _type_of(values: Sequence[object]) -> ValueType | None:
    match values[:1]:
        case [bool()]:
            return ValueType.BOOLEAN
        case [int() | float()]:
            return ValueType.NUMBER
        case []:
            return None
        case _:
            return ValueType.STRING


@dataclass(frozen=True, slots=True)
class Catalogue:
    dimensions: Mapping[str, Dimension]
    behaviors: Mapping[str, Behavior] = field(default_factory=dict[str, Behavior])

    def behavior(self, key: str) -> Behavior | None:
        """The behavior of that key; any other name is an event's type, whether one was seen or not."""
        known = self.behaviors.get(key)
        return custom_event(key) if known is None and EVENT_TYPE.fullmatch(key) and key.strip() == key else known


def custom_event(key: str) -> Behavior:
    return Behavior(key, key, "event", (), Events(key), open=True)


def near(key: str, known: Iterable[str]) -> str:
    """The names that were perhaps meant, as a sentence's end."""
    close = get_close_matches(key, list(known), n=3)
    return f": did you mean {' or '.join(close)}?" if close else ""


def is_value(entry: Entry, value: Value) -> bool:
    return not entry.closed or entry.options is None or any(option.value == value for option in entry.options)
