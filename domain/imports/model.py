"""What a file may hold, and what is to be done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.customers import values
from domain.kit.errors import DomainError
from domain.kit.values import ValueType

PIECE = 1 << 20
MAX_PROBLEMS = 1_000


class ImportKind(StrEnum):
    CUSTOMERS = "customers"
    ORDERS = "orders"

    @property
    def job(self) -> str:
        return f"import.{self.value}"


FIELDS = (
    "external_id", "name", "email", "phone", "gender", "birthday", "locale", "country", "city", "source", "member",
    "tier", "tier_expires_on", "registered_at",
)  # fmt: skip
ORDER_FIELDS = (
    "order_id", "customer_external_id", "placed_at", "status", "total", "product", "name", "category", "brand",
    "quantity", "price",
)  # fmt: skip
_PREFIXES = ("property.", "consent.", "contact.")
_ORDER_KEYS = ("order_id", "customer_external_id", "placed_at")


def check_header(header: Sequence[str], kind: ImportKind) -> list[str]:
    """The file's columns; one error says what is wrong with them."""
    names = [name.strip() for name in header]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise _bad(f"the column {repeated[0]!r} comes twice")
    if kind is ImportKind.ORDERS:
        return _orders_header(names)
    return _customers_header(names)


def _orders_header(names: list[str]) -> list[str]:
    _refuse_unknown([name for name in names if name not in ORDER_FIELDS], ORDER_FIELDS)
    missing = [name for name in _ORDER_KEYS if name not in names]
    if missing:
        raise _bad(f"the column {missing[0]!r} is missing: orders need {', '.join(_ORDER_KEYS)}")
    return names


def _customers_header(names: list[str]) -> list[str]:
    known = {*FIELDS, "tags"}
    unknown = [name for name in names if name not in known and not name.startswith(_PREFIXES)]
    _refuse_unknown(unknown, (*FIELDS, "tags", "property.KEY", "consent.CHANNEL", "contact.CHANNEL"))
    if "external_id" not in names and "email" not in names:
        raise _bad("customers need a column external_id or email to be found by")
    for name in names:
        prefix, dot, rest = name.partition(".")
        if dot:
            _check_key(name, prefix, rest)
    return names


def _check_key(name: str, prefix: str, rest: str) -> None:
    try:
        _ = values.property_key(rest) if prefix == "property" else values.channel(rest)
    except DomainError as error:
        raise _bad(f"the column {name!r}: {error.message}") from error


def _refuse_unknown(unknown: Sequence[str], allowed: Sequence[str]) -> None:
    if unknown:
        raise _bad(f"the column {unknown[0][:60]!r} is unknown: there are {', '.join(allowed)}")


def _bad(message: str) -> DomainError:
    return DomainError(message, field=("file",))


class Phase(StrEnum):
    STAGE = "stage"
    MERGE = "merge"


@dataclass(slots=True)
class Progress:
    """How far an import is."""

    phase: Phase = Phase.STAGE
    # Where the next record begins, and which row of the file it is.
    piece: int = 1
    offset: int = 0
    row: int = 1
    bytes_done: int = 0
    columns: list[str] = field(default_factory=list[str])
    bad: int = 0
    # What the values of each undefined property can all be read as.
    types: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    part: int = 0
    merged_part: int = 0
    customer: str = ""
    merged: int = 0

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Progress":
        progress = cls(**kept)
        progress.phase = Phase(progress.phase)
        return progress


def inferred(candidates: Sequence[str]) -> ValueType:
    """The narrowest type that every value of a column has; no value has all of them."""
    if len(candidates) == len(ValueType):
        return ValueType.STRING
    order = (ValueType.BOOLEAN, ValueType.NUMBER, ValueType.DATE, ValueType.DATETIME)
    return next((kind for kind in order if kind in candidates), ValueType.STRING)
