"""What a report may show: every dimension of the catalogue whose value can be said of a customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, and_, func, literal_column, select, type_coerce
from sqlalchemy import cast as cast_to

from domain.customers.model import Consent
from domain.customers.tables import contacts, customer_facts, customer_properties, customer_tags, customers
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import array_value, in_array
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.lists.export.cells import Say, scaled, value_of
from domain.lists.export.files import Cell
from domain.segments.catalogue import Catalogue, DimensionEntry
from domain.segments.catalogue.entries import near
from domain.segments.sql.columns.values import Column, TextColumn
from domain.segments.sql.dimensions.child_rows import ChildValue, HasRows, RowCount, RowSum
from domain.segments.sql.dimensions.customer import (
    BlacklistSource,
    ConsentSource,
    CustomerColumn,
    DimensionSource,
    PropertySource,
    TagSource,
)
from domain.segments.sql.dimensions.ranked import RankedSource
from domain.segments.sql.scope import FilterScope

MOST = 100
# What the vendor took out of its report on 6 September 2023 (SL-48).
_WITHDRAWN = "messagecount"
_JOINED_BY = ";"


@dataclass(frozen=True, slots=True)
class Own:
    """A value on the customer's row, or on the row of their facts."""

    value: ColumnElement[Any]
    say: Say


@dataclass(frozen=True, slots=True)
class Others:
    """Values in rows of another table: `rows` gives customer and value; several are joined."""

    rows: Select[*tuple[Any, ...]]
    customer: ColumnElement[int]
    say: Say
    unsaid: Cell = None


Field: TypeAlias = Own | Others


def check_fields(catalogue: Catalogue, scope: FilterScope, wanted: Sequence[str]) -> list[Field]:
    """The fields by their names; refused with everything that is wrong with them."""
    if not wanted:
        raise DomainError("A report needs a field", field=("fields",), code=ErrorCode.REQUIRED)
    if len(wanted) > MOST:
        message = f"{len(wanted):,} fields: {MOST} at most"
        raise DomainError(message, field=("fields",), code=ErrorCode.LIMIT_EXCEEDED)
    found: list[Field] = []
    errors = ErrorCollector()
    for at, name in enumerate(wanted):
        with errors.under("fields", at):
            found.append(_field(catalogue, scope, name, again=name in wanted[:at]))
    errors.raise_any()
    return found


def exportable(catalogue: Catalogue, scope: FilterScope) -> list[DimensionEntry]:
    return [each for each in catalogue.dimensions.values() if field_of(each.source, scope) is not None]


def _field(catalogue: Catalogue, scope: FilterScope, name: str, *, again: bool) -> Field:
    if "".join(filter(str.isalpha, name.lower())) == _WITHDRAWN:
        raise DomainError("The message count is no longer part of reports")
    if again:
        raise DomainError(f"{name!r} is asked for twice")
    dimension = catalogue.dimensions.get(name)
    if dimension is None:
        message = f"There is no field {name[:100]!r}{near(name[:100], catalogue.dimensions)}"
        raise DomainError(message, code=ErrorCode.NOT_FOUND)
    field = field_of(dimension.source, scope)
    if field is None:
        raise DomainError(f"{name} can be asked for, and has no value that a report could show")
    return field


def field_of(source: DimensionSource, scope: FilterScope) -> Field | None:
    """How a dimension's value is read; None where it has none of its own."""
    found: Field | None = None
    match source:
        case RankedSource(inner):
            found = field_of(inner, scope)
        case CustomerColumn(column):
            value = value_of(column, scope)
            found = None if value is None else Own(*value)
        case BlacklistSource():
            found = Own(customers.c.blacklisted, bool)
        case TagSource():
            found = _each(customer_tags.c.customer_id, TextColumn(customer_tags.c.tag), scope)
        case ConsentSource(channel):
            consent = _each(
                contacts.c.customer_id, TextColumn(contacts.c.consent), scope, contacts.c.channel == channel
            )
            found = consent and replace(consent, unsaid=Consent.NOT_SUBSCRIBED.value)
        case PropertySource(property_id, _, column):
            here = customer_properties.c.property_id == property_id
            found = _each(customer_properties.c.customer_id, column, scope, here)
        case _:
            found = _of_kept(source, scope)
    return found


def _of_kept(source: DimensionSource, scope: FilterScope) -> Others | None:
    """What is kept in rows beside the customer's own, or how many of them there are."""
    found: Others | None = None
    match source:
        case ChildValue(kept, column):
            found = _each(kept.customer, column, scope, *kept.conditions(scope))
        case HasRows(kept):
            there = select(kept.customer, literal_column("1", Integer())).where(*kept.where(scope)).distinct()
            found = Others(there, kept.customer, bool, unsaid=False)
        case RowCount(kept):
            number = select(kept.customer, func.count()).where(*kept.where(scope)).group_by(kept.customer)
            found = Others(number, kept.customer, int, unsaid=0)
        case RowSum(kept, amount, scale):
            total = cast_to(func.sum(type_coerce(amount, BigInteger())), BigInteger)
            summed = select(kept.customer, total).where(*kept.where(scope)).group_by(kept.customer)
            found = Others(summed, kept.customer, lambda raw: scaled(raw, scale), unsaid=0)
        case _:
            pass
    return found


def _each(customer: Any, column: Column, scope: FilterScope, *where: ColumnElement[bool]) -> Others | None:
    value = value_of(column, scope)
    if value is None:
        return None
    shown, say = value
    rows = select(customer, shown).where(customer.table.c.store_id == scope.store_id, shown.is_not(None), *where)
    return Others(rows.distinct(), customer, say)


@dataclass(frozen=True, slots=True)
class Table:
    """Reads a report's rows for a few customers at a time."""

    scope: FilterScope
    fields: Sequence[Field]

    async def rows(self, tx: Transaction, ids: Sequence[int]) -> list[list[Cell]]:
        """A row for each of the customers who are not deleted (SL-47), in the order of their ids."""
        handed = {"ids": array_value(ids, tx.dialect)}
        own = (await tx.execute(self._own(tx.dialect), handed)).all()
        live: Mapping[int, AnyRow] = {row[0]: row for row in own}
        columns: list[Mapping[int, Cell]] = []
        place = 0
        for field in self.fields:
            if isinstance(field, Own):
                place += 1
                columns.append(_said(live, place, field.say))
            else:
                columns.append(await self._others(tx, field, handed))
        unsaid = [field.unsaid if isinstance(field, Others) else None for field in self.fields]
        return [
            [column.get(customer, empty) for column, empty in zip(columns, unsaid, strict=True)] for customer in live
        ]

    def _own(self, dialect: str) -> Select[*tuple[Any, ...]]:
        """All that is on the customers' own rows and on those of their facts, by one statement."""
        values = [field.value.label(f"value_{at}") for at, field in enumerate(self.fields) if isinstance(field, Own)]
        facts = and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id)
        found = select(customers.c.id, *values).select_from(customers.outerjoin(customer_facts, facts))
        asked = in_array(customers.c.id, "ids", dialect)
        live = (customers.c.store_id == self.scope.store_id, asked, customers.c.deleted_at.is_(None))
        return found.where(*live).order_by(customers.c.id)

    async def _others(self, tx: Transaction, field: Others, handed: Mapping[str, object]) -> dict[int, Cell]:
        asked = in_array(field.customer, "ids", tx.dialect)
        found: dict[int, Cell] = {}
        rows = field.rows.where(asked).order_by(field.customer, literal_column("2"))
        for customer, raw in await tx.execute(rows, handed):
            said = field.say(raw)
            found[customer] = self._joined(found[customer], said) if customer in found else said
        return found

    def _joined(self, first: Cell, second: Cell) -> str:
        return _JOINED_BY.join(self._text(each) for each in (first, second))

    def _text(self, value: Cell) -> str:
        if isinstance(value, datetime):
            return value.astimezone(ZoneInfo(self.scope.timezone)).isoformat()
        return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _said(live: Mapping[int, AnyRow], place: int, say: Say) -> dict[int, Cell]:
    return {customer: None if row[place] is None else say(row[place]) for customer, row in live.items()}
