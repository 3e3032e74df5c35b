"""Measure the days between purchases of a store's customers: the median of their medians."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, cast, func, literal_column, select

from domain.kit.db import Transaction
from domain.kit.db.types import Instant
from domain.kit.db.zones import day_number
from domain.lifecycle.model import LOOK_BACK_DAYS, YOUNG_DAYS
from domain.orders.tables import orders


async def measure(tx: Transaction, store_id: int, timezone: str, now: datetime) -> float | None:
    """Return the days; None where the store's orders do not say: it is young, or nobody came back within two years."""
    counted: tuple[ColumnElement[Any], ...] = (orders.c.store_id == store_id, literal_column("orders.counted"))
    first: datetime | None = await tx.scalar(select(func.min(orders.c.placed_at, type_=Instant())).where(*counted))
    if first is None or first > now - timedelta(days=YOUNG_DAYS):
        return None
    # Several orders of one day are one purchase.
    day = day_number(orders.c.placed_at, timezone, tx.dialect).label("day")
    since = now - timedelta(days=LOOK_BACK_DAYS)
    purchases = (
        select(orders.c.customer_id.label("customer"), day)
        .where(*counted, orders.c.placed_at > since, orders.c.placed_at <= now)
        .distinct()
        .subquery("bought")
    )
    before = func.lag(purchases.c.day).over(partition_by=purchases.c.customer, order_by=purchases.c.day)
    gaps = select(purchases.c.customer, (purchases.c.day - before).label("gap")).subquery("gaps")
    medians = _median(gaps.c.gap, gaps.c.customer).subquery("medians")
    days: float | None = await tx.scalar(_median(medians.c.median))
    return days


def _median(value: ColumnElement[Any], *by: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """Select the mean of the two in the middle, which is one where their number is odd."""
    ranked = (
        select(
            *by,
            value.label("value"),
            func.row_number().over(partition_by=by or None, order_by=value).label("place"),
            func.count().over(partition_by=by or None).label("number"),
        )
        .where(value.is_not(None))
        .subquery()
    )
    middle = ranked.c.place.in_([(ranked.c.number + 1) // 2, (ranked.c.number + 2) // 2])
    groups = [ranked.c[column.name] for column in by]
    median = cast(func.avg(cast(ranked.c.value, Double)), Double)
    statement = select(*groups, median.label("median")).where(middle)
    return statement.group_by(*groups) if groups else statement
