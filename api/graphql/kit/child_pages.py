"""Pages of children, one for each of many parents, by one statement whose text never grows."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from api.graphql.kit.connection import Connection, Page, Slice, between_cursors, fetch_page, slice_rows
from api.graphql.kit.context import Context
from api.graphql.kit.keyset import Ordering
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChildSelect(Generic[T]):
    """Selects of equal `kind` are fetched together. The last column of `rows` is `parent`."""

    kind: Hashable
    rows: Callable[[ParentFilter], Select[Any]]
    ordering: Callable[[Select[Any]], Ordering]
    build: Callable[[AnyRow], T]

    def of_parent(self, parent: Hashable) -> Select[Any]:
        return self.rows(lambda column: column == parent)

    @property
    def parent_type(self) -> Any:
        return self.rows(lambda _: true()).selected_columns.parent.type


@dataclass(frozen=True, slots=True, eq=False)
class ChildPageRequest:
    """The page of one parent's children that a field waits for."""

    parent: Hashable
    children: ChildSelect[Any]
    page: Page


async def connect(context: Context, parent: Hashable, children: ChildSelect[T], page: Page) -> Connection[T]:
    """Return the page of the parent's children as a connection; they are counted only when that is asked for."""
    request = ChildPageRequest(parent, children, page)
    if page.after is not None or page.before is not None:
        rows = children.of_parent(parent)
        between_cursors(rows, children.ordering(rows), page)  # a wrong cursor is this field's fault, and no other's
    items: Slice[T] = await context.batch(_fetch_pages).load(request)
    return Connection(page=items, count=lambda: context.batch(_count).load(request))


async def _fetch_pages(context: Context, requests: list[ChildPageRequest]) -> list[Slice[Any]]:
    slices: dict[ChildPageRequest, Slice[Any]] = {}
    async with context.database.read() as tx:
        for kind in dict.fromkeys((request.children.kind, request.page) for request in requests):
            batch = [request for request in requests if (request.children.kind, request.page) == kind]
            children, page = batch[0].children, batch[0].page
            if len(batch) == 1:
                rows = children.of_parent(batch[0].parent)
                slices[batch[0]] = await fetch_page(tx, rows, children.ordering(rows), page, children.build)
                continue
            by_parent: dict[Hashable, list[AnyRow]] = {}
            statement, ordering = (_lateral if tx.dialect == "postgresql" else _numbered)(children, page)
            for row in await tx.execute(statement, {"parents": list({request.parent for request in batch})}):
                by_parent.setdefault(row.parent, []).append(row)
            for request in batch:
                parent_rows = by_parent.get(request.parent, [])
                keys_from = -len(ordering.keys)
                slices[request] = slice_rows(parent_rows, ordering, page, children.build, keys_from=keys_from)
    return [slices[request] for request in requests]


def _lateral(children: ChildSelect[Any], page: Page) -> tuple[Select[Any], Ordering]:
    """PostgreSQL walks to the end of each parent's page, and no further."""
    type_ = children.parent_type
    parents = func.unnest(bindparam("parents", type_=ARRAY(type_))).table_valued("id").render_derived(name="parents")
    # By its name, which reaches into the selects of a union.
    parent: ColumnElement[Any] = literal_column("parents.id", type_)
    rows, ordering = _with_keys(children.rows(lambda column: column == parent), children, page)
    pages = ordering.apply(rows, reverse=page.backward).limit(page.size + 1).lateral("page")
    keys = [replace(key, column=pages.c[f"page_key_{position}"]) for position, key in enumerate(ordering.keys)]
    statement = select(pages).select_from(parents.join(pages, true())).order_by(pages.c.parent)
    return statement.order_by(*(key.term(page.backward) for key in keys)), ordering


def _numbered(children: ChildSelect[Any], page: Page) -> tuple[Select[Any], Ordering]:
    """SQLite, which has no such join, numbers the rows of each parent."""
    parents = bindparam("parents", type_=children.parent_type, expanding=True)
    rows, ordering = _with_keys(children.rows(lambda column: column.in_(parents)), children, page)
    parent = rows.selected_columns.parent
    number = func.row_number().over(partition_by=parent, order_by=[key.term(page.backward) for key in ordering.keys])
    numbered = rows.add_columns(number.label("number_of_row")).subquery("numbered")
    columns = [column for column in numbered.c if column is not numbered.c.number_of_row]
    statement = select(*columns).where(numbered.c.number_of_row <= page.size + 1)
    return statement.order_by(numbered.c.parent, numbered.c.number_of_row), ordering


def _with_keys(rows: Select[Any], children: ChildSelect[Any], page: Page) -> tuple[Select[Any], Ordering]:
    """Return the rows between the cursors, the keys of their order behind them."""
    ordering = children.ordering(rows)
    keys = (key.column.label(f"page_key_{position}") for position, key in enumerate(ordering.keys))
    return between_cursors(rows, ordering, page).add_columns(*keys), ordering


async def _count(context: Context, requests: list[ChildPageRequest]) -> list[int]:
    counts: dict[ChildPageRequest, int] = {}
    async with context.database.read() as tx:
        for kind in dict.fromkeys(request.children.kind for request in requests):
            batch = [request for request in requests if request.children.kind == kind]
            by_parent = await _count_children(tx, batch[0].children, {request.parent for request in batch})
            counts |= {request: by_parent.get(request.parent, 0) for request in batch}
    return [counts[request] for request in requests]


async def _count_children(tx: Transaction, children: ChildSelect[Any], parents: set[Hashable]) -> dict[Hashable, int]:
    """Return the number of children of each parent that has any."""
    keys = bindparam("parents", type_=children.parent_type, expanding=True)
    rows = children.rows(lambda column: column.in_(keys)).order_by(None).subquery()
    statement = select(rows.c.parent, func.count()).group_by(rows.c.parent)
    return dict((await tx.execute(statement, {"parents": list(parents)})).all())
