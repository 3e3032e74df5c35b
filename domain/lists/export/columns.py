"""The columns of a report: every dimension of the catalogue whose value can be shown, read a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import and_, literal_column, select

from domain.customers.tables import contacts, customer_facts, customers
from domain.imports.values.text import joined_tags
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.lists.export.files import Cell
from domain.segments.catalogue import Catalogue, DimensionEntry
from domain.segments.catalogue.entries import near
from domain.segments.sql.projections import ColumnValue, DimensionValue, RelatedValues
from domain.segments.sql.scope import FilterScope

MAX_FIELDS = 100
# What the vendor took out of its report on 6 September 2023 (SL-48).
_WITHDRAWN = "messagecount"
# A single tag is written as several are, for it may hold what separates them.
_TAGS = ("tag", "tag.manual", "tag.import", "tag.form", "tag.shop")


def check_fields(catalogue: Catalogue, scope: FilterScope, keys: Sequence[str]) -> list[DimensionValue]:
    """Return how the value of each dimension is read. Raise DomainErrors with all that is wrong."""
    if not keys:
        raise DomainError("A report needs a field", field=("fields",), code=ErrorCode.REQUIRED)
    if len(keys) > MAX_FIELDS:
        message = f"{len(keys):,} fields: {MAX_FIELDS} at most"
        raise DomainError(message, field=("fields",), code=ErrorCode.LIMIT_EXCEEDED)
    fields: list[DimensionValue] = []
    errors = ErrorCollector()
    for index, key in enumerate(keys):
        with errors.under("fields", index):
            if "".join(filter(str.isalpha, key.lower())) == _WITHDRAWN:
                raise DomainError("The message count is no longer part of reports")
            if key in keys[:index]:
                raise DomainError(f"The field {key!r} is asked for twice: once is enough")
            dimension = catalogue.dimensions.get(key)
            if dimension is None:
                message = f"There is no field {key[:100]!r}{near(key[:100], catalogue.dimensions)}"
                raise DomainError(message, code=ErrorCode.NOT_FOUND)
            value = _contact(key, scope) or dimension.source.value(scope)
            if value is None:
                raise DomainError(f"The field {key!r} can only be a condition: it has no value to show")
            fields.append(value)
    errors.raise_any()
    return fields


def _contact(key: str, scope: FilterScope) -> RelatedValues | None:
    """Return the address that a customer has on a channel, which a condition only asks for; None for another field."""
    kind, _, channel = key.partition(".")
    if kind != "contact":
        return None
    columns = contacts.c
    rows = select(columns.customer_id, columns.address).where(
        columns.store_id == scope.store_id, columns.channel == channel, columns.address.is_not(None)
    )
    return RelatedValues(rows, columns.customer_id, str)


def exportable(catalogue: Catalogue, scope: FilterScope) -> list[DimensionEntry]:
    """Return the dimensions that a report can show."""
    return [dimension for dimension in catalogue.dimensions.values() if dimension.source.value(scope) is not None]


@dataclass(frozen=True, slots=True)
class Table:
    """Reads a report's rows for a few customers at a time."""

    scope: FilterScope
    keys: Sequence[str]
    fields: Sequence[DimensionValue]

    async def rows(self, tx: Transaction, ids: Sequence[int]) -> list[list[Cell]]:
        """Return a row for each of the customers who are not deleted (SL-47), in the order of their ids."""
        parameters = {"ids": array_value(ids, tx.dialect)}
        # All that is on the customers' own rows and on those of their facts, by one statement.
        values = [
            field.expression.label(_label(index))
            for index, field in enumerate(self.fields)
            if isinstance(field, ColumnValue)
        ]
        facts = and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id)
        in_page = (customers.c.store_id == self.scope.store_id, in_array(customers.c.id, "ids", tx.dialect))
        live = select(customers.c.id.label("customer_id"), *values).where(*in_page, customers.c.deleted_at.is_(None))
        statement = live.select_from(customers.outerjoin(customer_facts, facts)).order_by(customers.c.id)
        customer_rows = (await tx.execute(statement, parameters)).mappings().all()
        columns: list[Mapping[int, Cell]] = []
        for index, field in enumerate(self.fields):
            if isinstance(field, RelatedValues):
                is_tags = self.keys[index] in _TAGS
                columns.append(await self._related(tx, field, parameters, is_tags=is_tags))
                continue
            raw_values = {row["customer_id"]: row[_label(index)] for row in customer_rows}
            columns.append({id_: None if raw is None else field.decode(raw) for id_, raw in raw_values.items()})
        defaults = [field.default if isinstance(field, RelatedValues) else None for field in self.fields]
        return [
            [column.get(row["customer_id"], default) for column, default in zip(columns, defaults, strict=True)]
            for row in customer_rows
        ]

    async def _related(
        self, tx: Transaction, field: RelatedValues, parameters: Mapping[str, object], *, is_tags: bool
    ) -> dict[int, Cell]:
        """Return each customer's value; several are one text, in the order of the values, as imports read tags."""
        in_page = in_array(field.customer, "ids", tx.dialect)
        values: dict[int, list[Cell]] = {}
        rows = field.rows.where(in_page).order_by(field.customer, literal_column("2"))
        for customer_id, raw in await tx.execute(rows, parameters):
            values.setdefault(customer_id, []).append(field.decode(raw))
        return {
            customer_id: several[0]
            if len(several) == 1 and not is_tags
            else joined_tags(self._text(value) for value in several)
            for customer_id, several in values.items()
        }

    def _text(self, value: Cell) -> str:
        if isinstance(value, datetime):
            return value.astimezone(ZoneInfo(self.scope.timezone)).isoformat()
        return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _label(index: int) -> str:
    return f"value_{index}"
