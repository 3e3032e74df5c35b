"""Relay connections over keysets."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import strawberry
from sqlalchemy import Select

from api.graphql.kit.errors import bad_input
from api.graphql.kit.fields import derived
from api.graphql.kit.keyset import Ordering
from domain.kit.db import AnyRow, Transaction

DEFAULT_SIZE = 50
MAX_SIZE = 250

T = TypeVar("T")


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    node: T
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    """A request for `size` rows from one end, between the cursors."""

    size: int
    backward: bool = False
    after: str | None = None
    before: str | None = None

    @classmethod
    def of(
        cls,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> "Page":
        """Return the page of a field's arguments, each of which may be None or UNSET. Raise BAD_USER_INPUT."""
        # An argument of default UNSET prints without a default.
        first, last = (None if size is strawberry.UNSET else size for size in (first, last))
        after, before = (None if cursor is strawberry.UNSET else cursor for cursor in (after, before))
        if first is not None and last is not None:
            raise bad_input("Give either `first` or `last`, not both", "last")
        if last is not None:
            return cls(_size("last", last), True, after, before)
        return cls(DEFAULT_SIZE if first is None else _size("first", first), False, after, before)


def _size(name: str, value: int) -> int:
    if not 0 <= value <= MAX_SIZE:
        raise bad_input(f"`{name}` is {value}: it must be from 0 to {MAX_SIZE}", name)
    return value


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The rows of one page with the cursor of each, and whether more follow on either side."""

    items: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


class _Cursors(Sequence[str]):
    """Cursors that are encoded when they are read: most answers show the last one alone."""

    def __init__(self, ordering: Ordering, keys: Sequence[tuple[object, ...]]) -> None:
        self._ordering = ordering
        self._keys = keys

    @overload
    def __getitem__(self, index: int, /) -> str: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[str]: ...
    def __getitem__(self, index: int | slice, /) -> str | list[str]:
        if isinstance(index, slice):
            return [self._ordering.cursor(keys) for keys in self._keys[index]]
        return self._ordering.cursor(self._keys[index])

    def __len__(self) -> int:
        return len(self._keys)


async def fetch_page(
    tx: Transaction,
    select: Select[Any],
    ordering: Ordering,
    page: Page,
    build: Callable[[AnyRow], T],
) -> Slice[T]:
    """Fetch one page of the select; `build` makes an item of a row."""
    statement = between_cursors(select, ordering, page).add_columns(*(key.column for key in ordering.keys))
    rows = (await tx.execute(ordering.apply(statement, reverse=page.backward).limit(page.size + 1))).all()
    return slice_rows(rows, ordering, page, build, keys_from=-len(ordering.keys))


def slice_rows(
    rows: Sequence[AnyRow], ordering: Ordering, page: Page, build: Callable[[AnyRow], T], *, keys_from: int
) -> Slice[T]:
    """Return the page of its rows and the one behind them; the ordering's keys are in the columns from `keys_from`."""
    more, page_rows = len(rows) > page.size, rows[: page.size]
    until = keys_from + len(ordering.keys) or None
    if page.backward:
        page_rows = page_rows[::-1]
    return Slice(
        [build(row) for row in page_rows],
        _Cursors(ordering, [tuple(row)[keys_from:until] for row in page_rows]),
        has_next=page.before is not None if page.backward else more,
        has_previous=more if page.backward else page.after is not None,
    )


def between_cursors(select: Select[Any], ordering: Ordering, page: Page) -> Select[Any]:
    """The select between the page's cursors."""
    if page.after is not None:
        select = select.where(ordering.past(_key_values(ordering, "after", page.after)))
    if page.before is not None:
        select = select.where(ordering.past(_key_values(ordering, "before", page.before), reverse=True))
    return select


def _key_values(ordering: Ordering, name: str, cursor: str) -> tuple[object, ...]:
    values = ordering.values(cursor)
    if values is None:
        raise bad_input(f"`{name}` is no cursor of this list in this order", name)
    return values


Count = Callable[[], Awaitable[int]]


@strawberry.type
class Connection(Generic[T]):
    page: strawberry.Private[Slice[T]]
    count: strawberry.Private[Count]

    edges: list[Edge[T]] = derived(
        lambda c: [Edge(node=n, cursor=cursor) for n, cursor in zip(c.page.items, c.page.cursors, strict=True)]
    )
    nodes: list[T] = derived(lambda c: c.page.items)
    page_info: PageInfo = derived(lambda c: page_info(c.page))

    @strawberry.field
    async def total_count(self) -> int:
        return await self.count()


def empty_connection() -> Connection[Any]:
    async def count() -> int:
        return 0

    return Connection(page=Slice([], [], has_next=False, has_previous=False), count=count)


def page_info(page: Slice[Any]) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )
