"""Finds out the types of properties: of one that is defined, and of one that a file brings first."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson

from domain.customers import values
from domain.imports.cells import Parse, for_driver
from domain.kit.errors import DomainError
from domain.kit.values import ValueType

_TYPES = list(ValueType)


def as_type(kind: ValueType, dialect: str) -> Parse:
    """Return a reading that gives a cell's value in its type's place, and behind all types what is staged of it."""
    parse, index = for_driver(kind, values.READ[kind], dialect), _TYPES.index(kind)

    def read(cell: str) -> tuple[Any, ...] | None:
        value = parse(cell)
        if value is None:
            return None
        return _typed([*[None] * index, value, *[None] * (len(_TYPES) - 1 - index)])

    return read


def as_any_type(dialect: str) -> Parse:
    """Return a reading that gives a cell's value in every type that it has."""
    parses = {kind: for_driver(kind, parse, dialect) for kind, parse in values.READ.items()}

    def read_as(kind: ValueType, text: str) -> Any:
        # A column of 0 and 1 is one of numbers.
        if kind is ValueType.BOOLEAN and text.lower() not in {"true", "false"}:
            return None
        try:
            return parses[kind](text)
        except DomainError:
            return None

    def read(cell: str) -> tuple[Any, ...] | None:
        text = values.string(cell)
        return None if text is None else _typed(read_as(kind, text) for kind in _TYPES)

    return read


def narrowed(candidates: Sequence[str], typed_values: Collection[tuple[Any, ...]]) -> list[str]:
    """Return those of the candidates that every value has; text is what remains when there is none."""
    indexes = [_TYPES.index(ValueType(kind)) for kind in candidates]
    common = [index for index in indexes if all(value[index] is not None for value in typed_values)]
    return [_TYPES[index].value for index in common] or [ValueType.STRING.value]


def inferred(candidates: Sequence[str]) -> ValueType:
    """Return the narrowest type that every value of a column has; a column without values has all of them."""
    if len(candidates) == len(ValueType):
        return ValueType.STRING
    order = (ValueType.BOOLEAN, ValueType.NUMBER, ValueType.DATE, ValueType.DATETIME)
    return next((kind for kind in order if kind in candidates), ValueType.STRING)


def _typed(by_type: Iterable[Any]) -> tuple[Any, ...]:
    """Return a value in each type that it has, and behind them the JSON that is staged of it, less its first brace."""
    typed = tuple(by_type)
    by_column = {kind.column: value for kind, value in zip(_TYPES, typed, strict=True) if value is not None}
    return (*typed, orjson.dumps(by_column).decode()[1:])
