"""Explain where a query cannot be read, and what was expected there."""

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
    """Return line, column, the text there, and what might have been."""
    token: str | None
    if isinstance(unexpected, UnexpectedToken):
        unexpected_token = cast("Any", unexpected).token
        token = None if unexpected_token.type == "$END" else str(unexpected_token)
        terminals: Iterable[str] = unexpected.accepts or unexpected.expected
    else:
        assert isinstance(unexpected, UnexpectedCharacters)
        token, terminals = str(cast("Any", unexpected).char), unexpected.allowed
    words = sorted({_WORDS.get(name, name.strip("_").lower().replace("_", " ")) for name in terminals})
    expected = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    if token is None:
        lines = text.split("\n")
        line, column, actual = len(lines), len(lines[-1]) + 1, "the end of the query"
    else:
        line, column, actual = unexpected.line, unexpected.column, repr(token[:40])
    return f"Line {line}, column {column}: found {actual} where {expected} was expected"
