"""The segments that customers are in, as they are now."""

from collections.abc import Sequence
from datetime import datetime

from domain.kit.db import Transaction
from domain.segments import queries
from domain.segments.compiler.normal_form import Leaf
from domain.segments.evaluation import resolve
from domain.segments.evaluation.match_customers import compile_filters, match_customers
from domain.segments.filters import MembershipCondition
from domain.segments.model import Segment, SegmentKind
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store


async def segments_of(tx: Transaction, shop: Store, ids: Sequence[int], now: datetime) -> dict[int, list[Segment]]:
    """Each customer's active segments, the newest first; the number of statements does not grow with the customers."""
    active = await queries.active(tx, shop.id)
    scope = FilterScope(shop.id, shop.timezone, now, tx.dialect)
    dynamic = {each.id: each.definition for each in active if each.kind is SegmentKind.DYNAMIC}
    nodes, catalogue = await resolve.nodes_of(tx, shop.id, dynamic)
    picked = {
        each.id: Leaf(MembershipCondition(segment_id=each.id)) for each in active if each.kind is SegmentKind.STATIC
    }
    members = await match_customers(tx, compile_filters({**nodes, **picked}, catalogue, scope), scope, ids)
    return {customer: [each for each in active if customer in members.get(each.id, ())] for customer in ids}
