"""What lists are made of, and what their members bought in the last 30 days beside the 30 before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    distinct,
    func,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)

from domain.customers.tables import customer_facts, customers
from domain.kit.clock import day_of
from domain.kit.db import Transaction
from domain.kit.db.types import MONEY_SCALE, Instant, Money
from domain.lists.tables import list_members
from domain.orders.tables import orders
from domain.segments.sql.columns.times import last_birthday

SPAN = timedelta(days=30)
BUCKETS = 50
UNKNOWN, OTHERS = "Unknown", "Others"
# Where each age group begins.
_AGES = (0, 18, 25, 35, 45, 55, 65)
# What a till takes back is an order of its own, and no sale (SL-59).
_TAKEN_BACK = ("return", "returned")
_TRAITS = ("gender", "tier", "age", "country", "source")


@dataclass(frozen=True, slots=True)
class Bucket:
    """`value` is None for those of whom it is not known, and for the rest behind the largest buckets."""

    label: str
    value: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the last 30 days, and of the 30 days before."""

    current: Decimal
    previous: Decimal

    @property
    def change(self) -> float | None:
        """0.25 is a rise by a quarter; None when there was nothing to rise from."""
        return None if self.previous == 0 else float(self.current / self.previous - 1)


@dataclass(frozen=True, slots=True)
class Trend:
    """What the members did lately (SL-58, SL-59)."""

    since: datetime
    until: datetime
    shoppers: Figure
    orders: Figure
    sales: Figure
    conversion: Figure


@dataclass(frozen=True, slots=True)
class Analysis:
    """Of the members who are customers still."""

    members: int
    buckets: Mapping[str, Sequence[Bucket]]
    orders: int
    total_spent: Decimal
    trend: Trend

    @property
    def average_order_value(self) -> Decimal | None:
        if self.orders == 0:
            return None
        return Decimal(round(self.total_spent * MONEY_SCALE / self.orders)) / MONEY_SCALE


@dataclass(slots=True)
class _MakeUp:
    members: int
    orders: int
    spent: Decimal
    counts: dict[str, list[tuple[str | None, int]]]


async def analyse(
    tx: Transaction, store_id: int, list_ids: Sequence[UUID], timezone: str, now: datetime
) -> dict[UUID, Analysis]:
    """All of the lists by two statements, however many there are."""
    made = await _make_up(tx, store_id, list_ids, day_of(now, timezone))
    rows = await tx.execute(_bought(store_id, list_ids, now))
    bought = {row["list_id"]: row for row in rows.mappings()}
    return {list_id: _analysis(made[list_id], bought.get(list_id), now) for list_id in list_ids}


def _analysis(made: _MakeUp, bought: Mapping[Any, Any] | None, now: datetime) -> Analysis:
    return Analysis(
        made.members,
        {name: _buckets(name, made.counts[name]) for name in _TRAITS},
        made.orders,
        made.spent,
        _trend(made.members, bought, now),
    )


def _trend(members: int, bought: Mapping[Any, Any] | None, now: datetime) -> Trend:
    shoppers, orders_, sales = (
        Figure(Decimal(0), Decimal(0))
        if bought is None
        else Figure(Decimal(bought[f"current_{name}"]), Decimal(bought[f"previous_{name}"]))
        for name in ("shoppers", "orders", "sales")
    )
    share = Decimal(max(members, 1))
    conversion = Figure(shoppers.current / share, shoppers.previous / share)
    return Trend(now - SPAN, now, shoppers, orders_, sales, conversion)


def _buckets(name: str, counts: Iterable[tuple[str | None, int]]) -> list[Bucket]:
    """The largest first, ages in their order, and what is not known last."""
    if name == "age":
        found = {value: count for value, count in counts if value is not None}
        known = [Bucket(_age_label(at), str(_AGES[at]), found[str(at)]) for at in range(len(_AGES)) if str(at) in found]
    else:
        ordered = sorted(((v, n) for v, n in counts if v is not None), key=lambda each: (-each[1], each[0]))
        known = [Bucket(value, value, count) for value, count in ordered[:BUCKETS]]
        rest = sum(count for _, count in ordered[BUCKETS:])
        known += [Bucket(OTHERS, None, rest)] if rest else []
    unknown = sum(count for value, count in counts if value is None)
    return [*known, Bucket(UNKNOWN, None, unknown)] if unknown else known


def _age_label(at: int) -> str:
    if at == 0:
        return f"Under {_AGES[1]}"
    return f"{_AGES[at]}-{_AGES[at + 1] - 1}" if at + 1 < len(_AGES) else f"{_AGES[at]} and over"


async def _make_up(tx: Transaction, store_id: int, list_ids: Sequence[UUID], today: date) -> dict[UUID, _MakeUp]:
    found = {list_id: _MakeUp(0, 0, Decimal(0), {name: [] for name in _TRAITS}) for list_id in list_ids}
    for list_id, trait, value, count, ordered, spent in await tx.execute(_traits(store_id, list_ids, today)):
        made = found[list_id]
        if trait is None:
            made.members, made.orders, made.spent = count, ordered, spent
        else:
            made.counts[trait].append((value, count))
    return found


def _traits(store_id: int, list_ids: Sequence[UUID], today: date) -> Any:
    """One walk over the members counts them by all of their traits at once; what is asked for are sums of that."""
    cube = _cube(store_id, list_ids, today)
    count: ColumnElement[int] = cast(func.sum(cube.c.members), BigInteger)
    totals = select(
        cube.c.list_id,
        cast(null(), String()).label("trait"),
        cast(null(), String()).label("value"),
        count,
        cast(func.sum(cube.c.orders), BigInteger),
        type_coerce(cast(func.sum(cube.c.spent), BigInteger), Money()),
    ).group_by(cube.c.list_id)
    nothing = [literal_column("0", BigInteger()), literal_column("0", Money())]
    parts = [
        select(
            cube.c.list_id, literal_column(f"'{name}'", String()), cast(cube.c[name], String()), count, *nothing
        ).group_by(cube.c.list_id, cube.c[name])
        for name in _TRAITS
    ]
    return union_all(totals, *parts)


def _cube(store_id: int, list_ids: Sequence[UUID], today: date) -> CTE:
    rows = _members(store_id, list_ids).join(
        customer_facts,
        and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id),
    )
    traits = [
        customers.c[name].label(name) if name != "age" else _age_group(customers.c.birthday, today).label(name)
        for name in _TRAITS
    ]
    return (
        rows.add_columns(
            *traits,
            func.count().label("members"),
            func.sum(customer_facts.c.order_count).label("orders"),
            func.sum(cast(customer_facts.c.total_spent, BigInteger)).label("spent"),
        )
        .group_by(list_members.c.list_id, *traits)
        .cte("cube")
    )


def _members(store_id: int, list_ids: Sequence[UUID]) -> Select[*tuple[Any, ...]]:
    same = and_(list_members.c.store_id == customers.c.store_id, list_members.c.customer_id == customers.c.id)
    return (
        select(list_members.c.list_id)
        .join(customers, same)
        .where(list_members.c.store_id == store_id, list_members.c.list_id.in_(list_ids))
        .where(customers.c.deleted_at.is_(None))
    )


def _age_group(birthday: ColumnElement[Any], today: date) -> ColumnElement[Any]:
    """The number of the group, by the store's day; nobody is younger than 0."""
    born = [
        (birthday <= bindparam(None, last_birthday(age, today), type_=Date()), at)
        for at, age in reversed(list(enumerate(_AGES)))
    ]
    return case(*born, else_=cast(null(), Integer()))


def _bought(store_id: int, list_ids: Sequence[UUID], now: datetime) -> Select[*tuple[Any, ...]]:
    """Orders of either span: it begins behind its first instant and ends with its last."""
    middle = bindparam("middle", now - SPAN, type_=Instant())
    current = orders.c.placed_at > middle
    previous = orders.c.placed_at <= middle
    bought = and_(
        orders.c.store_id == list_members.c.store_id,
        orders.c.customer_id == list_members.c.customer_id,
        orders.c.placed_at > bindparam("first", now - 2 * SPAN, type_=Instant()),
        orders.c.placed_at <= bindparam("last", now, type_=Instant()),
        literal_column("orders.counted"),
        or_(orders.c.source.is_distinct_from("pos"), orders.c.status.not_in(_TAKEN_BACK)),
    )
    named = [column for name, when in (("current", current), ("previous", previous)) for column in _sums(name, when)]
    return _members(store_id, list_ids).join(orders, bought).add_columns(*named).group_by(list_members.c.list_id)


def _sums(name: str, when: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    total = cast(func.coalesce(func.sum(case((when, cast(orders.c.total, BigInteger)))), 0), BigInteger)
    return [
        func.count(distinct(case((when, orders.c.customer_id)))).label(f"{name}_shoppers"),
        func.count(case((when, 1))).label(f"{name}_orders"),
        type_coerce(total, Money()).label(f"{name}_sales"),
    ]
