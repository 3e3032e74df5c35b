"""Reads rows of orders: each names an order, and an item of it or none."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from domain.customers import values
from domain.imports.cells import FileColumn, Parse, cached, cell_errors, check_width, for_driver
from domain.imports.model import ORDER_FIELDS
from domain.imports.tables import import_orders
from domain.kit.db.types import MONEY_SCALE
from domain.kit.errors import DomainError
from domain.kit.values import ValueType
from domain.operations.model import Problem
from domain.orders import model

_ORDER, _CUSTOMER, _PLACED, _STATUS, _TOTAL, *_ITEM = range(len(ORDER_FIELDS))
_QUANTITY, _PRICE = _ITEM[-2:]
_KEYS = ((_ORDER, "order_id"), (_CUSTOMER, "customer_external_id"), (_PLACED, "placed_at"))
Tables = dict[Any, tuple[list[str], list[tuple[Any, ...]]]]


class OrderRows:
    def __init__(self, names: Sequence[str], dialect: str) -> None:
        self._width = len(names)
        self._columns = [
            FileColumn(name, cell, ORDER_FIELDS.index(name), _check(name, dialect)) for cell, name in enumerate(names)
        ]
        self._steps = [(column.cell, column.slot, column.parse) for column in self._columns]

    def read(self, rows: Iterable[tuple[int, list[str]]]) -> tuple[list[tuple[int, list[Any]]], list[Problem]]:
        found: list[tuple[int, list[Any]]] = []
        problems: list[Problem] = []
        for number, record in rows:
            if record:
                try:
                    found.append((number, self._read(record)))
                except DomainError as error:
                    problems.append(Problem(number, error.message))
        return found, problems

    def _read(self, record: list[str]) -> list[Any]:
        check_width(record, self._width)
        row: list[Any] = [None] * len(ORDER_FIELDS)
        try:
            for cell, slot, check in self._steps:
                if record[cell]:
                    row[slot] = check(record[cell])
        except DomainError as error:
            raise DomainError(cell_errors(record, self._columns)) from error
        for slot, name in _KEYS:
            if row[slot] is None:
                raise DomainError(f"{name} is empty")
        return row

    def staged(self, found: Iterable[tuple[int, list[Any]]], keys: tuple[int, str | bytes | UUID, int]) -> Tables:
        store_id, operation_id, _ = keys
        rows: list[tuple[Any, ...]] = []
        for number, row in found:
            order_id, customer, placed_at, status, total, *item = row
            status = status or model.DEFAULT_STATUS
            if item != [None] * len(item):
                item[-2:] = [1.0 if item[-2] is None else item[-2], item[-1] or 0]
            own = (store_id, operation_id, customer, order_id, number, placed_at, status)
            rows.append((*own, int(model.counts(status)), total, *item))
        return {import_orders: (import_orders.c.keys(), rows)}


def _check(name: str, dialect: str) -> Parse:
    if name == "placed_at":
        return cached(for_driver(ValueType.DATETIME, values.instant, dialect))
    if name == "status":
        return cached(model.status)
    if name in {"total", "price"}:
        return cached(_units)
    if name == "quantity":
        return cached(_quantity)
    text = partial(values.text, longest=200)
    return text if name in {"order_id", "customer_external_id"} else cached(text)


def _units(cell: str) -> int | None:
    return int((model.amount(cell) * MONEY_SCALE).to_integral_value()) if cell.strip() else None


def _quantity(cell: str) -> float | None:
    return float(model.amount(cell)) if cell.strip() else None
