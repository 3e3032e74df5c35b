"""Analyse lists: their members by traits, and what they bought in the last 30 days and in the 30 before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import (
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
from domain.kit.db.portable import exact_sum
from domain.kit.db.types import MONEY_SCALE, Instant, Money
from domain.lists.tables import list_members
from domain.orders.tables import orders
from domain.segments.sql.columns.times import last_birthday

SPAN = timedelta(days=30)
BUCKETS = 50
UNKNOWN, OTHERS = "Unknown", "Others"
# Where each age group begins.
_AGES = (0, 18, 25, 35, 45, 55, 65)
# A return at a till is an order of its own, and no sale (SL-59).
_RETURNED = ("return", "returned")
_TRAITS = ("gender", "tier", "age", "country", "source")


@dataclass(frozen=True, slots=True)
class Bucket:
    """`value` is None where it is not known, and for the rest behind the largest buckets."""

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
    """The members' purchases in the last days (SL-58, SL-59)."""

    since: datetime
    until: datetime
    shoppers: Figure
    orders: Figure
    sales: Figure
    conversion: Figure


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis of the members who are customers still."""

    members: int
    buckets: Mapping[str, Sequence[Bucket]]
    orders: int
    # Of these, those in another currency than the store's, which are not in the sum.
    foreign_orders: int
    total_spent: Decimal
    trend: Trend

    @property
    def average_order_value(self) -> Decimal | None:
        summed = self.orders - self.foreign_orders
        return Decimal(round(self.total_spent * MONEY_SCALE / summed)) / MONEY_SCALE if summed else None


@dataclass(slots=True)
class _Composition:
    members: int
    orders: int
    foreign_orders: int
    spent: Decimal
    # By trait: how many members have each value.
    counts: dict[str, list[tuple[str | None, int]]]


async def analyse(
    tx: Transaction, store_id: int, list_ids: Sequence[UUID], timezone: str, now: datetime
) -> dict[UUID, Analysis]:
    """Return the analysis of each list, by two statements however many there are."""
    compositions = {list_id: _Composition(0, 0, 0, Decimal(0), {name: [] for name in _TRAITS}) for list_id in list_ids}
    for row in await tx.execute(_traits(store_id, list_ids, day_of(now, timezone), tx.dialect)):
        composition = compositions[row.list_id]
        if row.trait is None:
            composition.members, composition.orders, composition.spent = row.members, row.orders, row.spent
            composition.foreign_orders = row.foreign_orders
        else:
            composition.counts[row.trait].append((row.value, row.members))
    purchase_rows = await tx.execute(_purchases(store_id, list_ids, now, tx.dialect))
    purchases = {row["list_id"]: row for row in purchase_rows.mappings()}
    analyses: dict[UUID, Analysis] = {}
    for list_id, composition in compositions.items():
        sums = purchases.get(list_id)
        shoppers, orders_, sales = (
            Figure(Decimal(0), Decimal(0))
            if sums is None
            else Figure(Decimal(sums[f"current_{name}"]), Decimal(sums[f"previous_{name}"]))
            for name in ("shoppers", "orders", "sales")
        )
        share = Decimal(max(composition.members, 1))
        conversion = Figure(shoppers.current / share, shoppers.previous / share)
        analyses[list_id] = Analysis(
            composition.members,
            {name: _buckets(name, composition.counts[name]) for name in _TRAITS},
            composition.orders,
            composition.foreign_orders,
            composition.spent,
            Trend(now - SPAN, now, shoppers, orders_, sales, conversion),
        )
    return analyses


def _buckets(name: str, counts: Sequence[tuple[str | None, int]]) -> list[Bucket]:
    """Return the largest first, ages in their order, and what is not known last."""
    known = {value: count for value, count in counts if value is not None}
    unknown = sum(count for value, count in counts if value is None)
    if name == "age":
        between = [f"{low}-{high - 1}" for low, high in pairwise(_AGES[1:])]
        labels = [f"Under {_AGES[1]}", *between, f"{_AGES[-1]} and over"]
        buckets = [
            Bucket(label, str(_AGES[group]), known[str(group)])
            for group, label in enumerate(labels)
            if str(group) in known
        ]
    else:
        ordered = sorted(known.items(), key=lambda bucket: (-bucket[1], bucket[0]))
        buckets = [Bucket(value, value, count) for value, count in ordered[:BUCKETS]]
        rest = sum(count for _, count in ordered[BUCKETS:])
        buckets += [Bucket(OTHERS, None, rest)] if rest else []
    return [*buckets, Bucket(UNKNOWN, None, unknown)] if unknown else buckets


def _traits(store_id: int, list_ids: Sequence[UUID], today: date, dialect: str) -> Any:
    """Select sums of a cube, for which one walk over the members counts them by all of their traits at once."""
    # By the store's day; nobody is younger than 0.
    born_by = [
        (customers.c.birthday <= bindparam(None, last_birthday(age, today), type_=Date()), group)
        for group, age in reversed(list(enumerate(_AGES)))
    ]
    age_group = case(*born_by, else_=cast(null(), Integer()))
    traits = [(age_group if name == "age" else customers.c[name]).label(name) for name in _TRAITS]
    of_member = and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id)
    cube = (
        _members(store_id, list_ids)
        .join(customer_facts, of_member)
        .add_columns(
            *traits,
            func.count().label("members"),
            func.sum(customer_facts.c.order_count).label("orders"),
            func.sum(customer_facts.c.foreign_order_count).label("foreign_orders"),
            exact_sum(type_coerce(customer_facts.c.total_spent, BigInteger()), dialect).label("spent"),
        )
        .group_by(list_members.c.list_id, *traits)
        .cte("cube")
    )
    members: ColumnElement[int] = cast(func.sum(cube.c.members), BigInteger)
    totals = select(
        cube.c.list_id,
        cast(null(), String()).label("trait"),
        cast(null(), String()).label("value"),
        members.label("members"),
        cast(func.sum(cube.c.orders), BigInteger).label("orders"),
        cast(func.sum(cube.c.foreign_orders), BigInteger).label("foreign_orders"),
        type_coerce(exact_sum(cube.c.spent, dialect), Money()).label("spent"),
    ).group_by(cube.c.list_id)
    zeros = [literal_column("0", BigInteger()), literal_column("0", BigInteger()), literal_column("0", Money())]
    by_trait = [
        select(
            cube.c.list_id, literal_column(f"'{name}'", String()), cast(cube.c[name], String()), members, *zeros
        ).group_by(cube.c.list_id, cube.c[name])
        for name in _TRAITS
    ]
    return union_all(totals, *by_trait)


def _members(store_id: int, list_ids: Sequence[UUID]) -> Select[*tuple[Any, ...]]:
    same = and_(list_members.c.store_id == customers.c.store_id, list_members.c.customer_id == customers.c.id)
    return (
        select(list_members.c.list_id)
        .join(customers, same)
        .where(list_members.c.store_id == store_id, list_members.c.list_id.in_(list_ids))
        .where(customers.c.deleted_at.is_(None))
    )


def _purchases(store_id: int, list_ids: Sequence[UUID], now: datetime, dialect: str) -> Select[*tuple[Any, ...]]:
    """Select the orders of either span: it begins after its first instant and ends with its last."""
    middle = bindparam("middle", now - SPAN, type_=Instant())
    sales_of_members = and_(
        orders.c.store_id == list_members.c.store_id,
        orders.c.customer_id == list_members.c.customer_id,
        orders.c.placed_at > bindparam("first", now - 2 * SPAN, type_=Instant()),
        orders.c.placed_at <= bindparam("last", now, type_=Instant()),
        literal_column("orders.counted"),
        or_(orders.c.source.is_distinct_from("pos"), orders.c.status.not_in(_RETURNED)),
    )
    sums: list[ColumnElement[Any]] = []
    for span, in_span in (("current", orders.c.placed_at > middle), ("previous", orders.c.placed_at <= middle)):
        total = exact_sum(case((in_span, type_coerce(orders.c.total, BigInteger()))), dialect)
        sums += [
            func.count(distinct(case((in_span, orders.c.customer_id)))).label(f"{span}_shoppers"),
            func.count(case((in_span, 1))).label(f"{span}_orders"),
            type_coerce(func.coalesce(total, 0), Money()).label(f"{span}_sales"),
        ]
    statement = _members(store_id, list_ids).join(orders, sales_of_members)
    return statement.add_columns(*sums).group_by(list_members.c.list_id)
