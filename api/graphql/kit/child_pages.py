"""What many parents have of one kind, a page for each of them, by one statement whose text never grows."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from api.graphql.kit.connection import Connection, Page, Slice, bounded, fetch, sliced
from api.graphql.kit.context import Context
from api.graphql.kit.keyset import Ordering
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import ParentFilter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Children(Generic[T]):
    """Equal `kind`s are fetched together. The last column of `rows` is `parent`."""

    kind: Hashable
    rows: Callable[[ParentFilter], Select[Any]]
    ordering: Callable[[Select[Any]], Ordering]
    build: Callable[[AnyRow], T]


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    parent: Hashable
    children: Children[Any]
    page: Page


async def connect(context: Context, parent: Hashable, children: Children[T], page: Page) -> Connection[T]:
    wanted = _Wanted(parent, children, page)
    if page.after is not None or page.before is not None:
        own = children.rows(_is(parent))
        bounded(own, children.ordering(own), page)  # a wrong cursor is this field's fault
    found: Slice[T] = await context.batch(_pages).load(wanted)
    return Connection(page=found, count=lambda: _count(context, wanted))


def _count(context: Context, wanted: _Wanted) -> Awaitable[int]:
    return context.batch(_counts).load(wanted)


async def _pages(context: Context, wanted: list[_Wanted]) -> list[Slice[Any]]:
    found: dict[_Wanted, Slice[Any]] = {}
    async with context.database.read() as tx:
        for kind in dict.fromkeys((one.children.kind, one.page) for one in wanted):
            alike = [one for one in wanted if (one.children.kind, one.page) == kind]
            found.update(zip(alike, await _pages_of(tx, alike), strict=True))
    return [found[one] for one in wanted]


async def _pages_of(tx: Transaction, alike: Sequence[_Wanted]) -> list[Slice[Any]]:
    children, page = alike[0].children, alike[0].page
    if len(alike) == 1:
        own = children.rows(_is(alike[0].parent))
        return [await fetch(tx, own, children.ordering(own), page, children.build)]
    parents = list({one.parent for one in alike})
    by_parent: dict[Hashable, list[AnyRow]] = {}
    statement, ordering = (_lateral if tx.dialect == "postgresql" else _numbered)(children, page)
    for row in await tx.execute(statement, {"parents": parents}):
        by_parent.setdefault(row.parent, []).append(row)
    keys = -len(ordering.keys)
    return [sliced(by_parent.get(one.parent, []), ordering, page, children.build, keys_from=keys) for one in alike]


def _lateral(children: Children[Any], page: Page) -> tuple[Select[Any], Ordering]:
    """PostgreSQL walks to the end of each parent's page, and no further."""
    kind = _parent_type(children)
    handed = func.unnest(bindparam("parents", type_=ARRAY(kind))).table_valued("id").render_derived(name="parents")
    # By its name, which reaches into the selects of a union.
    one: ColumnElement[Any] = literal_column("parents.id", kind)
    rows, ordering = _keyed(children.rows(lambda column: column == one), children, page)
    each = ordering.apply(rows, reverse=page.backward).limit(page.size + 1).lateral("page")
    placed = _placed(ordering, each)
    statement = select(each).select_from(handed.join(each, true())).order_by(each.c.parent)
    return statement.order_by(*(key.term(page.backward) for key in placed.keys)), ordering


def _numbered(children: Children[Any], page: Page) -> tuple[Select[Any], Ordering]:
    """SQLite, which has no such join, numbers the rows of each parent."""
    parents = bindparam("parents", type_=_parent_type(children), expanding=True)
    rows, ordering = _keyed(children.rows(lambda column: column.in_(parents)), children, page)
    parent = rows.selected_columns.parent
    place = func.row_number().over(partition_by=parent, order_by=[key.term(page.backward) for key in ordering.keys])
    numbered = rows.add_columns(place.label("place")).subquery("numbered")
    columns = [column for column in numbered.c if column is not numbered.c.place]
    statement = select(*columns).where(numbered.c.place <= page.size + 1)
    return statement.order_by(numbered.c.parent, numbered.c.place), ordering


def _keyed(rows: Select[Any], children: Children[Any], page: Page) -> tuple[Select[Any], Ordering]:
    """The rows between the cursors, the keys of their order behind them."""
    ordering = children.ordering(rows)
    keys = (key.column.label(f"page_key_{at}") for at, key in enumerate(ordering.keys))
    return bounded(rows, ordering, page).add_columns(*keys), ordering


def _placed(ordering: Ordering, rows: Any) -> Ordering:
    keys = (replace(key, column=rows.c[f"page_key_{at}"]) for at, key in enumerate(ordering.keys))
    return replace(ordering, keys=tuple(keys))


async def _counts(context: Context, wanted: list[_Wanted]) -> list[int]:
    found: dict[_Wanted, int] = {}
    async with context.database.read() as tx:
        for kind in dict.fromkeys(one.children.kind for one in wanted):
            alike = [one for one in wanted if one.children.kind == kind]
            counted = await _counts_of(tx, alike[0].children, {one.parent for one in alike})
            found |= {one: counted.get(one.parent, 0) for one in alike}
    return [found[one] for one in wanted]


async def _counts_of(tx: Transaction, children: Children[Any], parents: set[Hashable]) -> dict[Hashable, int]:
    wanted = bindparam("parents", type_=_parent_type(children), expanding=True)
    rows = children.rows(lambda column: column.in_(wanted)).order_by(None).subquery()
    statement = select(rows.c.parent, func.count()).group_by(rows.c.parent)
    return dict((await tx.execute(statement, {"parents": list(parents)})).all())


def _parent_type(children: Children[Any]) -> Any:
    return children.rows(lambda _: true()).selected_columns.parent.type


def _is(parent: Hashable) -> ParentFilter:
    def is_parent(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column == parent

    return is_parent
