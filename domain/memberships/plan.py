"""What a store's segments ask: compiled once for as long as they stay as they are and the day lasts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.changes import ChangeKind
from domain.kit.db import Transaction
from domain.memberships.model import fingerprint
from domain.segments import queries
from domain.segments.catalogue import Catalogue
from domain.segments.compiler.normal_form import Node, leaves
from domain.segments.evaluation import resolve
from domain.segments.evaluation.leaf_analysis import changes_with_the_day, kinds_asked
from domain.segments.evaluation.match_customers import compile_filters
from domain.segments.model import Segment, SegmentKind
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store


@dataclass(frozen=True, slots=True)
class Watched:
    """A segment whose members are followed. `timed`: the mere passing of time may change them."""

    segment: Segment
    node: Node
    fingerprint: str
    kinds: ChangeKind
    timed: bool


@dataclass(frozen=True, slots=True)
class Plan:
    shop: Store
    catalogue: Catalogue
    watched: dict[UUID, Watched]

    def concerned(self, kinds: ChangeKind) -> dict[UUID, Watched]:
        return {key: each for key, each in self.watched.items() if each.kinds & kinds}

    def scope(self, now: datetime, dialect: str) -> FilterScope:
        return FilterScope(self.shop.id, self.shop.timezone, now, dialect)


async def plan(tx: Transaction, shop: Store, now: datetime) -> Plan:
    """The active dynamic segments, but for those that ask for what the store no longer has."""
    dynamic = {each.id: each for each in await queries.active(tx, shop.id) if each.kind is SegmentKind.DYNAMIC}
    definitions = {key: each.definition for key, each in dynamic.items()}
    nodes, catalogue = await resolve.nodes_of(tx, shop.id, definitions)
    scope = FilterScope(shop.id, shop.timezone, now, tx.dialect)
    current = compile_filters(nodes, catalogue, scope).nodes
    watched = {key: _watched(dynamic[key], node, catalogue, scope) for key, node in current.items()}
    return Plan(shop, catalogue, watched)


def _watched(segment: Segment, node: Node, catalogue: Catalogue, scope: FilterScope) -> Watched:
    own = list({leaf.key: leaf for leaf in leaves(node)}.values())
    kinds = ChangeKind.EXISTENCE
    for leaf in own:
        kinds |= kinds_asked(leaf, catalogue, scope)
    timed = any(changes_with_the_day(leaf, catalogue, scope) for leaf in own)
    return Watched(segment, node, fingerprint(node, scope.timezone), kinds, timed)
