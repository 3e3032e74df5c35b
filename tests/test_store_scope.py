"""The guard finds every place in a statement that is of no store, and the test that has it run."""

from pathlib import Path

import pytest
from sqlalchemy import ClauseElement, and_, delete, exists, insert, or_, select, text, tuple_, union_all, update

from domain.customers.tables import customer_facts, customers
from domain.jobs.queries import due
from domain.kit.db import Database
from domain.orders.facts import mismatches
from domain.orders.tables import order_items, orders
from tests.store_scope import OF_ALL_STORES, StoreScopeGuard, reads_volatile_clock, unscoped_tables

_order, _item, _customer, _fact = orders.c, order_items.c, customers.c, customer_facts.c
_of_store = _order.store_id == 1
_items = select(_item.customer_id, _item.order_id).where(_item.quantity > 1)
_same = and_(_fact.store_id == _customer.store_id, _fact.customer_id == _customer.id)
_earlier = orders.alias("earlier")
_key = tuple_(_order.customer_id, _order.id)

SCOPED = {
    "a select": select(_order.id).where(_of_store, _order.total > 1),
    "a join, by the table beside it": select(_fact.order_count).join(customers, _same).where(_customer.store_id == 1),
    "a set of ids": select(_order.id).where(_of_store, _key.in_(_items.where(_item.store_id == 1))),
    "what encloses it": select(_customer.id).where(
        _customer.store_id == 1, exists().where(_fact.store_id == 1, _fact.customer_id == _customer.id)
    ),
    "an alias": select(_earlier.c.id).where(_earlier.c.store_id == 1),
    "an update": update(orders).where(_of_store).values(total=0),
    "rows that are new": insert(orders),
    "text": text("UPDATE orders SET total = 0 WHERE orders.store_id = :store"),
    "no table": text("SELECT 1"),
}
UNSCOPED = {
    "a select": (select(_order.id).where(_order.total > 1), {"orders"}),
    "one of two": (select(_order.id).where(or_(_of_store, _order.total > 1)), {"orders"}),
    "another place": (
        select(_order.id).where(_of_store, exists().where(_earlier.c.id == _order.id)),
        {"orders"},
    ),
    "a join": (select(_customer.id).join(orders, _order.customer_id == _customer.id).where(_of_store), {"customers"}),
    "a set of ids": (select(_order.id).where(_of_store, _key.in_(_items)), {"order_items"}),
    "a set of ids of its own": (
        select(_order.id).where(_of_store, _order.id.in_(select(_order.id).where(_order.total > 1).correlate(None))),
        {"orders"},
    ),
    "a part of a union": (
        select(union_all(select(_order.id).where(_of_store), select(_customer.id)).subquery()),
        {"customers"},
    ),
    "a common table": (select(_items.cte().c.order_id), {"order_items"}),
    "a select that is stored": (insert(orders).from_select(["id"], select(_item.order_id)), {"order_items"}),
    "a value": (update(orders).where(_of_store).values(total=select(_item.price).scalar_subquery()), {"order_items"}),
    "an update": (update(orders).where(_order.id == "o1").values(total=0), {"orders"}),
    "a delete": (delete(orders), {"orders"}),
    "text": (text("SELECT 1 FROM orders JOIN customers USING (id) WHERE orders.store_id = :store"), {"customers"}),
}


@pytest.mark.parametrize("statement", SCOPED.values(), ids=SCOPED.keys())
def test_a_statement_of_a_store_says_so_in_each_place(statement: ClauseElement) -> None:
    assert unscoped_tables(statement) == set()


@pytest.mark.parametrize(("statement", "tables"), UNSCOPED.values(), ids=UNSCOPED.keys())
def test_a_place_without_a_store_is_found(statement: ClauseElement, tables: set[str]) -> None:
    assert unscoped_tables(statement) == tables


async def test_a_function_that_is_not_listed_answers_for_its_statement(database: Database) -> None:
    guard = StoreScopeGuard(of_all_stores={})
    try:
        async with database.read() as tx:
            await due(tx, 1)
            await mismatches(tx, 1)
            # A test may look at everything.
            await tx.execute(select(orders))
    finally:
        guard.close()
    (fault,) = guard.faults
    assert fault.startswith("domain/jobs/queries.py: due does not say `store_id =` of jobs: SELECT")


@pytest.mark.parametrize(
    ("sql", "volatile"),
    [
        ("UPDATE jobs SET lease_until = statement_timestamp()", False),
        ("UPDATE jobs SET lease_until = clock_timestamp()", True),
        ("INSERT INTO jobs VALUES (1)\nON CONFLICT DO UPDATE SET due_at = 0\nWHERE due_at < $1", False),
        (
            "INSERT INTO jobs VALUES (1)\nON CONFLICT DO UPDATE SET due_at = 0\nWHERE due_at < statement_timestamp()",
            True,
        ),
    ],
)
def test_a_clock_that_each_row_reads_for_itself_is_found(sql: str, *, volatile: bool) -> None:
    assert reads_volatile_clock(sql) is volatile


@pytest.mark.parametrize("function", OF_ALL_STORES)
def test_a_function_that_is_listed_is_there(function: str) -> None:
    file, _, name = function.partition(": ")
    assert f"async def {name}(" in (Path(__file__).parents[1] / file).read_text()
