"""Reads rows of orders: each names an order, and an item of it or none."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import orjson

from domain.consents.suppressions import address_hash, external_id_hash
from domain.customers import values
from domain.imports.cells import SHOWN, FileColumn, Parse, UnreadableCell, cached, for_driver, from_text, readable
from domain.imports.copy import key_of
from domain.imports.format import ImportKey, StagedRows
from domain.imports.model import Progress
from domain.imports.style import FileStyle
from domain.imports.values.dates import DateStyle, moment
from domain.imports.values.numbers import amount
from domain.imports.values.phones import phone
from domain.imports.values.text import identifier, tags
from domain.kit.db.types import MONEY_SCALE
from domain.kit.errors import DomainError
from domain.kit.values import ValueType, check_years
from domain.operations.model import Problem, ProblemOutcome
from domain.orders import model

CUSTOMER_COLUMNS = ("customer_external_id", "customer_email", "customer_phone")
STATE_COLUMNS = ("status", "payment_status", "delivery_status")
# What a row says of its order, as the staging table has it.
HEAD_COLUMNS = (
    *CUSTOMER_COLUMNS,
    "customer_name",
    "placed_at",
    *STATE_COLUMNS,
    "total",
    "currency",
    "coupon",
    "source",
    "campaign",
)
ITEM_COLUMNS = ("product", "name", "category", "brand", "department", "variant", "quantity", "price")
COLUMNS = ("order_id", *HEAD_COLUMNS, *ITEM_COLUMNS, "tags")
_MOST = float(model.MAX_AMOUNT * MONEY_SCALE)
_ORDER_ID, _FIRST_HEAD, _FIRST_ITEM = 0, 1, 1 + len(HEAD_COLUMNS)
_QUANTITY, _PRICE, _TOTAL, _CURRENCY = (COLUMNS.index(name) for name in ("quantity", "price", "total", "currency"))
STAGED = ("store_id", "operation_id", "row", "head", *COLUMNS)
_NOTHING_SAID = (None,) * len(HEAD_COLUMNS)


def parses(style: FileStyle, dialect: str) -> Mapping[str, Parse]:
    """Return the readings of the columns, by their names."""
    text = from_text(partial(values.text, longest=200))
    placed_at = partial(_placed_at, dates=style.dates("placed_at"))
    return {
        "order_id": identifier,
        "customer_external_id": identifier,
        "customer_email": values.email,
        "customer_phone": partial(phone, country=None, store_country=style.country),
        "customer_name": text,
        "placed_at": cached(for_driver(ValueType.DATETIME, placed_at, dialect)),
        **dict.fromkeys(STATE_COLUMNS, cached(model.normalize_status)),
        "total": cached(_units),
        "currency": cached(model.currency_code),
        "coupon": cached(from_text(partial(values.text, longest=100))),
        "source": cached(from_text(partial(values.text, longest=64))),
        "campaign": cached(from_text(partial(values.text, longest=64))),
        **{name: cached(text) for name in ITEM_COLUMNS},
        "quantity": cached(_quantity),
        "price": cached(_units),
        "tags": cached(_tags),
    }


class OrderReader:
    """Reads the rows of one file; those of one order are one order, wherever they stand.

    What a row leaves empty it does not say. Of a piece of the file, the first row of an order has all that its rows
    say of it, and the last word where they differ.
    """

    def __init__(self, key: ImportKey, progress: Progress, style: FileStyle, dialect: str) -> None:
        self.property_types: dict[str, list[str]] = {}
        self._store_id, self._operation_key = key.store_id, key_of(key.operation_id, dialect)
        self._suppression_key = key.suppression_key
        names = progress.columns
        self._heads = dict(zip(names, progress.heads or names, strict=True))
        self.date_columns = {"placed_at": names.index("placed_at")} if "placed_at" in names else {}
        readings = parses(style, dialect)
        self._columns = [
            FileColumn(name, cell, COLUMNS.index(name), readings[name], self._heads[name])
            for cell, name in enumerate(names)
        ]
        self._steps = [(column.cell, column.slot, column.parse) for column in self._columns]
        self._currency_of = cached(_currency)
        self._cells = {column.name: column.cell for column in self._columns}

    def read(self, records: Iterable[tuple[int, list[str]]], part: int) -> StagedRows:
        """Return the rows to stage; the part is left out, for orders are merged by customer."""
        rows: list[list[Any]] = []
        heads: dict[str, list[Any]] = {}
        problems: list[Problem] = []
        for number, record in records:
            row = self._row(number, record, problems)
            if row is None:
                continue
            head = heads.setdefault(row[_ORDER_ID], row)
            is_head = head is row
            if not is_head:
                for slot in range(_FIRST_HEAD, _FIRST_ITEM):
                    if row[slot] is not None:
                        head[slot] = row[slot]
                row[_FIRST_HEAD:_FIRST_ITEM] = _NOTHING_SAID
                if row[_QUANTITY] is None:
                    continue
            rows.append(row)
            row += (number, int(is_head))
        keys = (self._store_id, self._operation_key)
        staged = [(*keys, *row[-2:], *row[:-2]) for row in rows]
        return StagedRows(STAGED, staged, problems)

    def _row(self, number: int, record: list[str], problems: list[Problem]) -> list[Any] | None:
        """Return what a row says, by slot. Add what is wrong with it; None when it cannot be told whose row it is."""
        row: list[Any] = [None] * len(COLUMNS)
        try:
            for cell, slot, parse in self._steps:
                if record[cell]:
                    row[slot] = parse(record[cell])
        except DomainError:
            unreadable = readable(record, self._columns, row)
        else:
            unreadable = []
        if row[_TOTAL] is not None and row[_CURRENCY] is None:
            row[_CURRENCY] = self._currency_of(record[self._cells["total"]])
        if row[_ORDER_ID] is None:
            problems.append(self._refused(number, record, unreadable))
            return None
        if any(value is not None for value in row[_FIRST_ITEM:]):
            quantity = row[_QUANTITY] = 1.0 if row[_QUANTITY] is None else row[_QUANTITY]
            price = row[_PRICE] = row[_PRICE] or 0
            if row[_TOTAL] is None and abs(quantity * price) > _MOST:
                message = f"times the quantity is more than an order may be: {model.MAX_AMOUNT:,} at most"
                problems.append(self._refusal(number, record, "price", message))
                return None
        if unreadable:
            subject = self._subject(record)
            problems += [cell.problem(number, subject) for cell in unreadable]
        return row

    def _refused(self, number: int, record: list[str], unreadable: Sequence[UnreadableCell]) -> Problem:
        """Return the problem of a row of which no order can be told."""
        for cell in unreadable:
            if cell.column.name == "order_id":
                return cell.problem(number, self._subject(record), refused="the row names no order")
        return self._refusal(number, record, "order_id", "is empty")

    def _refusal(self, number: int, record: list[str], column: str, message: str) -> Problem:
        cell = self._cells.get(column)
        value = None if cell is None else record[cell][:SHOWN]
        head, refused = self._heads.get(column, column), ProblemOutcome.ROW_REFUSED
        return Problem(number, f"{head}: {message}", self._subject(record), head, value, refused)

    def _subject(self, record: list[str]) -> bytes | None:
        """Return the hash of whose order a row is, as far as it says."""
        external_id, *addresses = (
            record[self._cells[name]].strip() if name in self._cells else "" for name in CUSTOMER_COLUMNS
        )
        if external_id:
            return external_id_hash(self._suppression_key, self._store_id, external_id)
        address = next(filter(None, addresses), None)
        return address_hash(self._suppression_key, self._store_id, address) if address else None


def _placed_at(cell: str, dates: DateStyle) -> datetime | None:
    placed_at = moment(cell, dates)
    return None if placed_at is None else check_years(placed_at)


def _amount(cell: str) -> Decimal | None:
    read = amount(cell)
    return None if read is None else model.parse_amount(read.value)


def _currency(cell: str) -> str | None:
    """Return the currency that stands beside an amount, as in NT$300."""
    read = amount(cell)
    return None if read is None else read.currency


def _units(cell: str) -> int | None:
    """Return an amount in ten-thousandths, as money is stored."""
    read = _amount(cell)
    return None if read is None else int((read * MONEY_SCALE).to_integral_value())


def _quantity(cell: str) -> float | None:
    read = _amount(cell)
    return None if read is None else float(read)


def _tags(cell: str) -> str | None:
    """Return the tags as a JSON list."""
    read = values.tags(tags(cell))
    return orjson.dumps(read).decode() if read else None
