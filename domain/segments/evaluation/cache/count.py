"""A filter's count, reach and sample out of its leaves' bitmaps."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
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
from domain.segments.catalogue import Catalogue
from domain.segments.compiler.normal_form import Leaf, Node, leaves
from domain.segments.compiler.select import condition_of, ids_of
from domain.segments.evaluation.cache import reach as channel_reach
from domain.segments.evaluation.cache.fetch import LeafRequest, answer
from domain.segments.evaluation.cache.lru import LeafCache
from domain.segments.evaluation.cache.transfer import LARGEST, TooManyIds
from domain.segments.evaluation.leaf_analysis import LeafTraits, leaf_traits
from domain.segments.evaluation.reach import PreviewResult, survey
from domain.segments.evaluation.set_algebra import IdSetExpr, combined
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate, Selectivity, partial_index_ids
from domain.segments.sql.scope import FilterScope

# The reach of so many is asked for by itself, where that of everyone is not at hand.
FEW = 1_000
_EVERYONE, _DELETED, _WHOLE = b"everyone", b"deleted", b"whole"


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter in its normal form, and what reading it takes."""

    node: Node
    catalogue: Catalogue
    scope: FilterScope
    channels: Mapping[str, AddressKind]


@dataclass(frozen=True, slots=True)
class CountResult:
    """`cold`: the filter was asked as a whole, and its leaves are not at hand for the next one."""

    found: PreviewResult
    cold: bool


async def count(
    tx: Transaction, kept: LeafCache, wanted: Filter, sample: int, watch: Callable[[], Awaitable[None]]
) -> CountResult:
    """Raises `TooLarge` where bitmaps cannot answer, and `Underway` where others are just at it."""
    scope = wanted.scope
    asking = await _asking(tx, kept, wanted)
    cold = asking.is_new()
    # One statement of the whole costs less than each of its leaves by itself.
    needs = [asking.whole()] if cold else asking.parts()
    answers = await answer(tx, kept, scope, needs, watch)
    result = answers[_WHOLE] if cold else asking.result(answers)
    of_channels = asking.reach()
    if len(result) <= FEW and any(need.key is None or kept.get(need.key) is None for need in of_channels):
        await watch()
        found = await survey(tx, scope.store_id, _these(result, tx.dialect), wanted.channels, sample)
        return CountResult(found, cold)
    sets = await answer(tx, kept, scope, of_channels, watch)
    reach = tuple(channel_reach.reach(result, sets, wanted.channels))
    return CountResult(PreviewResult(len(result), reach, tuple(islice(result, sample))), cold)


async def warm(tx: Transaction, kept: LeafCache, wanted: Filter, watch: Callable[[], Awaitable[None]]) -> None:
    """Has every leaf at hand for the filter that comes next, which will be much like this one."""
    asking = await _asking(tx, kept, wanted)
    await answer(tx, kept, wanted.scope, [*asking.parts(), *asking.reach()], watch)


async def _asking(tx: Transaction, kept: LeafCache, wanted: Filter) -> "_Asking":
    store_id = wanted.scope.store_id
    last = await tx.scalar(select(func.max(customer_numbers.c.last)).where(customer_numbers.c.store_id == store_id))
    if last is not None and last > LARGEST:
        raise TooManyIds
    return _Asking(kept, wanted, await versions(tx, store_id))


def _these(result: BitMap, dialect: str) -> Select[Any]:
    if dialect == "postgresql":
        handed = func.unnest(literal(list(result), ARRAY(BigInteger))).table_valued(column("value", BigInteger))
        return select(handed.render_derived().c.value)
    return select(func.json_each(orjson.dumps(list(result)).decode()).table_valued("value").c.value)


class _Asking:
    def __init__(self, kept: LeafCache, wanted: Filter, seen: Versions) -> None:
        self._kept, self._wanted, self._seen = kept, wanted, seen
        self._leaves = {leaf.key: leaf for leaf in leaves(wanted.node)}
        catalogue, scope = wanted.catalogue, wanted.scope
        self._questions: dict[bytes, LeafTraits] = {
            key: kept.traits.get(key) or kept.remember(key, leaf_traits(leaf, catalogue, scope))
            for key, leaf in self._leaves.items()
        }

    def is_new(self) -> bool:
        """Whether more leaves are to be asked for than are at hand; those that find a few are asked in passing."""
        costly = [need for need in self._of_leaves() if not self._questions[need.name].few]
        missing = [need for need in costly if need.key is None or self._kept.get(need.key) is None]
        return len(missing) > 1 and 2 * len(missing) > len(costly)

    def parts(self) -> list[LeafRequest]:
        """The leaves, and from whom they are taken away."""
        return [*self._of_leaves(), self.deleted() if self.narrows() else self.everyone()]

    def whole(self) -> LeafRequest:
        """Whom the filter finds, by one statement."""
        asked = [self._questions[key] for key in self._leaves]
        unknown = any(each.kinds is None for each in asked)
        kinds = ChangeKind.EXISTENCE
        for each in asked:
            kinds |= each.kinds or kinds
        # By what it says, since True == 1 in Python.
        named = blake2b(repr(self._wanted.node).encode(), digest_size=16).digest()
        key = self._key(named, None if unknown else kinds, by_the_hour=any(each.by_the_hour for each in asked))
        return LeafRequest(_WHOLE, key, self._select)

    def _select(self) -> Predicate:
        ids = ids_of(self._wanted.node, self._wanted.catalogue, self._wanted.scope)
        return IdSet(ids, Selectivity.LOG, distinct=True)

    def _of_leaves(self) -> list[LeafRequest]:
        return [self._leaf(leaf) for key, leaf in self._leaves.items() if self._questions[key].constant is None]

    def _leaf(self, leaf: Leaf) -> LeafRequest:
        known = self._questions[leaf.key]
        ask = partial(condition_of, leaf, self._wanted.catalogue, self._wanted.scope)
        return LeafRequest(leaf.key, self._key(leaf.key, known.kinds, by_the_hour=known.by_the_hour), ask)

    def deleted(self) -> LeafRequest:
        few = IdSet(partial_index_ids("deleted_at IS NOT NULL", self._wanted.scope), Selectivity.PICKED, distinct=True)
        return LeafRequest(_DELETED, self._key(_DELETED, ChangeKind.EXISTENCE), lambda: few)

    def everyone(self) -> LeafRequest:
        live: Predicate = RowPredicate(customers.c.deleted_at.is_(None))
        return LeafRequest(_EVERYONE, self._key(_EVERYONE, ChangeKind.EXISTENCE), lambda: live)

    def reach(self) -> list[LeafRequest]:
        sets = channel_reach.asked(self._wanted.channels, self._wanted.scope)
        return [LeafRequest(name, self._key(name, kinds), partial(_same, sql)) for name, kinds, sql in sets]

    def narrows(self) -> bool:
        """Whether the filter's leaves say who is in it, rather than who is not."""
        return not self._combined({key: BitMap() for key in self._leaves}).negated

    def result(self, found: Mapping[bytes, BitMap]) -> BitMap:
        those = self._combined(found)
        return found[_EVERYONE] - those.ids if those.negated else those.ids - found[_DELETED]

    def _combined(self, found: Mapping[bytes, BitMap]) -> IdSetExpr[BitMap]:
        sides = {key: _side(self._questions[key], found.get(key)) for key in self._leaves}
        return combined(self._wanted.node, sides, BitMap())

    def _key(self, name: bytes, kinds: ChangeKind | None, *, by_the_hour: bool = False) -> Hashable | None:
        """Moments within a minute are one: between them, only what is dated ahead can come to count."""
        if kinds is None:
            return None
        scope = self._wanted.scope
        minute = scope.now.replace(second=0, microsecond=0) if by_the_hour else None
        return scope.store_id, name, scope.timezone, scope.today, minute, kinds, self._seen.of(kinds)


def _side(known: LeafTraits, found: BitMap | None) -> IdSetExpr[BitMap]:
    if known.constant is not None:
        return IdSetExpr(BitMap(), negated=known.constant)
    assert found is not None
    return IdSetExpr(found, negated=known.negated)


def _same(sql: Predicate) -> Predicate:
    return sql
