"""Count a filter's customers, their reach and a sample of them from the bitmaps of its leaves."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any

import orjson
from muster_sdk import AddressKind
from pyroaring import BitMap
from sqlalchemy import ARRAY, BigInteger, Select, column, func, literal, select

from domain.changes import ChangeKind, Versions, versions
from domain.customers.tables import customer_numbers, customers
from domain.kit.db import Transaction
from domain.segments.compiler.normal_form import leaves
from domain.segments.compiler.select import condition_of
from domain.segments.evaluation.cache.fetch import BeforeStatement, LeafRequest, fetch_leaves
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.cache.reach import channel_reach, reach_sets
from domain.segments.evaluation.cache.transfer import LARGEST, TooManyIds
from domain.segments.evaluation.leaf_analysis import LeafTraits, leaf_traits
from domain.segments.evaluation.reach import PreviewResult, survey
from domain.segments.evaluation.resolve import ResolvedFilter
from domain.segments.evaluation.set_algebra import IdSetExpr, combine
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate, Selectivity, partial_index_ids

# The reach of so few is asked of the database, where everyone's is not cached.
FEW = 1_000
_EVERYONE, _DELETED, _WHOLE = b"everyone", b"deleted", b"whole"


@dataclass(frozen=True, slots=True)
class CountRequest:
    """A filter to count, the channels whose reach is asked for, and how many of its customers to show."""

    filter: ResolvedFilter
    channels: Mapping[str, AddressKind]
    sample: int


@dataclass(frozen=True, slots=True)
class CountResult:
    """`cold`: the filter was counted as a whole, and its leaves are not cached for the next one."""

    preview: PreviewResult
    cold: bool


async def count(
    tx: Transaction, cache: LeafCache, request: CountRequest, before_statement: BeforeStatement
) -> CountResult:
    """Return the count. Raise TooManyIds where bitmaps cannot answer, InFlight where others fetch the same leaves."""
    scope, channels = request.filter.scope, request.channels
    requests = await _load_requests(tx, cache, request)
    cold = requests.is_cold()
    # One statement of the whole costs less than one for each of its leaves.
    bitmaps = await fetch_leaves(
        tx, cache, scope, [requests.whole()] if cold else requests.all_leaves(), before_statement
    )
    matching = bitmaps[_WHOLE] if cold else requests.matching(bitmaps)
    reach_requests = requests.reach()
    if len(matching) <= FEW and any(leaf.key is None or cache.get(leaf.key) is None for leaf in reach_requests):
        await before_statement()
        if tx.dialect == "postgresql":
            array = func.unnest(literal(list(matching), ARRAY(BigInteger))).table_valued(column("value", BigInteger))
            ids: Select[Any] = select(array.render_derived().c.value)
        else:
            ids = select(func.json_each(orjson.dumps(list(matching)).decode()).table_valued("value").c.value)
        preview = await survey(tx, scope.store_id, ids, channels, request.sample)
        return CountResult(preview, cold)
    sets = await fetch_leaves(tx, cache, scope, reach_requests, before_statement)
    reach = tuple(channel_reach(matching, sets, channels))
    return CountResult(PreviewResult(len(matching), reach, tuple(islice(matching, request.sample))), cold)


async def prefetch(tx: Transaction, cache: LeafCache, request: CountRequest, before_statement: BeforeStatement) -> None:
    """Cache every leaf for the next filter, which will be much like this one. Raise what `count` raises."""
    requests = await _load_requests(tx, cache, request)
    await fetch_leaves(tx, cache, request.filter.scope, [*requests.all_leaves(), *requests.reach()], before_statement)


async def _load_requests(tx: Transaction, cache: LeafCache, request: CountRequest) -> "_LeafRequests":
    store_id = request.filter.scope.store_id
    last = await tx.scalar(select(func.max(customer_numbers.c.last)).where(customer_numbers.c.store_id == store_id))
    if last is not None and last > LARGEST:
        raise TooManyIds
    return _LeafRequests(cache, request, await versions(tx, store_id))


class _LeafRequests:
    """The requests whose bitmaps together answer a filter, with the versions of the data that they rest on."""

    def __init__(self, cache: LeafCache, request: CountRequest, data: Versions) -> None:
        self._cache, self._request, self._versions = cache, request, data
        self._filter = request.filter
        self._leaves = {leaf.key: leaf for leaf in leaves(self._filter.node)}
        self._traits: dict[bytes, LeafTraits] = {}
        for key, leaf in self._leaves.items():
            traits = cache.traits.get(key)
            if traits is None:
                traits = leaf_traits(leaf, self._filter.catalogue, self._filter.scope)
                cache.add_traits(key, traits)
            self._traits[key] = traits

    def is_cold(self) -> bool:
        """Return whether more leaves are missing than cached; those that find a few are cheap, and do not count."""
        costly = [request for request in self._condition_requests() if not self._traits[request.name].few]
        missing = [request for request in costly if request.key is None or self._cache.get(request.key) is None]
        return len(missing) > 1 and 2 * len(missing) > len(costly)

    def all_leaves(self) -> list[LeafRequest]:
        """Return the conditions' requests, and that of the customers whom they narrow or are subtracted from."""
        if not self._combine({key: BitMap() for key in self._leaves}).negated:
            deleted = partial_index_ids("deleted_at IS NOT NULL", self._filter.scope)
            base = self._compiled(_DELETED, ChangeKind.EXISTENCE, IdSet(deleted, Selectivity.PICKED, distinct=True))
        else:
            base = self._compiled(_EVERYONE, ChangeKind.EXISTENCE, RowPredicate(customers.c.deleted_at.is_(None)))
        return [*self._condition_requests(), base]

    def whole(self) -> LeafRequest:
        """Return a request that the filter's one statement answers."""
        all_kinds = [traits.kinds for traits in self._traits.values()]
        kinds = ChangeKind.EXISTENCE
        for leaf_kinds in all_kinds:
            kinds |= leaf_kinds or kinds
        # By its text, since True == 1 in Python.
        name = blake2b(repr(self._filter.node).encode(), digest_size=16).digest()
        by_the_hour = any(traits.by_the_hour for traits in self._traits.values())
        key = self._key(name, None if None in all_kinds else kinds, by_the_hour=by_the_hour)
        return LeafRequest(_WHOLE, key, lambda: IdSet(self._filter.select_ids(), Selectivity.LOG, distinct=True))

    def reach(self) -> list[LeafRequest]:
        """Return the requests of the sets that the channels' reach follows from."""
        sets = reach_sets(self._request.channels, self._filter.scope)
        return [self._compiled(reach_set.name, reach_set.kinds, reach_set.ids) for reach_set in sets]

    def matching(self, bitmaps: Mapping[bytes, BitMap]) -> BitMap:
        """Return the customers who match, by the bitmaps of `all_leaves`."""
        expression = self._combine(bitmaps)
        return bitmaps[_EVERYONE] - expression.ids if expression.negated else expression.ids - bitmaps[_DELETED]

    def _combine(self, bitmaps: Mapping[bytes, BitMap]) -> IdSetExpr[BitMap]:
        expressions: dict[bytes, IdSetExpr[BitMap]] = {}
        for key, traits in self._traits.items():
            if traits.constant is not None:
                expressions[key] = IdSetExpr(BitMap(), negated=traits.constant)
            else:
                expressions[key] = IdSetExpr(bitmaps[key], negated=traits.negated)
        return combine(self._filter.node, expressions, BitMap())

    def _condition_requests(self) -> list[LeafRequest]:
        requests: list[LeafRequest] = []
        for name, leaf in self._leaves.items():
            traits = self._traits[name]
            if traits.constant is None:
                key = self._key(name, traits.kinds, by_the_hour=traits.by_the_hour)
                compile_ = partial(condition_of, leaf, self._filter.catalogue, self._filter.scope)
                requests.append(LeafRequest(name, key, compile_))
        return requests

    def _compiled(self, name: bytes, kinds: ChangeKind, predicate: Predicate) -> LeafRequest:
        return LeafRequest(name, self._key(name, kinds), lambda: predicate)

    def _key(self, name: bytes, kinds: ChangeKind | None, *, by_the_hour: bool = False) -> Hashable | None:
        """Return the key of an answer that rests on these kinds of data, None where they are unknown.

        Moments within a minute are one: between them, only what is dated ahead can come to count.
        """
        if kinds is None:
            return None
        scope = self._filter.scope
        minute = scope.now.replace(second=0, microsecond=0) if by_the_hour else None
        return scope.store_id, name, scope.timezone, scope.today, minute, kinds, self._versions.of(kinds)
