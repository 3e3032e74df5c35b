"""Checks of the doctor, and how it asks a database for rows that are wrong."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, RowMapping, Select, Table, func, select

from api.doctor.findings import MAX_NAMED, Finding, printable
from api.wiring import Runtime
from domain.kit.db import Transaction

Rows = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class CheckScope:
    """The database, and the store, that a check looks at; store 0 stands for all of them."""

    runtime: Runtime
    dialect: str
    now: datetime
    store_id: int = 0


@dataclass(frozen=True, slots=True)
class WrongRows:
    """Rows that should not be there: a statement of their keys, None where the database cannot have such.

    `problem` follows their number: "orders of no customer".
    """

    problem: str
    rows: Callable[[CheckScope], Rows | None]
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """A look that takes more than a statement; `tables` are those that it compares."""

    find: Callable[[Transaction, CheckScope], Awaitable[Sequence[Finding]]]
    tables: Sequence[Table] = ()


Part = WrongRows | Examination


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name. `subject` says that all is well, `advice` what to do when it is not."""

    name: str
    subject: str
    advice: str


@dataclass(frozen=True, slots=True)
class ProcessCheck(Check):
    """A check of settings, files and services, which works without a database."""

    look: Callable[[Runtime], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class DataCheck(Check):
    """A check of the database: each part is looked at by itself, of all stores together or of each."""

    parts: Sequence[Part]
    each_store: bool = False


async def find(tx: Transaction, scope: CheckScope, part: Part) -> Sequence[Finding]:
    """Return what a part of a check finds."""
    if isinstance(part, Examination):
        return await part.find(tx, scope)
    rows = part.rows(scope)
    if rows is None:
        return ()
    found = await (wrong_rows(tx, rows) if scope.store_id else wrong_rows_of_all_stores(tx, rows))
    return found_rows(part.problem, found, scope, warning=part.warning)


def found_rows(
    problem: str, found: Sequence[RowMapping], scope: CheckScope, *, warning: bool = False
) -> Sequence[Finding]:
    """Return the finding of what `wrong_rows` has found."""
    if not found:
        return ()
    return (Finding(problem, scope.store_id or None, tuple(map(row_name, found)), found[0]["total_rows"], warning),)


async def wrong_rows(tx: Transaction, rows: Rows) -> Sequence[RowMapping]:
    """Return the first of a store's rows that a statement gives, each with the number of all in `total_rows`."""
    return (await tx.execute(_first_of(rows))).mappings().all()


async def wrong_rows_of_all_stores(tx: Transaction, rows: Rows) -> Sequence[RowMapping]:
    """Return the first of the rows of whichever store, each with the number of all in `total_rows`."""
    return (await tx.execute(_first_of(rows))).mappings().all()


def row_name(row: RowMapping) -> str:
    """Return a row by its key: "customer_id=7 id='o1'"."""
    return " ".join(f"{name}={_value(value)}" for name, value in row.items() if name != "total_rows")


def _first_of(rows: Rows) -> Rows:
    # Apart from the limit: PostgreSQL would expect to end soon, and go through an index row by row.
    wrong = rows.cte("wrong").prefix_with("MATERIALIZED")
    total = select(func.count()).select_from(wrong).scalar_subquery()
    first = select(wrong, total.label("total_rows"))
    return first.order_by(*wrong.c).limit(MAX_NAMED)


def _value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    shown = str(value) if isinstance(value, UUID) or not isinstance(value, str | bytes) else repr(value)
    return printable(shown, limit=80)
