"""Pages of selects: however many parents ask for a page, one statement fetches them."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Integer, Select, func, literal_column, select, union_all

from api.graphql.kit.connection import Connection, Page, Slice, between_cursors, fetch_page, slice_rows
from api.graphql.kit.context import Context
from api.graphql.kit.keyset import Ordering
from domain.kit.db import AnyRow, Transaction
from domain.segments.evaluation.deadline import reading

# Selects in one statement: SQLite takes 500 in a union, and planning takes its time.
_BATCH_SIZE = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class PageRequest(Generic[T]):
    """A page that a field waits for; `seconds` bounds a select that may take long."""

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
class CountRequest:
    """A count that a field waits for."""

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
    """Return the page of a select as a connection; all of its rows are counted only when that is asked for."""
    between_cursors(rows, ordering, page)  # a wrong cursor is this field's fault, and no other's
    items: Slice[T] = await context.batch(_fetch_pages).load(PageRequest(rows, ordering, page, build, seconds))
    return Connection(page=items, count=lambda: count_rows(context, rows, seconds=seconds))


def count_rows(context: Context, rows: Select[Any], *, seconds: float | None = None) -> Awaitable[int]:
    return context.batch(_count).load(CountRequest(rows, seconds))


async def _fetch_pages(context: Context, requests: list[PageRequest[Any]]) -> list[Slice[Any]]:
    slices: dict[PageRequest[Any], Slice[Any]] = {}
    for kind in dict.fromkeys(request.kind for request in requests):
        for batch in batches([request for request in requests if request.kind == kind]):
            async with _reading(context, batch[0].seconds) as tx:
                slices.update(zip(batch, await _fetch_batch(tx, batch), strict=True))
    return [slices[request] for request in requests]


async def _fetch_batch(tx: Transaction, requests: Sequence[PageRequest[Any]]) -> list[Slice[Any]]:
    first = requests[0]
    if len(requests) == 1:
        return [await fetch_page(tx, first.rows, first.ordering, first.page, first.build)]
    branches: list[Select[Any]] = []
    for number, request in enumerate(requests):
        labels = (key.column.label(_key(position)) for position, key in enumerate(request.ordering.keys))
        rows = between_cursors(request.rows, request.ordering, request.page).add_columns(*labels)
        page = request.ordering.apply(rows, reverse=request.page.backward).limit(request.page.size + 1).subquery()
        branches.append(select(page, literal_column(str(number), Integer()).label("branch")))
    union = union_all(*branches).subquery("pages")
    keys = [replace(key, column=union.c[_key(position)]) for position, key in enumerate(first.ordering.keys)]
    order: list[ColumnElement[Any]] = [union.c.branch, *(key.term(first.page.backward) for key in keys)]
    rows_by_branch: list[list[AnyRow]] = [list[AnyRow]() for _ in requests]
    for row in await tx.execute(select(union).order_by(*order)):
        rows_by_branch[int(row.branch)].append(row)
    return [
        slice_rows(branch_rows, request.ordering, request.page, request.build, keys_from=-1 - len(keys))
        for request, branch_rows in zip(requests, rows_by_branch, strict=True)
    ]


def _key(position: int) -> str:
    return f"page_key_{position}"


async def _count(context: Context, requests: list[CountRequest]) -> list[int]:
    counts: dict[CountRequest, int] = {}
    for seconds in dict.fromkeys(request.seconds for request in requests):
        for batch in batches([request for request in requests if request.seconds == seconds]):
            selects = (select(func.count()).select_from(request.rows.order_by(None).subquery()) for request in batch)
            async with _reading(context, seconds) as tx:
                row = (await tx.execute(select(*(count.scalar_subquery() for count in selects)))).one()
            counts.update(zip(batch, row, strict=True))
    return [counts[request] for request in requests]


def _reading(context: Context, seconds: float | None) -> AbstractAsyncContextManager[Transaction]:
    return context.database.read() if seconds is None else reading(context.database, seconds)


def batches(requests: Sequence[T]) -> list[Sequence[T]]:
    """Return the requests in batches, each of as many as one statement takes."""
    return [requests[start : start + _BATCH_SIZE] for start in range(0, len(requests), _BATCH_SIZE)]
