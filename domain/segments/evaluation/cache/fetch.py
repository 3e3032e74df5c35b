"""Answering leaves in one snapshot: from the cache what did not change, from the database the rest."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass

from pyroaring import BitMap
from sqlalchemy import select

from domain.kit.db import Transaction
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.cache.transfer import fetched, fetched_each
from domain.segments.evaluation.leaf_analysis import base_of, of_store
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class LeafRequest:
    """Customers that somebody waits for: those whom a condition's SQL finds, whatever its sense.

    `key` names the answer together with the data that it rests on; None: it cannot be kept.
    """

    name: bytes
    key: Hashable | None
    ask: Callable[[], Predicate]


class InFlight(Exception):
    """Another request is answering some of this."""

    def __init__(self, flights: Sequence[Awaitable[object]]) -> None:
        super().__init__()
        self.flights = flights


async def answer(
    tx: Transaction,
    leaves: LeafCache,
    scope: FilterScope,
    needs: Sequence[LeafRequest],
    watch: Callable[[], Awaitable[None]],
) -> dict[bytes, BitMap]:
    """By name. `watch` is called before each statement, and ends what takes too long.

    Raises `Underway` once its own part is done while others are at the rest.
    """
    found = {need.name: kept for need in needs if need.key and (kept := leaves.get(need.key)) is not None}
    missing = {need.key or need.name: need for need in needs if need.name not in found}
    flights = [flight for key in missing if (flight := leaves.in_flight(key)) is not None]
    own = [need for key, need in missing.items() if leaves.in_flight(key) is None]
    for need in own:
        leaves.depart(need.key)
    try:
        for some in _statements([(need, need.ask()) for need in own]):
            await watch()
            for (need, _), bitmap in zip(some, await _fetch(tx, scope, [sql for _, sql in some]), strict=True):
                found[need.name] = bitmap
                leaves.land(need.key, bitmap)
    finally:
        for need in own:
            leaves.land(need.key, found.get(need.name))
    if flights:
        raise InFlight(flights)
    return found


def _statements(asked: Sequence[tuple[LeafRequest, Predicate]]) -> list[list[tuple[LeafRequest, Predicate]]]:
    """What customers' own rows say is read off them at once, what their facts say off those: nothing joins them all."""
    facts: dict[str, list[tuple[LeafRequest, Predicate]]] = {}
    for need, sql in asked:
        if isinstance(sql, RowPredicate):
            rows, _ = base_of([sql.condition])
            facts.setdefault(rows.description, []).append((need, sql))
    return [[each] for each in asked if isinstance(each[1], IdSet)] + list(facts.values())


async def _fetch(tx: Transaction, scope: FilterScope, asked: Sequence[Predicate]) -> list[BitMap]:
    for sql in asked:
        if isinstance(sql, IdSet):
            return [await fetched(tx, sql.ids if sql.distinct else sql.ids.distinct())]
    predicates = [sql.condition for sql in asked if isinstance(sql, RowPredicate)]
    rows, customer = base_of(predicates)
    of = select(customer).select_from(rows).where(*of_store(rows, scope))
    if len(predicates) == 1:
        return [await fetched(tx, of.where(*predicates))]
    return await fetched_each(tx, of, customer, predicates)
