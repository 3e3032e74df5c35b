"""Connections of a database's rows: however many parents ask for a page, one statement fetches them."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Integer, Select, func, literal_column, select, union_all

from api.graphql.kit.connection import Connection, Page, Slice, bounded, fetch, sliced
from api.graphql.kit.context import Context
from api.graphql.kit.keyset import Ordering
from domain.kit.db import AnyRow, Transaction
from domain.segments.evaluation.deadline import reading

# What one statement holds: SQLite takes 500 selects in a union, and planning takes its time.
_AT_ONCE = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted(Generic[T]):
    """A page that somebody waits for; `seconds` bounds a select that may take long."""

    rows: Select[Any]
    ordering: Ordering
    page: Page
    build: Callable[[AnyRow], T]
    seconds: float | None

    @property
    def kind(self) -> Hashable:
        """Pages of one kind have the same columns, in the same order."""
        return self.ordering.name, self.page.backward, self.seconds


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    rows: Select[Any]
    seconds: float | None


async def connect(
    context: Context,
    rows: Select[Any],
    ordering: Ordering,
    page: Page,
    build: Callable[[AnyRow], T],
    *,
    seconds: float | None = None,
) -> Connection[T]:
    """The page of a select as a connection, its whole counted only when that is asked for."""
    bounded(rows, ordering, page)  # a wrong cursor is this field's fault, and nobody else's
    found: Slice[T] = await context.batch(_fetch).load(_Wanted(rows, ordering, page, build, seconds))
    return Connection(page=found, count=lambda: total(context, rows, seconds=seconds))


def total(context: Context, rows: Select[Any], *, seconds: float | None = None) -> Awaitable[int]:
    """How many rows a select has."""
    return context.batch(_count).load(_Counted(rows, seconds))


async def _fetch(context: Context, wanted: list[_Wanted[Any]]) -> list[Slice[Any]]:
    found: dict[_Wanted[Any], Slice[Any]] = {}
    for kind in dict.fromkeys(one.kind for one in wanted):
        of_kind = [one for one in wanted if one.kind == kind]
        for some in chunks(of_kind):
            async with _reading(context, some[0].seconds) as tx:
                found.update(zip(some, await _pages(tx, some), strict=True))
    return [found[one] for one in wanted]


async def _pages(tx: Transaction, wanted: Sequence[_Wanted[Any]]) -> list[Slice[Any]]:
    if len(wanted) == 1:
        [one] = wanted
        return [await fetch(tx, one.rows, one.ordering, one.page, one.build)]
    first = wanted[0]
    together = union_all(*(_branch(number, one) for number, one in enumerate(wanted))).subquery("pages")
    keys = [replace(key, column=together.c[_key(at)]) for at, key in enumerate(first.ordering.keys)]
    order: list[ColumnElement[Any]] = [together.c.branch, *(key.term(first.page.backward) for key in keys)]
    rows: list[list[AnyRow]] = [list[AnyRow]() for _ in wanted]
    for row in await tx.execute(select(together).order_by(*order)):
        rows[int(row.branch)].append(row)
    return [
        sliced(these, one.ordering, one.page, one.build, keys_from=-1 - len(keys))
        for one, these in zip(wanted, rows, strict=True)
    ]


def _branch(number: int, wanted: _Wanted[Any]) -> Select[Any]:
    keys = (key.column.label(_key(at)) for at, key in enumerate(wanted.ordering.keys))
    rows = bounded(wanted.rows, wanted.ordering, wanted.page).add_columns(*keys)
    page = wanted.ordering.apply(rows, reverse=wanted.page.backward).limit(wanted.page.size + 1).subquery()
    return select(page, literal_column(str(number), Integer()).label("branch"))


def _key(at: int) -> str:
    return f"page_key_{at}"


async def _count(context: Context, wanted: list[_Counted]) -> list[int]:
    found: dict[_Counted, int] = {}
    for seconds in dict.fromkeys(one.seconds for one in wanted):
        for some in chunks([one for one in wanted if one.seconds == seconds]):
            counts = (select(func.count()).select_from(one.rows.order_by(None).subquery()) for one in some)
            async with _reading(context, seconds) as tx:
                row = (await tx.execute(select(*(count.scalar_subquery() for count in counts)))).one()
            found.update(zip(some, row, strict=True))
    return [found[one] for one in wanted]


def _reading(context: Context, seconds: float | None) -> AbstractAsyncContextManager[Transaction]:
    return context.database.read() if seconds is None else reading(context.database, seconds)


def chunks(wanted: Sequence[T]) -> list[Sequence[T]]:
    """As many at a time as one statement takes."""
    return [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]
