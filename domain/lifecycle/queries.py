"""Statements on the thresholds that customers are scored by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from domain.customers.tables import customer_facts, customers
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.lifecycle.model import ChosenThresholds, Cuts, LastScoring, Thresholds, high_places, low_places
from domain.lifecycle.tables import lifecycles
from domain.stores.tables import stores

_facts, _row = customer_facts.c, lifecycles.c
_CHOSEN = ("active_days", "lost_days", "introduce_days", "loyal_orders", "high_spend", "repurchase_days")
_USED = ("active_days", "lost_days", "introduce_days", "loyal_orders", "high_spend", "cycle")


@dataclass(frozen=True, slots=True)
class ScheduledDay:
    """A store's timezone, and the day for which its scoring was last scheduled."""

    store_id: int
    timezone: str
    scheduled_on: date | None


async def scheduled_days(tx: Transaction) -> list[ScheduledDay]:
    statement = select(stores.c.id, stores.c.timezone, _row.scheduled_on)
    rows = await tx.execute(statement.outerjoin(lifecycles, _row.store_id == stores.c.id).order_by(stores.c.id))
    return [ScheduledDay(row.id, row.timezone, row.scheduled_on) for row in rows]


async def schedule(tx: Transaction, store_id: int, today: date) -> bool:
    """Schedule a day, and return whether it had not been before: True for one of several who try at a time."""
    statement = insert_into(lifecycles, tx.dialect).values(store_id=store_id, scheduled_on=today)
    late = or_(_row.scheduled_on.is_(None), _row.scheduled_on < today)
    upsert = statement.on_conflict_do_update(index_elements=["store_id"], set_={"scheduled_on": today}, where=late)
    return (await tx.execute(upsert.returning(_row.store_id))).one_or_none() is not None


async def chosen_thresholds(tx: Transaction, store_id: int) -> ChosenThresholds:
    row = (await tx.execute(select(*(_row[name] for name in _CHOSEN)).where(_row.store_id == store_id))).one_or_none()
    return ChosenThresholds() if row is None else ChosenThresholds(**dict(zip(_CHOSEN, row, strict=True)))


async def save_chosen(tx: Transaction, store_id: int, chosen: ChosenThresholds) -> None:
    values = {name: getattr(chosen, name) for name in _CHOSEN}
    statement = insert_into(lifecycles, tx.dialect).values(store_id=store_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id"], set_=values))


async def last_scoring(tx: Transaction, store_id: int) -> LastScoring:
    used = [_row[f"used_{name}"] for name in _USED]
    row = (await tx.execute(select(_row.computed_on, _row.measured, *used).where(_row.store_id == store_id))).first()
    if row is None or row.computed_on is None:
        return LastScoring(None, False, None)
    return LastScoring(row.computed_on, bool(row.measured), Thresholds(**dict(zip(_USED, row[2:], strict=True))))


async def record_scoring(tx: Transaction, store_id: int, today: date, used: Thresholds, *, measured: bool) -> None:
    values: dict[str, object] = {f"used_{name}": getattr(used, name) for name in _USED}
    values |= {"computed_on": today, "measured": measured}
    statement = insert_into(lifecycles, tx.dialect).values(store_id=store_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id"], set_=values))


async def load_cuts(tx: Transaction, store_id: int) -> Cuts:
    """Return the values at the places where fifths of the customers who have ordered meet."""
    count: int = await tx.scalar(select(func.count()).select_from(_buyers(store_id).subquery()))
    if count == 0:
        return Cuts((), (), ())
    recency = await _values_at(tx, store_id, _facts.last_order_at, high_places(count))
    frequency = await _values_at(tx, store_id, _facts.order_count, low_places(count))
    monetary = await _values_at(tx, store_id, _facts.total_spent, low_places(count))
    return Cuts(recency, frequency, monetary)


def _buyers(store_id: int) -> Select[*tuple[Any, ...]]:
    same = and_(customers.c.store_id == _facts.store_id, customers.c.id == _facts.customer_id)
    live = (_facts.store_id == store_id, _facts.order_count > 0, customers.c.deleted_at.is_(None))
    return select(_facts.customer_id).join(customers, same).where(*live)


async def _values_at(tx: Transaction, store_id: int, column: ColumnElement[Any], places: Sequence[int]) -> list[Any]:
    rank = func.row_number().over(order_by=column)
    ranked = _buyers(store_id).with_only_columns(column.label("value"), rank.label("place")).subquery("ranked")
    rows = await tx.execute(select(ranked.c.place, ranked.c.value).where(ranked.c.place.in_(places)))
    values: dict[int, Any] = {row.place: row.value for row in rows}
    return [values[place] for place in places]


async def last_customer(tx: Transaction, store_id: int) -> int:
    last: int | None = await tx.scalar(select(func.max(_facts.customer_id)).where(_facts.store_id == store_id))
    return last or 0
