"""Columns of postal addresses: `address.N.FIELD` of a customer's Nth, `address.FIELD` of the first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial

import orjson

from domain.customers.model import Address
from domain.customers.validation import ADDRESS_CHECKS, MAX_ADDRESSES
from domain.imports.cells import Parse, cached, either, from_text
from domain.imports.values import countries
from domain.imports.values.numbers import number
from domain.kit.errors import DomainError

ADDRESS_FIELDS = tuple(field.name for field in fields(Address))
_DEGREES = {"latitude", "longitude"}


def address_field(key: str) -> str | None:
    """Return the field of an address, such as `address.1.city` for `city`; None when there is none of this name.

    Raise DomainError for a number that no address has.
    """
    number, dot, name = key.partition(".")
    if not dot:
        number, name = "1", key
    if name not in ADDRESS_FIELDS:
        return None
    if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= MAX_ADDRESSES):
        raise DomainError(f"{number[:60]!r} is no address's number: 1 to {MAX_ADDRESSES}")
    return f"address.{int(number)}.{name}"


def address_parse(field: str) -> Parse:
    """Return the reading of a field's cells."""
    name = field.rpartition(".")[2]
    check = ADDRESS_CHECKS[name]
    if name in _DEGREES:
        return cached(partial(_degrees, check=check))
    return cached(either(check, countries.country) if name == "country" else from_text(check))


def _degrees(cell: str, check: Callable[[float], float]) -> float | None:
    read = number(cell)
    return None if read is None else check(float(read))


def addresses_json(row: Sequence[object], slots: Mapping[str, int]) -> str | None:
    """Return a row's addresses as a JSON list, each with its number and what the row says of it; None for none.

    `slots` are where the row has its fields.
    """
    addresses: dict[int, dict[str, object]] = {}
    for field, slot in slots.items():
        if row[slot] is not None:
            number, name = field.split(".")[1:]
            addresses.setdefault(int(number), {"position": int(number)})[name] = row[slot]
    return orjson.dumps(list(addresses.values())).decode() if addresses else None
