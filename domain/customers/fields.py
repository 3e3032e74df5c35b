"""The fields of a customer, each declared once: validation, rows, imports and templates follow from this table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import Column, String

from domain.customers import values
from domain.customers.model import AccountStatus, Gender
from domain.customers.tables import customers
from domain.kit.values import ValueType

# Its argument is a value of the field's own type.
Check = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that clients and files may set.

    Its name is that of the attributes of `Customer` and `CustomerChange`, of the column of `customers`, of the column
    of a data file and of the variable in templates. `check` cleans a value as the API takes it, `parse` one that is
    written as text; both raise DomainError.
    """

    name: str
    value_type: ValueType
    check: Check
    parse: Callable[[str], Any]
    choices: type[StrEnum] | None = None
    imported: bool = True
    in_templates: bool = True
    # Nearly every customer has another value: remembering how a text was read does not pay.
    distinct: bool = False

    @property
    def graphql_name(self) -> str:
        first, *words = self.name.split("_")
        return first + "".join(word.capitalize() for word in words)

    @property
    def column(self) -> Column[Any]:
        return customers.c[self.name]

    @property
    def required(self) -> bool:
        """Return whether a customer always has a value, so that null means false."""
        return not self.column.nullable


def _text(
    name: str,
    check: Callable[[str], str | None] | None = None,
    *,
    distinct: bool = False,
    in_templates: bool = True,
) -> Field:
    column_type = customers.c[name].type
    assert isinstance(column_type, String)
    check = check or partial(values.text, longest=column_type.length or 0)
    return Field(name, ValueType.STRING, check, check, distinct=distinct, in_templates=in_templates)


def _choice(name: str, choices: type[StrEnum]) -> Field:
    return Field(name, ValueType.STRING, _unchanged, partial(values.choice, choices=choices), choices)


def _flag(name: str) -> Field:
    return Field(name, ValueType.BOOLEAN, _unchanged, values.boolean)


def _day(name: str) -> Field:
    return Field(name, ValueType.DATE, _unchanged, values.day)


def _moment(name: str) -> Field:
    return Field(name, ValueType.DATETIME, values.in_utc, values.instant, distinct=True)


def _unchanged(value: bool | date | StrEnum) -> bool | date | StrEnum:
    """Return what the API's own types have checked already."""
    return value


FIELDS = (
    _text("external_id", distinct=True),
    _text("name", distinct=True),
    _text("first_name"),
    _text("last_name"),
    _text("company"),
    _text("email", values.email, distinct=True),
    _flag("email_verified"),
    # Validation and imports read a national number as one of the customer's country.
    _text("phone", partial(values.phone, country=None), distinct=True),
    _flag("phone_verified"),
    _choice("gender", Gender),
    _day("birthday"),
    _text("locale", values.locale),
    _text("country", values.country),
    _text("city"),
    _text("source"),
    _text("registered_from"),
    _text("registration_form"),
    _choice("account_status", AccountStatus),
    _flag("password_set"),
    _moment("last_login_at"),
    _text("preferred_channel", values.channel),
    # The store's own remarks about a customer, which no message repeats.
    _text("note", values.note, distinct=True, in_templates=False),
    _flag("member"),
    _text("tier"),
    _day("tier_expires_on"),
    _text("loyalty_rank"),
    _moment("registered_at"),
)
