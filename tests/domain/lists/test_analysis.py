"""What lists are made of, against a count in plain Python."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import insert, update

from domain.customers.tables import customers
from domain.kit.clock import day_of
from domain.kit.db import Database
from domain.lists.analysis import BUCKETS, Analysis, Bucket, analyse
from domain.lists.tables import list_members
from domain.orders.tables import orders
from tests.domain.segments.stored_people import LIST, NOW, TIMEZONE, Order, Person, make_people, store_people

EVERYONE = make_people(80)
TODAY = day_of(NOW, TIMEZONE)
AGES = {
    "Under 18": (0, 17),
    "18-24": (18, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65 and over": (65, 200),
}
OTHER = UUID(int=9)


def live(everyone: list[Person]) -> list[Person]:
    return [person for person in everyone if person.listed and person.row["deleted_at"] is None]


async def analysis_of(database: Database, store_id: int, *lists: UUID, now: datetime = NOW) -> list[Analysis]:
    async with database.read() as tx:
        analyses = await analyse(tx, store_id, lists, TIMEZONE, now)
    return [analyses[list_id] for list_id in lists]


async def test_a_list_is_counted_by_each_trait(database: Database, store_id: int) -> None:
    """SL-14: the make-up of those members who are customers still."""
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
        await tx.execute(insert(list_members).values(store_id=store_id, list_id=OTHER, customer_id=1))
    [analysis, other, nobody] = await analysis_of(database, store_id, LIST, OTHER, UUID(int=99))
    members = live(EVERYONE)
    assert analysis.members == len(members)
    for trait in ("gender", "tier", "country", "source"):
        counts = Counter(str(person.row[trait]) if person.row[trait] else "Unknown" for person in members)
        assert {bucket.label: bucket.count for bucket in analysis.buckets[trait]} == counts, trait
        known = [bucket for bucket in analysis.buckets[trait] if bucket.value is not None]
        assert known == sorted(known, key=lambda bucket: (-bucket.count, bucket.label)), trait
        assert analysis.buckets[trait][-1] == Bucket("Unknown", None, counts["Unknown"])
    ages = Counter(age_group(person.row["birthday"]) for person in members)
    assert {bucket.label: bucket.count for bucket in analysis.buckets["age"]} == ages
    assert [bucket.label for bucket in analysis.buckets["age"]] == [
        bucket for bucket in (*AGES, "Unknown") if bucket in ages
    ]
    counted = [order for person in members for order in person.orders if order.counted]
    assert analysis.orders == len(counted)
    assert analysis.total_spent == sum(order.total for order in counted)
    summed = [order for order in counted if order.row["total"] is not None]
    assert 0 < analysis.foreign_orders == len(counted) - len(summed)
    assert analysis.average_order_value == round(analysis.total_spent / len(summed), 4)
    assert other.members == sum(person.id == 1 and person.row["deleted_at"] is None for person in EVERYONE)
    assert (nobody.members, nobody.orders, nobody.average_order_value) == (0, 0, None)
    assert all(not buckets for buckets in nobody.buckets.values())


def age_group(birthday: object) -> str:
    if not isinstance(birthday, date):
        return "Unknown"
    years = TODAY.year - birthday.year - ((TODAY.month, TODAY.day) < (birthday.month, min(birthday.day, 28)))
    return next((label for label, (low, high) in AGES.items() if low <= years <= high), "Unknown")


async def test_the_last_30_days_are_seen_against_the_30_before(database: Database, store_id: int) -> None:
    """SL-58, SL-59: shoppers, orders, sales, and the share of the members who bought."""
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
    [analysis] = await analysis_of(database, store_id, LIST)
    spans = [(NOW - timedelta(days=30), NOW), (NOW - timedelta(days=60), NOW - timedelta(days=30))]
    for at, (since, until) in enumerate(spans):
        bought = {person.id: placed(person, since, until) for person in live(EVERYONE)}
        figures = [(each.current, each.previous)[at] for each in (analysis.trend.shoppers, analysis.trend.orders)]
        assert figures == [sum(bool(each) for each in bought.values()), sum(len(each) for each in bought.values())]
        sales = (analysis.trend.sales.current, analysis.trend.sales.previous)[at]
        assert sales == sum((order.total for each in bought.values() for order in each), Decimal(0))
        share = (analysis.trend.conversion.current, analysis.trend.conversion.previous)[at]
        assert share == Decimal(figures[0]) / len(live(EVERYONE))
    assert analysis.trend.orders.current > 0 < analysis.trend.orders.previous
    change = analysis.trend.orders.change
    assert change is not None
    assert abs(change - (float(analysis.trend.orders.current / analysis.trend.orders.previous) - 1)) < 1e-12
    assert (analysis.trend.since, analysis.trend.until) == spans[0]


def placed(person: Person, since: datetime, until: datetime) -> list[Order]:
    return [order for order in person.orders if order.counted and since < order.placed_at <= until]


async def test_an_instant_belongs_to_one_span_and_what_a_till_took_back_to_none(
    database: Database, store_id: int
) -> None:
    crowd = make_people(20)
    for person in crowd:
        person.orders, person.listed = [], person.id == 1
    crowd[0].row["deleted_at"] = None
    edges = [NOW - timedelta(days=60), NOW - timedelta(days=30), NOW, NOW + timedelta(microseconds=1)]
    row = {"store_id": store_id, "customer_id": 1, "counted": True, "updated_at": NOW, "total": Decimal(10)}
    async with database.write() as tx:
        await store_people(tx, store_id, crowd)
        for at, moment in enumerate(edges):
            await tx.execute(insert(orders).values(**row, id=f"o{at}", placed_at=moment, status="completed"))
        for at, (status, source) in enumerate([("returned", "pos"), ("returned", "web"), ("returned", None)]):
            await tx.execute(insert(orders).values(**row, id=f"r{at}", placed_at=NOW, status=status, source=source))
    [analysis] = await analysis_of(database, store_id, LIST)
    assert (analysis.trend.orders.current, analysis.trend.orders.previous) == (Decimal(3), Decimal(1))
    assert (analysis.trend.sales.current, analysis.trend.sales.previous) == (Decimal(30), Decimal(10))
    assert analysis.trend.shoppers.change == 0
    [later] = await analysis_of(database, store_id, LIST, now=NOW + timedelta(days=400))
    assert later.trend.orders.change is None


async def test_only_the_largest_are_named_where_there_are_many(database: Database, store_id: int) -> None:
    many = make_people(BUCKETS + 10)
    for person in many:
        person.listed, person.row["deleted_at"], person.row["source"] = True, None, f"s{person.id:03}"
    many[-1].row["source"] = "s001"
    async with database.write() as tx:
        await store_people(tx, store_id, many)
        await tx.execute(update(customers).where(customers.c.id == 2).values(source=None))
    [analysis] = await analysis_of(database, store_id, LIST)
    named = analysis.buckets["source"]
    assert named[0] == Bucket("s001", "s001", 2)
    assert len(named) == BUCKETS + 2
    assert named[-2:] == [Bucket("Others", None, 8), Bucket("Unknown", None, 1)]
