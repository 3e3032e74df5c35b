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
    """What was asked for: `size` rows from one end, within the cursors."""

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
        """From a field's arguments; what was left out may also be UNSET."""
        first, after, last, before = (given(argument) for argument in (first, after, last, before))
        if first is not None and last is not None:
            raise bad_input("Give either `first` or `last`, not both.", "last")
        if last is not None:
            return cls(_size("last", last), True, after, before)
        return cls(DEFAULT_SIZE if first is None else _size("first", first), False, after, before)


def given(argument: Any) -> Any:
    """None for what was left out: an argument of default UNSET prints without a default."""
    return None if argument is strawberry.UNSET else argument


def _size(name: str, value: int) -> int:
    if not 0 <= value <= MAX_SIZE:
        raise bad_input(f"`{name}` is {value}: it must be from 0 to {MAX_SIZE}.", name)
    return value


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The rows of one page with the key values of each, and whether more follow on either side."""

    items: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


class _Cursors(Sequence[str]):
    """Each is made when it is looked at: most pages show the last one alone."""

    def __init__(self, ordering: Ordering, keys: Sequence[tuple[object, ...]]) -> None:
        self._ordering = ordering
        self._keys = keys

    @overload
    def __getitem__(self, at: int, /) -> str: ...
    @overload
    def __getitem__(self, at: slice, /) -> list[str]: ...
    def __getitem__(self, at: int | slice, /) -> str | list[str]:
        if isinstance(at, slice):
            return [self._ordering.cursor(keys) for keys in self._keys[at]]
        return self._ordering.cursor(self._keys[at])

    def __len__(self) -> int:
        return len(self._keys)


async def fetch(
    tx: Transaction,
    select: Select[Any],
    ordering: Ordering,
    page: Page,
    build: Callable[[AnyRow], T],
) -> Slice[T]:
    """Run the select for one page; `build` makes an item of a row."""
    statement = bounded(select, ordering, page).add_columns(*(key.column for key in ordering.keys))
    rows = (await tx.execute(ordering.apply(statement, reverse=page.backward).limit(page.size + 1))).all()
    return sliced(rows, ordering, page, build, keys_from=-len(ordering.keys))


def sliced(
    rows: Sequence[AnyRow], ordering: Ordering, page: Page, build: Callable[[AnyRow], T], *, keys_from: int
) -> Slice[T]:
    """The page out of its rows and the one behind them; the ordering's keys are found from a column on."""
    more, kept = len(rows) > page.size, rows[: page.size]
    until = keys_from + len(ordering.keys) or None
    if page.backward:
        kept = kept[::-1]
    return Slice(
        [build(row) for row in kept],
        _Cursors(ordering, [tuple(row)[keys_from:until] for row in kept]),
        has_next=page.before is not None if page.backward else more,
        has_previous=more if page.backward else page.after is not None,
    )


def bounded(select: Select[Any], ordering: Ordering, page: Page) -> Select[Any]:
    """The select between the page's cursors."""
    if page.after is not None:
        select = select.where(ordering.past(_place(ordering, "after", page.after)))
    if page.before is not None:
        select = select.where(ordering.past(_place(ordering, "before", page.before), reverse=True))
    return select


def _place(ordering: Ordering, name: str, cursor: str) -> tuple[object, ...]:
    values = ordering.values(cursor)
    if values is None:
        raise bad_input(f"`{name}` is no cursor of this list in this order.", name)
    return values


Count = Callable[[], Awaitable[int]]


@strawberry.type
class Connection(Generic[T]):
    page: strawberry.Private[Slice[T]]
    count: strawberry.Private[Count]

    edges: list[Edge[T]] = derived(
        lambda c: [Edge(node=n, cursor=at) for n, at in zip(c.page.items, c.page.cursors, strict=True)]
    )
    nodes: list[T] = derived(lambda c: c.page.items)
    page_info: PageInfo = derived(lambda c: page_info(c.page))

    @strawberry.field
    async def total_count(self) -> int:
        return await self.count()


def page_info(page: Slice[Any]) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )
