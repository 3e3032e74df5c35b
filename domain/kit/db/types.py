"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, String, Text, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from domain.kit.folded_text import FOLDED_LENGTH

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MONEY_SCALE = 10_000

# A text as `folded` makes it, in the order of its characters on both databases.
FOLDED = String(FOLDED_LENGTH).with_variant(String(FOLDED_LENGTH, collation="C"), "postgresql")


class Instant(TypeDecorator[datetime]):
    """A moment: timestamptz on PostgreSQL, microseconds since 1970 on SQLite; always UTC in Python."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        wide = DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger()
        return dialect.type_descriptor(wide)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name == "postgresql":
            return cast("datetime | None", value)
        return _EPOCH + timedelta(microseconds=value)


class Money(TypeDecorator[Decimal]):
    """An exact amount, stored in ten-thousandths as a 64-bit integer, so that sums are exact everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> int | None:
        return None if value is None else int((Decimal(value) * MONEY_SCALE).to_integral_value())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value) / MONEY_SCALE


class Id(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, 16 bytes on SQLite, ordered alike on both."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = Uuid() if dialect.name == "postgresql" else LargeBinary(16)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return value if value is None or dialect.name == "postgresql" else UUID(bytes=value)


class Json(TypeDecorator[object]):
    """A JSON value: jsonb on PostgreSQL, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = JSONB(none_as_null=True) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: object, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> object:
        if value is None or dialect.name == "postgresql":
            return cast("object", value)
        return cast("object", orjson.loads(value))
