"""Scalars: strict in what they accept, uniform in what they answer."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import ValueNode
from graphql.language import FloatValueNode, IntValueNode, StringValueNode
from strawberry.types.scalar import ScalarDefinition

from api.graphql.kit.errors import bad_input
from api.graphql.kit.json_types import is_array, is_object
from api.graphql.kit.upload import Upload

JSON = NewType("JSON", object)

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def parse_instant(value: object) -> datetime:
    advice = "write an instant with its offset, such as 2026-07-01T09:00:00+08:00"
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise bad_input(f"{_show(value)} is no DateTime: {advice}")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_input(f"{_show(value)} is not on the calendar: {advice}") from None


def print_instant(value: datetime) -> str:
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat()[:-6] + "Z"


def parse_day(value: object) -> date:
    advice = "write a day such as 2026-07-01"
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise bad_input(f"{_show(value)} is no Date: {advice}")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise bad_input(f"{_show(value)} is not on the calendar: {advice}") from None


def parse_decimal(value: object) -> Decimal:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise bad_input(f'{_show(value)} is no Decimal: write an exact number as a string, such as "19.90"')
    return Decimal(text)


def parse_decimal_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> Decimal:
    if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
        return parse_decimal(node.value)
    return parse_decimal(None)


def print_decimal(value: Decimal) -> str:
    return format(value, "f")


def parse_json(value: object) -> object:
    """Return the value. Raise BAD_USER_INPUT for numbers beyond 64 bits, which not every client can hold."""
    pending = [value]
    while pending:
        item = pending.pop()
        if is_object(item):
            pending.extend(item.values())
        elif is_array(item):
            pending.extend(item)
        elif isinstance(item, int) and not _SMALLEST <= item <= _LARGEST:
            raise bad_input(f"The number {_show(item)} has more than 64 bits: write it as a string")
        elif isinstance(item, float) and item - item != 0:
            raise bad_input("JSON has no infinite number")
    return value


def parse_upload(value: object) -> Upload:
    if not isinstance(value, Upload):
        raise bad_input("A file is sent as a part of a multipart request, its variable null in `operations`")
    return value


def _never(_value: object) -> object:
    raise TypeError("an Upload is never answered")


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant, ISO 8601 with an offset; always answered in UTC.",
        serialize=print_instant,
        parse_value=parse_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day, ISO 8601.",
        serialize=date.isoformat,
        parse_value=parse_day,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact decimal number, as a string.",
        serialize=print_decimal,
        parse_value=parse_decimal,
        parse_literal=parse_decimal_literal,
    ),
    JSON: strawberry.scalar(
        name="JSON", description="Any JSON value.", serialize=lambda value: value, parse_value=parse_json
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file of a multipart request (GraphQL multipart request specification).",
        serialize=_never,
        parse_value=parse_upload,
    ),
}
