"""Checks the first row of a file: which columns it has, and whether they suffice."""

from collections.abc import Sequence

from domain.customers import values
from domain.customers.fields import FIELDS
from domain.imports.model import ORDER_FIELDS, ImportKind
from domain.kit.errors import DomainError

_CUSTOMER_FIELDS = tuple(field.name for field in FIELDS if field.imported)
_PREFIXES = ("property.", "consent.", "contact.")
_ORDER_KEYS = ("order_id", "customer_external_id", "placed_at")


def check_header(header: Sequence[str], kind: ImportKind) -> list[str]:
    """Return the names of the file's columns. Raise DomainError with the first thing that is wrong with them."""
    names = [name.strip() for name in header]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise _refused(f"The column {repeated[0]!r} comes twice")
    if kind is ImportKind.ORDERS:
        return _orders_header(names)
    return _customers_header(names)


def _orders_header(names: list[str]) -> list[str]:
    _refuse_unknown([name for name in names if name not in ORDER_FIELDS], ORDER_FIELDS)
    missing = [name for name in _ORDER_KEYS if name not in names]
    if missing:
        raise _refused(f"The column {missing[0]!r} is missing: orders need {', '.join(_ORDER_KEYS)}")
    return names


def _customers_header(names: list[str]) -> list[str]:
    known = {*_CUSTOMER_FIELDS, "tags"}
    unknown = [name for name in names if name not in known and not name.startswith(_PREFIXES)]
    _refuse_unknown(unknown, (*_CUSTOMER_FIELDS, "tags", "property.KEY", "consent.CHANNEL", "contact.CHANNEL"))
    if "external_id" not in names and "email" not in names:
        raise _refused("Customers need a column external_id or email to be found by")
    for name in names:
        prefix, dot, key = name.partition(".")
        if dot:
            try:
                _ = values.property_key(key) if prefix == "property" else values.channel(key)
            except DomainError as error:
                raise _refused(f"The column {name!r}: {error.message}") from error
    return names


def _refuse_unknown(unknown: Sequence[str], allowed: Sequence[str]) -> None:
    if unknown:
        raise _refused(f"The column {unknown[0][:60]!r} is unknown: there are {', '.join(allowed)}")


def _refused(message: str) -> DomainError:
    return DomainError(message, field=("file",))
