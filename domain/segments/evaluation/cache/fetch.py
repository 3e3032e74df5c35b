"""Fetch leaves in one snapshot: from the cache what did not change, from the database the rest."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass

from pyroaring import BitMap
from sqlalchemy import ColumnElement, select

from domain.kit.db import Transaction
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.cache.transfer import fetch_bitmap, fetch_bitmaps
from domain.segments.evaluation.leaf_analysis import base_of, of_store
from domain.segments.sql.predicates import IdSet, Predicate
from domain.segments.sql.scope import FilterScope

BeforeStatement = Callable[[], Awaitable[None]]
"""Called before each statement; ends a request that takes too long by raising."""


@dataclass(frozen=True, slots=True)
class LeafRequest:
    """The customers that a condition's SQL finds, whatever the condition's sense.

    `key` names the answer together with the data that it rests on; None: it cannot be cached.
    """

    name: bytes
    key: Hashable | None
    compile: Callable[[], Predicate]


class InFlight(Exception):
    """Another request is fetching some of these leaves."""

    def __init__(self, futures: Sequence[Awaitable[object]]) -> None:
        super().__init__()
        self.futures = futures


async def fetch_leaves(
    tx: Transaction,
    cache: LeafCache,
    scope: FilterScope,
    requests: Sequence[LeafRequest],
    before_statement: BeforeStatement,
) -> dict[bytes, BitMap]:
    """Return the leaves' bitmaps by name. Raise InFlight, once the rest is cached, when others fetch some of them."""
    bitmaps = {
        request.name: bitmap for request in requests if request.key and (bitmap := cache.get(request.key)) is not None
    }
    missing = {request.key or request.name: request for request in requests if request.name not in bitmaps}
    futures = [future for key in missing if (future := cache.in_flight(key)) is not None]
    begun = [request for key, request in missing.items() if cache.in_flight(key) is None]
    for request in begun:
        cache.begin(request.key)
    try:
        compiled = [(request, request.compile()) for request in begun]
        async for request, bitmap in _fetch(tx, scope, compiled, cache.max_ids, before_statement):
            bitmaps[request.name] = bitmap
            cache.complete(request.key, bitmap)
    finally:
        for request in begun:
            cache.complete(request.key, bitmaps.get(request.name))
    if futures:
        raise InFlight(futures)
    return bitmaps


async def _fetch(
    tx: Transaction,
    scope: FilterScope,
    compiled: Sequence[tuple[LeafRequest, Predicate]],
    max_ids: int,
    before_statement: BeforeStatement,
) -> AsyncIterator[tuple[LeafRequest, BitMap]]:
    """Yield the leaves' bitmaps: of predicates on the same rows by one statement, so that nothing joins all rows."""
    conditions: dict[str, list[tuple[LeafRequest, ColumnElement[bool]]]] = {}
    for request, predicate in compiled:
        if isinstance(predicate, IdSet):
            await before_statement()
            ids = predicate.ids if predicate.distinct else predicate.ids.distinct()
            yield request, await fetch_bitmap(tx, ids, max_ids)
        else:
            rows, _ = base_of([predicate.condition])
            conditions.setdefault(rows.description, []).append((request, predicate.condition))
    for batch in conditions.values():
        await before_statement()
        predicates = [condition for _, condition in batch]
        rows, customer = base_of(predicates)
        of_rows = select(customer).select_from(rows).where(*of_store(rows, scope))
        if len(batch) == 1:
            bitmaps = [await fetch_bitmap(tx, of_rows.where(*predicates), max_ids)]
        else:
            bitmaps = await fetch_bitmaps(tx, of_rows, customer, predicates, max_ids)
        for (request, _), bitmap in zip(batch, bitmaps, strict=True):
            yield request, bitmap
