"""Keyset pagination of a SQLAlchemy Core select, the same on SQLite and PostgreSQL."""

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, and_, false, literal, or_, tuple_

from api.graphql.kit.json_types import is_array

_VERSION = 1
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an ordering. NULLs are last, ascending or descending, unless `nulls_first`."""

    column: ColumnElement[Any]
    kind: type
    descending: bool = False
    nullable: bool = False
    nulls_first: bool = False

    def term(self, reverse: bool) -> ColumnElement[Any]:
        down = self.descending is not reverse
        term = self.column.desc() if down else self.column.asc()
        if not self.nullable:
            return term
        return term.nulls_first() if self.nulls_first is not reverse else term.nulls_last()

    def past(self, value: object, reverse: bool) -> ColumnElement[bool]:
        """Rows whose key comes later than `value` in this direction."""
        nulls_follow = self.nullable and self.nulls_first is reverse
        if value is None:
            return false() if nulls_follow else self.column.is_not(None)
        down = self.descending is not reverse
        beyond = self.column < value if down else self.column > value
        return or_(beyond, self.column.is_(None)) if nulls_follow else beyond

    def same(self, value: object) -> ColumnElement[bool]:
        return self.column.is_(None) if value is None else self.column == value


@dataclass(frozen=True, slots=True)
class Ordering:
    """Sort keys of which the last is unique. `name` distinguishes its cursors from those of other orderings.

    `indexed`: a condition that every row meets, and that a partial index of the keys asks for.
    """

    name: str
    keys: tuple[SortKey, ...]
    indexed: ColumnElement[bool] | None = None

    def past(self, values: Sequence[object], *, reverse: bool = False) -> ColumnElement[bool]:
        """Rows after those key values; before them in reverse."""
        first = self.keys[0]
        if all(not key.nullable and key.descending == first.descending for key in self.keys):
            # A comparison of rows is one range of an index; its expansion with OR is not, to either planner.
            columns = tuple_(*(key.column for key in self.keys))
            row = tuple_(*(literal(v, k.column.type) for k, v in zip(self.keys, values, strict=True)))
            return columns < row if first.descending is not reverse else columns > row
        steps: list[ColumnElement[bool]] = []
        for position, (key, value) in enumerate(zip(self.keys, values, strict=True)):
            level = [k.same(v) for k, v in zip(self.keys[:position], values, strict=False)]
            steps.append(and_(*level, key.past(value, reverse)))
        return or_(*steps)

    def apply(self, select: Select[Any], *, reverse: bool = False) -> Select[Any]:
        if self.indexed is not None:
            select = select.where(self.indexed)
        return select.order_by(None).order_by(*(key.term(reverse) for key in self.keys))

    def cursor(self, values: Sequence[object]) -> str:
        body = orjson.dumps([_VERSION, zlib.crc32(self.name.encode()), [_pack(v) for v in values]])
        return urlsafe_b64encode(body).rstrip(b"=").decode()

    def values(self, cursor: str) -> tuple[object, ...] | None:
        """Return the key values that a cursor holds, or None when it is none of this ordering's."""
        if len(cursor) > _LONGEST:
            return None
        try:
            body: object = orjson.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        except (binascii.Error, UnicodeError, orjson.JSONDecodeError):
            return None
        if not is_array(body) or body[:2] != [_VERSION, zlib.crc32(self.name.encode())] or len(body) != 3:
            return None
        return self._unpack(body[2]) if is_array(body[2]) else None

    def _unpack(self, packed: list[object]) -> tuple[object, ...] | None:
        if len(packed) != len(self.keys):
            return None
        try:
            values = tuple(_unpack(p) for p in packed)
        except (ValueError, TypeError, ArithmeticError):
            return None
        # A forged cursor must not reach the database: it may hold values that cannot be compared with the columns.
        for key, value in zip(self.keys, values, strict=True):
            is_text_with_nul = isinstance(value, str) and "\0" in value
            is_too_large = isinstance(value, int) and not -(2**63) <= value < 2**63
            fits = key.nullable if value is None else type(value) is key.kind
            if is_text_with_nul or is_too_large or not fits:
                return None
        return values


def newest(name: str, id_column: ColumnElement[UUID]) -> Ordering:
    """Return the order of rows whose UUIDs follow the time of their creation."""
    return Ordering(f"{name}.newest", (SortKey(id_column, UUID, descending=True),))


def _pack(value: object) -> object:
    match value:
        case datetime():
            return ["t", value.astimezone(UTC).isoformat()]
        case date():
            return ["d", value.isoformat()]
        case Decimal():
            return ["n", str(value)]
        case UUID():
            return ["u", value.hex]
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} is no sort key")


def _unpack(packed: object) -> object:
    match packed:
        case ["t", str(text)]:
            return datetime.fromisoformat(text).astimezone(UTC)
        case ["d", str(text)]:
            return date.fromisoformat(text)
        case ["n", str(text)]:
            number = Decimal(text)
            if not number.is_finite() or abs(number) >= 2**49:
                raise ValueError("out of range")
            return number
        case ["u", str(text)]:
            return UUID(hex=text)
        case None | bool() | int() | float() | str():
            return packed
        case _:
            raise ValueError("no sort key")
