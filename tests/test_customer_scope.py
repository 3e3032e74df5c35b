"""The guard finds what brings customers' tables together by something else than the customer."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import ClauseElement, and_, bindparam, exists, func, insert, or_, select, text, tuple_, union, update

from domain.customers.tables import customer_facts, customers
from domain.imports.tables import import_order_rows
from domain.kit.db import Database
from domain.orders.tables import order_customers, order_items, orders
from domain.segments.queries import erase_members
from domain.segments.tables import segments
from tests.customer_scope import NOT_LOCAL, apart
from tests.store_scope import StoreScopeGuard

_order, _item, _customer, _fact = orders.c, order_items.c, customers.c, customer_facts.c
_same = and_(_fact.store_id == _customer.store_id, _fact.customer_id == _customer.id)
_of_store = _order.store_id == 1
_buyers = select(_order.customer_id).where(_of_store)
_first = select(_order.customer_id, func.min(_order.placed_at).label("at")).group_by(_order.customer_id).subquery()

LOCAL = {
    "one table": select(func.count()).select_from(orders).where(_of_store),
    "a join": select(_fact.order_count).join(customers, _same),
    "a join in the WHERE": select(_fact.order_count, _order.id).where(_fact.customer_id == _order.customer_id),
    "three by two": select(_fact.order_count).join(customers, _same).join(orders, _order.customer_id == _customer.id),
    "what is derived": select(_customer.name).join(_first, _first.c.customer_id == _customer.id),
    "a set of customers": select(_customer.name).where(_customer.id.in_(_buyers)),
    "a set of their orders": select(_order.total).where(
        tuple_(_order.customer_id, _order.id).in_(select(_item.customer_id, _item.order_id))
    ),
    "what encloses it": select(_customer.name).where(~exists().where(_order.customer_id == _customer.id)),
    "customers who are given": select(_customer.name, _order.total).where(
        _customer.id == bindparam("one"), _order.customer_id == bindparam("one")
    ),
    "a union": union(_buyers, select(_fact.customer_id)),
    "a table of the store": select(_customer.name, segments.c.name).where(segments.c.store_id == 1),
    "an update": update(customer_facts).where(_fact.customer_id.in_(_buyers)).values(order_count=0),
    "text": text("UPDATE deliveries SET status = 'x' WHERE deliveries.customer_id = :customer"),
}
APART = {
    "a product": (select(_customer.name, _order.total), {"customers", "orders"}),
    "a join by another key": (
        select(_order.total).join(order_items, _item.order_id == _order.id),
        {"orders", "order_items"},
    ),
    "an OR": (
        select(_order.total).where(or_(_order.customer_id == _customer.id, _order.id == "1")),
        {"orders", "customers"},
    ),
    "a set by another key": (select(_order.total).where(_order.id.in_(select(_item.order_id))), {"order_items"}),
    "a value": (
        select(_customer.name).where(_customer.id <= select(func.max(_order.customer_id)).scalar_subquery()),
        {"orders"},
    ),
    "an enclosing one": (
        select(_customer.name).where(exists().where(_order.placed_at > _customer.created_at)),
        {"orders"},
    ),
    "what is derived": (
        select(_customer.name).join(_first, _first.c.at == _customer.created_at),
        {"customers", "orders"},
    ),
    "the customer by the order's id": (
        select(_order.total).join(order_customers, order_customers.c.customer_id == _order.customer_id),
        {"orders", "order_customers"},
    ),
    "a staging table": (
        insert(customers).from_select(["external_id"], select(import_order_rows.c.customer_external_id)),
        {"customers", "import_order_rows"},
    ),
    "text": (text("DELETE FROM orders USING customers WHERE orders.store_id = 1"), {"customers", "orders"}),
}


@pytest.mark.parametrize("statement", LOCAL.values(), ids=LOCAL.keys())
def test_what_is_joined_by_the_customer_is_local(statement: ClauseElement) -> None:
    assert apart(statement) == set()


@pytest.mark.parametrize(("statement", "tables"), APART.values(), ids=APART.keys())
def test_what_is_joined_by_something_else_is_found(statement: ClauseElement, tables: set[str]) -> None:
    assert apart(statement) == tables


async def test_a_function_that_is_not_listed_answers_for_its_statement(database: Database) -> None:
    guard = StoreScopeGuard(not_local={})
    try:
        async with database.write() as tx:
            await erase_members(tx, 1, UUID(int=1), 10)
    finally:
        guard.close()
    (fault,) = guard.faults
    assert fault.startswith("domain/segments/queries.py: erase_members does not join segment_members by their customer")


@pytest.mark.parametrize("function", NOT_LOCAL)
def test_a_function_that_is_listed_is_there(function: str) -> None:
    file, _, name = function.partition(": ")
    assert f"def {name.rpartition('.')[2]}(" in (Path(__file__).parents[1] / file).read_text()
