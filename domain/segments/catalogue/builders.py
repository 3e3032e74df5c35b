"""Short ways to write entries of each type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from domain.kit.values import ValueType
from domain.segments.catalogue.entries import (
    CHOICE,
    FLAG,
    NUMBERS,
    OPERATORS,
    PRESENCE,
    AttributeEntry,
    CatalogueEntry,
    DimensionEntry,
    Option,
)
from domain.segments.filters import Operator
from domain.segments.sql.behaviors.base import EventField
from domain.segments.sql.columns.times import DayColumn, MomentColumn
from domain.segments.sql.columns.values import FlagColumn, TextColumn
from domain.segments.sql.dimensions.customer import CustomerColumn, DimensionSource

NUMBERS_OR_NONE = (*NUMBERS, *PRESENCE)


E = TypeVar("E", bound=CatalogueEntry)


def only(entry: E, operators: tuple[Operator, ...]) -> E:
    return replace(entry, operators=operators)


def choice(entry: E, labels: Mapping[str, str] | Mapping[int, str], *more: Operator) -> E:
    """Return the entry with the only values that it can have."""
    options = tuple(Option(value, label) for value, label in labels.items())
    return replace(entry, options=options, closed=True, operators=(*CHOICE, *more))


def suggested(entry: E, labels: Mapping[str, str]) -> E:
    """Return the entry with values that are known, among others that a store may have."""
    return replace(entry, options=tuple(Option(value, label) for value, label in labels.items()))


def spoken(values: Iterable[str]) -> dict[str, str]:
    """Return a label for each value: TO_BE_ENABLED is "To be enabled"."""
    return {str(value): value.replace("_", " ").capitalize() for value in values}


@dataclass(frozen=True, slots=True)
class Group:
    """A group of dimensions, as a builder lists them; `rules`: the conditions of the specification."""

    key: str

    def make(
        self, kind: ValueType, named: tuple[str, str], source: DimensionSource, rules: tuple[int, ...]
    ) -> DimensionEntry:
        key, label = named
        operators = OPERATORS[kind]
        return DimensionEntry(
            key=key, label=label, group=self.key, type=kind, operators=operators, source=source, rules=rules
        )

    def text(self, key: str, label: str, source: DimensionSource, *rules: int) -> DimensionEntry:
        return self.make(ValueType.STRING, (key, label), source, rules)

    def number(self, key: str, label: str, source: DimensionSource, *rules: int) -> DimensionEntry:
        """Return a number that every customer has, such as a sum or a count."""
        return only(self.make(ValueType.NUMBER, (key, label), source, rules), NUMBERS)

    def flag(self, key: str, label: str, source: DimensionSource, *rules: int) -> DimensionEntry:
        return only(self.make(ValueType.BOOLEAN, (key, label), source, rules), FLAG)

    def day(self, key: str, label: str, source: DimensionSource, *rules: int) -> DimensionEntry:
        return self.make(ValueType.DATE, (key, label), source, rules)

    def moment(self, key: str, label: str, source: DimensionSource, *rules: int) -> DimensionEntry:
        return self.make(ValueType.DATETIME, (key, label), source, rules)


def text_of(column: Any) -> CustomerColumn:
    return CustomerColumn(TextColumn(column))


def flag_of(column: Any) -> CustomerColumn:
    return CustomerColumn(FlagColumn(column))


def day_of(column: Any) -> CustomerColumn:
    return CustomerColumn(DayColumn(column))


def moment_of(column: Any) -> CustomerColumn:
    return CustomerColumn(MomentColumn(column))


def is_set(column: Any) -> CustomerColumn:
    return CustomerColumn(FlagColumn(column.is_not(None)))


def attribute(named: tuple[str, str], kind: ValueType, field: EventField, *rules: int) -> AttributeEntry:
    key, label = named
    return AttributeEntry(
        key=key, label=label, group="event", type=kind, operators=OPERATORS[kind], field=field, rules=rules
    )
