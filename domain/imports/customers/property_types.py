"""Finds out the types of properties: of one that is defined, and of one that a file brings first."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson

from domain.customers import values
from domain.imports.cells import Parse, for_driver, typed
from domain.imports.values.dates import DateStyle
from domain.kit.errors import DomainError
from domain.kit.formulas import unprotected
from domain.kit.values import ValueType

_TYPES = list(ValueType)
_CANONICAL = re.compile(r"(?!-0$)-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?", re.ASCII)
# Numbers as short as this, sign and point included, are in a double as they are written.
_SURE_DIGITS = 15
_CODE = re.compile(r"0[0-9]+|[0-9]{16,300}", re.ASCII)


def as_type(kind: ValueType, dates: DateStyle, dialect: str) -> Parse:
    """Return a reading that gives a cell's value in its type's place, and behind all types what is staged of it."""
    parse, index = for_driver(kind, typed(kind, dates), dialect), _TYPES.index(kind)

    def read(cell: str) -> tuple[Any, ...] | None:
        if kind is ValueType.NUMBER:
            _refuse_code(cell.strip())
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
        if kind is ValueType.NUMBER and not _is_canonical(text):
            return None
        try:
            return parses[kind](text)
        except DomainError:
            return None

    def read(cell: str) -> tuple[Any, ...] | None:
        text = values.string(unprotected(cell))
        return None if text is None else _typed(read_as(kind, text) for kind in _TYPES)

    return read


def _is_canonical(text: str) -> bool:
    """Return whether a number would be shown as this text again: 02134, 1e5, 1.10 and card numbers are none."""
    return _CANONICAL.fullmatch(text) is not None and len(text) <= _SURE_DIGITS


def _refuse_code(text: str) -> None:
    """Raise DomainError for what a number would change, such as 02134: the type may have been guessed."""
    if _CODE.fullmatch(text) and (text.startswith("0") or int(text) != int(float(text))):
        shown = repr(text if len(text) <= 60 else f"{text[:57]}...")
        raise DomainError(f"{shown} would change as a number, which the property's values are: give it another key")


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
