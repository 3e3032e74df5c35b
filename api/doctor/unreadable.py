"""Reads rows many at a time, and finds those of them that break their reader."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from api.doctor.findings import printable

# Whatever reading values of another shape raises.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_AT_ONCE = 200

T = TypeVar("T")


async def readable(
    ids: Sequence[UUID], read: Callable[[Sequence[UUID]], Awaitable[Sequence[T]]], unreadable: list[str]
) -> AsyncIterator[Sequence[T]]:
    """Yield what `read` makes of the ids, some at a time; ids that it breaks at go to `unreadable`, with the reason."""
    for start in range(0, len(ids), _AT_ONCE):
        batch = ids[start : start + _AT_ONCE]
        try:
            values = await read(batch)
        except UNREADABLE:
            values = [value for id_ in batch for value in await _read_one(id_, read, unreadable)]
        yield values


async def _read_one(
    id_: UUID, read: Callable[[Sequence[UUID]], Awaitable[Sequence[T]]], unreadable: list[str]
) -> Sequence[T]:
    try:
        return await read([id_])
    except UNREADABLE as error:
        unreadable.append(printable(f"id={id_} {type(error).__name__}: {error}"))
        return []
