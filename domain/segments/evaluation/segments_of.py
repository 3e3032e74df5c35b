"""Find the segments that customers are in, as they are now."""

from collections.abc import Sequence
from datetime import datetime

from domain.extensions import Extensions
from domain.kit.db import Transaction
from domain.segments import queries
from domain.segments.evaluation.match_customers import compile_filters, match_customers
from domain.segments.evaluation.resolve import ResolvedFilter, resolve_each
from domain.segments.model import Segment
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store


async def segments_of(
    tx: Transaction, store: Store, ids: Sequence[int], now: datetime, extensions: Extensions
) -> dict[int, list[Segment]]:
    """Return each customer's active segments, the newest first, by as many statements as for one customer."""
    active = await queries.active(tx, store.id)
    scope = FilterScope(store.id, store.timezone, now, tx.dialect)
    resolved = await resolve_each(tx, {segment.id: segment for segment in active}, scope, extensions)
    filters = {key: filter_ for key, filter_ in resolved.items() if isinstance(filter_, ResolvedFilter)}
    members = await match_customers(tx, compile_filters(filters), scope, ids)
    return {
        customer_id: [segment for segment in active if customer_id in members.get(segment.id, ())]
        for customer_id in ids
    }
