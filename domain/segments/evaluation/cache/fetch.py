"""Fetch leaves in one snapshot: from the cache what did not change, from the database the rest."""

from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from pyroaring import BitMap
from sqlalchemy import select

from domain.kit.db import Transaction
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.cache.transfer import fetch_bitmap, fetch_bitmaps
from domain.segments.evaluation.leaf_analysis import base_of, of_store
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate
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
        for batch in _statements([(request, request.compile()) for request in begun]):
            await before_statement()
            fetched = await _fetch(tx, scope, [predicate for _, predicate in batch], cache.max_ids)
            for (request, _), bitmap in zip(batch, fetched, strict=True):
                bitmaps[request.name] = bitmap
                cache.complete(request.key, bitmap)
    finally:
        for request in begun:
            cache.complete(request.key, bitmaps.get(request.name))
    if futures:
        raise InFlight(futures)
    return bitmaps


def _statements(compiled: Sequence[tuple[LeafRequest, Predicate]]) -> Iterator[list[tuple[LeafRequest, Predicate]]]:
    """Yield leaves that one statement answers: predicates on the same rows together, so that nothing joins all rows."""
    by_rows: dict[str, list[tuple[LeafRequest, Predicate]]] = {}
    for request, predicate in compiled:
        if isinstance(predicate, IdSet):
            yield [(request, predicate)]
        else:
            rows, _ = base_of([predicate.condition])
            by_rows.setdefault(rows.description, []).append((request, predicate))
    yield from by_rows.values()


async def _fetch(tx: Transaction, scope: FilterScope, predicates: Sequence[Predicate], max_ids: int) -> list[BitMap]:
    for predicate in predicates:
        if isinstance(predicate, IdSet):
            return [await fetch_bitmap(tx, predicate.ids if predicate.distinct else predicate.ids.distinct(), max_ids)]
    conditions = [predicate.condition for predicate in predicates if isinstance(predicate, RowPredicate)]
    rows, customer = base_of(conditions)
    live = select(customer).select_from(rows).where(*of_store(rows, scope))
    if len(conditions) == 1:
        return [await fetch_bitmap(tx, live.where(*conditions), max_ids)]
    return await fetch_bitmaps(tx, live, customer, conditions, max_ids)
