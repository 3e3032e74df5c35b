"""Reads rows of orders: each names an order, and an item of it or none."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from domain.consents.suppressions import external_id_hash
from domain.customers import values
from domain.imports.cells import FileColumn, Parse, UnreadableCell, cached, for_driver, from_text, readable
from domain.imports.copy import key_of
from domain.imports.format import ImportKey, StagedRows
from domain.imports.model import Progress
from domain.imports.style import FileStyle
from domain.imports.values.dates import DateStyle, moment
from domain.imports.values.numbers import amount
from domain.imports.values.text import identifier
from domain.kit.db.types import MONEY_SCALE
from domain.kit.errors import DomainError
from domain.kit.values import ValueType, check_years
from domain.operations.model import Problem, ProblemOutcome
from domain.orders import model

REQUIRED = ("order_id", "customer_external_id", "placed_at")
ITEM_COLUMNS = ("product", "name", "category", "brand", "quantity", "price")
COLUMNS = (*REQUIRED, "status", "total", *ITEM_COLUMNS)
_MOST = float(model.MAX_AMOUNT * MONEY_SCALE)
_STAGED = (
    "store_id",
    "operation_id",
    "customer_external_id",
    "order_id",
    "row",
    "placed_at",
    "status",
    "counted",
    "total",
    *ITEM_COLUMNS,
)


class OrderReader:
    def __init__(self, key: ImportKey, progress: Progress, style: FileStyle, dialect: str) -> None:
        names = progress.columns
        self.property_types: dict[str, list[str]] = {}
        self._store_id, self._operation_key = key.store_id, key_of(key.operation_id, dialect)
        self._suppression_key = key.suppression_key
        self._customer_cell = names.index("customer_external_id")
        self.date_columns = {"placed_at": names.index("placed_at")}
        text = from_text(partial(values.text, longest=200))
        placed_at = partial(_placed_at, dates=style.dates("placed_at"))
        parses: dict[str, Parse] = {
            "order_id": identifier,
            "customer_external_id": identifier,
            "placed_at": cached(for_driver(ValueType.DATETIME, placed_at, dialect)),
            "status": cached(model.normalize_status),
            "total": cached(_units),
            "price": cached(_units),
            "quantity": cached(lambda cell: None if (read := _amount(cell)) is None else float(read)),
        }
        self._columns = [
            FileColumn(name, cell, COLUMNS.index(name), parses.get(name) or cached(text), name)
            for cell, name in enumerate(names)
        ]
        self._steps = [(column.cell, column.slot, column.parse) for column in self._columns]

    def read(self, records: Iterable[tuple[int, list[str]]], part: int) -> StagedRows:
        """Return a row for each record; the part is left out, for orders are merged by customer."""
        rows: list[tuple[Any, ...]] = []
        problems: list[Problem] = []
        for number, record in records:
            cells, unreadable = self._cells(record)
            message = "; ".join(f"{cell.column.header}: {cell.message}" for cell in unreadable)
            try:
                if not unreadable:
                    rows.append(self._row(number, cells))
            except DomainError as error:
                message = error.message
            if message:
                problems.append(Problem(number, message, self._subject(record), outcome=ProblemOutcome.ROW_REFUSED))
        return StagedRows(_STAGED, rows, problems)

    def _subject(self, record: list[str]) -> bytes | None:
        """Return the hash of whose order a row is that cannot be read, as far as it says."""
        external_id = record[self._customer_cell].strip() if self._customer_cell < len(record) else ""
        return external_id_hash(self._suppression_key, self._store_id, external_id) if external_id else None

    def _cells(self, record: list[str]) -> tuple[list[Any], list[UnreadableCell]]:
        row: list[Any] = [None] * len(COLUMNS)
        try:
            for cell, slot, parse in self._steps:
                if record[cell]:
                    row[slot] = parse(record[cell])
        except DomainError:
            return row, readable(record, self._columns, row)
        return row, []

    def _row(self, number: int, row: list[Any]) -> tuple[Any, ...]:
        for value, name in zip(row, REQUIRED, strict=False):
            if value is None:
                raise DomainError(f"{name}: is empty")
        order_id, customer, placed_at, status, total, *item = row
        status = status or model.DEFAULT_STATUS
        *facets, quantity, price = item
        if any(value is not None for value in item):
            quantity, price = 1.0 if quantity is None else quantity, price or 0
            if total is None and abs(quantity * price) > _MOST:
                raise DomainError(
                    f"price: times the quantity is more than an order may be: {model.MAX_AMOUNT:,} at most"
                )
            item = [*facets, quantity, price]
        counted = int(model.is_counted(status))
        return (
            self._store_id,
            self._operation_key,
            customer,
            order_id,
            number,
            placed_at,
            status,
            counted,
            total,
            *item,
        )


def _placed_at(cell: str, dates: DateStyle) -> datetime | None:
    placed_at = moment(cell, dates)
    return None if placed_at is None else check_years(placed_at)


def _amount(cell: str) -> Decimal | None:
    read = amount(cell)
    return None if read is None else model.parse_amount(read.value)


def _units(cell: str) -> int | None:
    """Return an amount in ten-thousandths, as money is stored."""
    read = _amount(cell)
    return None if read is None else int((read * MONEY_SCALE).to_integral_value())
