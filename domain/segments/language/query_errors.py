"""Says what was expected where a query cannot be read on."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

_WORDS: Mapping[str, str] = {
    "NAME": "a name such as tag or order.count",
    "QUOTED": "a name such as tag or order.count",
    "STRING": 'a value such as "VIP"',
    "NUMBER": "a number",
    "DATE": "a day such as 2026-07-01",
    "MOMENT": "a day such as 2026-07-01",
    "TRUE": "true",
    "FALSE": "false",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "$END": "the end",
    "EQ": "=",
    "NEQ": "!=",
    "LT": "<",
    "LTE": "<=",
    "GT": ">",
    "GTE": ">=",
    "MONTH_IN": "month in",
    "ANNIVERSARY_IN_DAYS": "anniversary in",
    "WITHIN_LAST_DAYS": "within last",
    "WITHIN_NEXT_DAYS": "within next",
    "IN_DAYS": "exactly in",
    "MORE_THAN_DAYS_AGO": "more than",
}


def expectation(unexpected: UnexpectedInput, text: str) -> str:
    """Line, column, what was found there, and what might have been."""
    if isinstance(unexpected, UnexpectedToken):
        token = cast("Any", unexpected).token
        found = None if token.type == "$END" else str(token)
        expected: Iterable[str] = unexpected.accepts or unexpected.expected
    else:
        assert isinstance(unexpected, UnexpectedCharacters)
        char = cast("Any", unexpected).char
        found, expected = str(char), unexpected.allowed
    line, column = _end(text) if found is None else (unexpected.line, unexpected.column)
    shown = "the end of the query" if found is None else repr(found[:40])
    return f"Line {line}, column {column}: found {shown} where {_one_of(expected)} was expected"


def _end(text: str) -> tuple[int, int]:
    lines = text.split("\n")
    return len(lines), len(lines[-1]) + 1


def _one_of(terminals: Iterable[str]) -> str:
    words = sorted({_WORDS.get(name, name.strip("_").lower().replace("_", " ")) for name in terminals})
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
