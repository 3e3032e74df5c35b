"""How many days a store's customers let pass between purchases: the median of their medians."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, cast, func, literal_column, select

from domain.kit.db import Transaction
from domain.kit.db.types import Instant
from domain.kit.db.zones import day_number
from domain.lifecycle.model import LOOK_BACK_DAYS, YOUNG_DAYS
from domain.orders.tables import orders


async def measure(tx: Transaction, store_id: int, timezone: str, now: datetime) -> float | None:
    """None where the store's orders do not tell: it is young, or nobody came back within two years."""
    counted: tuple[ColumnElement[Any], ...] = (orders.c.store_id == store_id, literal_column("orders.counted"))
    first: datetime | None = await tx.scalar(select(func.min(orders.c.placed_at, type_=Instant())).where(*counted))
    if first is None or first > now - timedelta(days=YOUNG_DAYS):
        return None
    found: float | None = await tx.scalar(_median_of_medians(store_id, timezone, now, tx.dialect))
    return found


def _median_of_medians(store_id: int, timezone: str, now: datetime, dialect: str) -> Select[*tuple[Any, ...]]:
    # Several orders of one day are one purchase.
    day = day_number(orders.c.placed_at, timezone, dialect).label("day")
    since = now - timedelta(days=LOOK_BACK_DAYS)
    bought = (
        select(orders.c.customer_id.label("customer"), day)
        .where(orders.c.store_id == store_id, literal_column("orders.counted"))
        .where(orders.c.placed_at > since, orders.c.placed_at <= now)
        .distinct()
        .subquery("bought")
    )
    before = func.lag(bought.c.day).over(partition_by=bought.c.customer, order_by=bought.c.day)
    gaps = select(bought.c.customer, (bought.c.day - before).label("gap")).subquery("gaps")
    medians = _median(gaps.c.gap, gaps.c.customer).subquery("medians")
    return _median(medians.c.median)


def _median(value: ColumnElement[Any], *by: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """The mean of the two in the middle, which is one where their number is odd."""
    numbered = (
        select(
            *by,
            value.label("value"),
            func.row_number().over(partition_by=by or None, order_by=value).label("place"),
            func.count().over(partition_by=by or None).label("number"),
        )
        .where(value.is_not(None))
        .subquery()
    )
    middle = numbered.c.place.in_([(numbered.c.number + 1) // 2, (numbered.c.number + 2) // 2])
    groups = [numbered.c[column.name] for column in by]
    median = cast(func.avg(cast(numbered.c.value, Double)), Double)
    found = select(*groups, median.label("median")).where(middle)
    return found.group_by(*groups) if groups else found
