"""The worked examples of the specification, by their numbers there."""

from decimal import Decimal
from itertools import product

import pytest

from domain.kit.db import Database
from domain.kit.errors import DomainErrors, ErrorCode
from domain.segments import language
from domain.segments.compiler.select import customer_ids
from domain.segments.filters import Definition
from domain.segments.language.filter_parser import FilterParser
from domain.segments.sql.scope import FilterScope
from tests.domain.segments.filter_strategies import CATALOGUE
from tests.domain.segments.persons import NOW, TIMEZONE, Item, Order, Person, make_people
from tests.domain.segments.stored_people import store_people


def plain(count: int) -> list[Person]:
    """Customers of whom nothing is known yet."""
    everyone = make_people(count)
    for person in everyone:
        person.row |= {
            "blacklisted": False,
            "deleted_at": None,
            "member": False,
            "email": None,
            "email_verified": False,
        }
        person.orders, person.tags = [], {}
    return everyone


def read(query: str) -> Definition:
    definition = language.read(query, CATALOGUE, TIMEZONE, property_conditions=5)
    assert language.read(language.write(definition), CATALOGUE, TIMEZONE, property_conditions=5) == definition
    return definition


async def found(database: Database, store_id: int, everyone: list[Person], query: str) -> set[int]:
    async with database.write() as tx:
        await store_people(tx, store_id, everyone)
        ids = customer_ids(read(query), CATALOGUE, FilterScope(store_id, TIMEZONE, NOW, tx.dialect), {})
        return set((await tx.execute(ids)).scalars())


async def test_vector_10_email_or_verified_and_member_without_blacklisted(database: Database, store_id: int) -> None:
    everyone = plain(16)
    expected: set[int] = set()
    for person, (email, verified, member, blacklisted) in zip(everyone, product([True, False], repeat=4), strict=True):
        person.row |= {"email": f"u{person.id}@shop.example" if email else None, "email_verified": verified}
        person.row |= {"member": member, "blacklisted": blacklisted}
        expected |= {person.id} if (email or verified) and member and not blacklisted else set()
    query = "(has_email = true OR email_verified = true) AND member = true"
    assert await found(database, store_id, everyone, query) == expected
    assert len(expected) == 3


def test_vector_11_25_names_are_taken_and_26_refused() -> None:
    names = [f"Customer {number}" for number in range(26)]
    reader = FilterParser(CATALOGUE, TIMEZONE, 5)
    for operator in ("IN", "CONTAINS", "NOT_IN"):
        condition = {"attribute": {"dimension": "name", "operator": operator, "values": names[:25]}}
        assert reader.read(condition, ("include",)) is not None
        condition["attribute"]["values"] = names
        assert reader.read(condition, ("include",)) is None
        fault = reader.faults.pop()
        assert (fault.code, fault.field) == (ErrorCode.LIMIT_EXCEEDED, ("include", "attribute", "values"))
    quoted = ", ".join(f'"{name}"' for name in names)
    with pytest.raises(DomainErrors) as caught:
        read(f"tag is set AND name in ({quoted})")
    assert [error.message for error in caught.value.errors] == ["Line 1, column 16: There are 26 values: 25 at most"]


def _order(*items: tuple[str | None, str | None], counted: bool = True) -> Order:
    row: dict[str, object] = {"status": "completed" if counted else "cancelled", "total": Decimal(10)}
    row |= dict.fromkeys(("payment_status", "delivery_status", "source", "coupon", "campaign"))
    row |= {"refunded": Decimal(0), "lines": len(items), "quantity": 1.0, "weekday": 1, "month_day": 1, "hour": 1}
    kept = [
        Item("p1", "Truck", None, category, department, None, 1.0, Decimal(10), set()) for department, category in items
    ]
    return Order(NOW, counted, row, kept)


async def test_vector_13_vip_and_department_accessories_truck(database: Database, store_id: int) -> None:
    everyone = plain(6)
    both = ("Accessories", "TRUCK")
    for person in everyone[:5]:
        person.tags = {"VIP": None}
    everyone[0].orders = [_order(("Women", "Shoes"), both)]
    everyone[1].orders = [_order(("Accessories", "Shoes"), ("Women", "TRUCK"))]
    everyone[2].orders = [_order(both, counted=False)]
    everyone[3].orders = [_order(("Accessories", None)), _order((None, "TRUCK"))]
    everyone[5].orders = [_order(both)]
    query = 'tag = "VIP" AND order(department = "Accessories", category = "TRUCK")'
    assert await found(database, store_id, everyone, query) == {everyone[0].id}
