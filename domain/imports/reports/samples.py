"""Shows staged rows as their fields were read."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import orjson
from sqlalchemy import Boolean, Table
from sqlalchemy.types import TypeEngine

from domain.imports.format import StagedRows
from domain.imports.reports.model import SampleRow
from domain.kit.db.types import MONEY_SCALE, Instant, Money
from domain.kit.values import ValueType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEYS = frozenset({"store_id", "operation_id", "part", "row", "counted", "head", "folded_name"})
_MOST_FIELDS = 100
_LONGEST = 200


def samples_of(staged: StagedRows, table: Table, most: int) -> list[SampleRow]:
    """Return the first rows, at most so many, each with the fields that are not empty; long texts are cut."""
    samples: list[SampleRow] = []
    for values in staged.rows[:most]:
        cells = dict(zip(staged.columns, values, strict=True))
        fields: dict[str, object] = {}
        for name, value in cells.items():
            if value is not None and name not in _KEYS:
                fields.update(_fields(name, value, table.c[name].type))
        shown = list(fields.items())[:_MOST_FIELDS]
        samples.append(SampleRow(int(cells["row"]), {name: _short(value) for name, value in shown}))
    return samples


def _fields(name: str, value: Any, column_type: TypeEngine[Any]) -> Mapping[str, object]:
    """Return the fields that a staged value holds, under the names that columns of files have."""
    match name:
        case "tags":
            # Of customers they are objects, of items of orders just texts.
            shown: object = [_tag(item) for item in orjson.loads(value)]
        case "properties":
            return {f"property.{item['key']}": _of_any_type(item) for item in orjson.loads(value)}
        case "contacts":
            return dict(_contact_fields(orjson.loads(value)))
        case "addresses":
            return dict(_address_fields(orjson.loads(value)))
        case "event":
            return dict(_event_fields(orjson.loads(value)))
        case _ if isinstance(column_type, Instant) and isinstance(value, int):
            shown = (_EPOCH + timedelta(microseconds=value)).isoformat()
        case _ if isinstance(column_type, Money):
            shown = str(Decimal(value) / MONEY_SCALE)
        case _:
            shown = bool(value) if isinstance(column_type, Boolean) else value
    return {name: shown}


def _tag(item: Mapping[str, object] | str) -> object:
    return item if isinstance(item, str) else item["tag"]


def _of_any_type(item: Mapping[str, object]) -> object:
    """Return a property's value; the text where its type is not known before the whole column is."""
    values = (item.get(kind.column) for kind in (ValueType.STRING, *ValueType))
    return next((value for value in values if value is not None), None)


def _contact_fields(contacts: Sequence[Mapping[str, object]]) -> Iterator[tuple[str, object]]:
    for contact in contacts:
        for name, part in (("consent", "consent"), ("contact", "address")):
            if contact.get(part) is not None:
                yield f"{name}.{contact['channel']}", contact[part]


def _address_fields(addresses: Sequence[Mapping[str, object]]) -> Iterator[tuple[str, object]]:
    for address in addresses:
        for name, value in address.items():
            if name != "position":
                yield f"address.{address['position']}.{name}", value


def _event_fields(event: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in event.items():
        if name != "attributes":
            yield name, value
    for name, value in event["attributes"].items():
        yield f"attributes.{name}", value


def _short(value: object) -> object:
    if isinstance(value, list):
        return [_short(item) for item in cast("list[object]", value)[:_MOST_FIELDS]]
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    return value
