"""The dimensions that every store has, and those that its properties and channels add."""

from typing import Any

from sqlalchemy import ColumnElement

from domain.customers.model import Consent, Gender, PropertyDefinition, ValueType
from domain.customers.tables import customer_facts, customer_properties, customers
from domain.db.types import MONEY_SCALE
from domain.segments.catalogue.entries import CHOICE, NUMBERS, OPERATORS, Dimension, Option
from domain.segments.conditions.columns import (
    AgeColumn,
    Column,
    DayColumn,
    FlagColumn,
    MomentColumn,
    RealColumn,
    TextColumn,
    WholeColumn,
)
from domain.segments.conditions.customers import (
    Blacklisted,
    Consenting,
    CustomerColumn,
    CustomProperty,
    FactColumn,
    Tagged,
    email_domain,
)
from domain.segments.conditions.logs import AVERAGE_ORDER
from domain.segments.filters import Operator

NAMES = 25
EMAIL_DOMAINS = 50
_FLAG = (Operator.EQ, Operator.NEQ)
_RANGE = (*NUMBERS, Operator.IS_SET, Operator.IS_NOT_SET)


def _dimension(
    key: str, label: str, group: str, kind: ValueType, column: Column, *, facts: bool = False, **more: Any
) -> Dimension:
    source = FactColumn(column) if facts else CustomerColumn(column)
    values = {"operators": OPERATORS[kind], "source": source, **more}
    return Dimension(key=key, label=label, group=group, type=kind, **values)


def _is_set(column: ColumnElement[Any]) -> FlagColumn:
    return FlagColumn(column.is_not(None))


def _options(*values: str) -> tuple[Option, ...]:
    return tuple(Option(str(value), value.replace("_", " ").capitalize()) for value in values)


_c, _f = customers.c, customer_facts.c
_TEXT, _YES, _DAY, _TIME, _NUMBER = (
    ValueType.STRING,
    ValueType.BOOLEAN,
    ValueType.DATE,
    ValueType.DATETIME,
    ValueType.NUMBER,
)


EVERYWHERE: tuple[Dimension, ...] = (
    _dimension("name", "Name", "profile", _TEXT, TextColumn(_c.name), max_values=NAMES),
    _dimension("email", "E-mail address", "profile", _TEXT, TextColumn(_c.email, str.lower)),
    _dimension("has_email", "Has an e-mail address", "profile", _YES, _is_set(_c.email), operators=_FLAG),
    _dimension(
        "email_domain",
        "E-mail domain",
        "profile",
        _TEXT,
        TextColumn(email_domain(_c.email), str.lower),
        max_values=EMAIL_DOMAINS,
    ),
    _dimension("phone", "Phone number", "profile", _TEXT, TextColumn(_c.phone)),
    _dimension("has_phone", "Has a phone number", "profile", _YES, _is_set(_c.phone), operators=_FLAG),
    _dimension(
        "gender",
        "Gender",
        "profile",
        _TEXT,
        TextColumn(_c.gender),
        operators=(*CHOICE, Operator.IS_SET, Operator.IS_NOT_SET),
        options=_options(*Gender),
        closed=True,
    ),
    _dimension("birthday", "Birthday", "profile", _DAY, DayColumn(_c.birthday)),
    _dimension("age", "Age", "profile", _NUMBER, AgeColumn(_c.birthday), operators=_RANGE),
    _dimension("locale", "Language", "profile", _TEXT, TextColumn(_c.locale)),
    _dimension("country", "Country", "profile", _TEXT, TextColumn(_c.country, str.upper)),
    _dimension("city", "City", "profile", _TEXT, TextColumn(_c.city)),
    _dimension("source", "Source", "profile", _TEXT, TextColumn(_c.source)),
    _dimension("external_id", "Customer ID", "profile", _TEXT, TextColumn(_c.external_id)),
    _dimension("created_at", "Created", "profile", _TIME, MomentColumn(_c.created_at)),
    _dimension("registered_at", "Registered", "profile", _TIME, MomentColumn(_c.registered_at)),
    _dimension("member", "Member", "membership", _YES, FlagColumn(_c.member), operators=_FLAG),
    _dimension("tier", "Membership tier", "membership", _TEXT, TextColumn(_c.tier)),
    _dimension("tier_expires_on", "Membership expiry", "membership", _DAY, DayColumn(_c.tier_expires_on)),
    Dimension(
        key="blacklisted",
        label="Blacklisted",
        group="membership",
        type=_YES,
        operators=_FLAG,
        source=Blacklisted(),
    ),
    Dimension(key="tag", label="Tag", group="tags", type=_TEXT, operators=OPERATORS[_TEXT], source=Tagged()),
    _dimension(
        "order_count",
        "Number of orders",
        "purchase",
        _NUMBER,
        WholeColumn(_f.order_count),
        facts=True,
        operators=NUMBERS,
    ),
    _dimension(
        "total_spent",
        "Total spent",
        "purchase",
        _NUMBER,
        WholeColumn(_f.total_spent, MONEY_SCALE),
        facts=True,
        operators=NUMBERS,
    ),
    _dimension(
        "average_order_value", "Average order", "purchase", _NUMBER, AVERAGE_ORDER, facts=True, operators=_RANGE
    ),
    _dimension("first_order_at", "First order", "purchase", _TIME, MomentColumn(_f.first_order_at), facts=True),
    _dimension("last_order_at", "Last order", "purchase", _TIME, MomentColumn(_f.last_order_at), facts=True),
)


def consent(channel: str, label: str) -> Dimension:
    return Dimension(
        key=f"consent.{channel}",
        label=f"Consent: {label}",
        group="consent",
        type=_TEXT,
        operators=CHOICE,
        options=_options(*Consent),
        closed=True,
        source=Consenting(channel),
    )


def custom_property(definition: PropertyDefinition) -> Dimension:
    value = customer_properties.c[definition.type.column]
    return Dimension(
        key=f"property.{definition.key}",
        label=definition.label,
        group="property",
        type=definition.type,
        operators=OPERATORS[definition.type],
        source=CustomProperty(definition.id, value, _column(definition.type, value)),
    )


def _column(kind: ValueType, value: ColumnElement[Any]) -> Column:
    match kind:
        case ValueType.STRING:
            return TextColumn(value)
        case ValueType.NUMBER:
            return RealColumn(value)
        case ValueType.BOOLEAN:
            return FlagColumn(value)
        case ValueType.DATE:
            return DayColumn(value)
        case ValueType.DATETIME:
            return MomentColumn(value)
