"""Amounts that no column holds are the problem of their rows, and of nothing else."""

import pytest

from domain.customers import queries
from domain.customers.key import CustomerKey
from domain.imports.model import ImportKind
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Database
from domain.kit.errors import DomainErrors
from domain.operations.model import ProblemOutcome
from domain.orders import facts
from tests.domain.imports.files import bring_in, problems_of
from tests.domain.imports.orders.test_merge import HEADER, import_orders, make_customers, stored_facts
from tests.factories import NOW

MOST = 10**12
A_DAY = "2026-01-02T00:00:00Z"


def rows_of(customer: str, prefix: str, count: int, total: int = MOST, status: str = "") -> str:
    return "".join(f"{prefix}{number},{customer},{A_DAY},{status},{total},,,\n" for number in range(count))


@pytest.mark.parametrize("item", ["p,1e12,1e12", "p,-1e12,1e12", "p,2,1e12", "p,1000001,1e6"])
async def test_a_price_times_a_quantity_beyond_the_column_is_its_rows_problem(
    database: Database, store_id: int, item: str
) -> None:
    await make_customers(database, store_id)
    rows = f"o1,a,{A_DAY},,,p,2,3.50\no2,a,{A_DAY},,,{item}\no3,b,{A_DAY},,,p,1,1e12\n"
    (problem,) = await import_orders(database, store_id, rows)
    assert (problem.row, problem.message.split(":")[0]) == (3, "price")
    assert await stored_facts(database, store_id) == {"a": (1, 7), "b": (1, MOST)}


async def test_items_that_come_to_more_than_an_order_may_are_their_orders_problem(
    database: Database, store_id: int
) -> None:
    await make_customers(database, store_id)
    rows = (
        f"o1,a,{A_DAY},,,p,1,1e12\n"
        f"o2,a,{A_DAY},,,p,1,5\n"
        f"o1,a,{A_DAY},,,p,1,1\n"
        # A total that is given goes before what its items come to.
        f"o3,b,{A_DAY},,9,p,1,1e12\n"
        f"o3,b,{A_DAY},,9,p,1,1e12\n"
    )
    problems = await import_orders(database, store_id, rows)
    assert [(problem.row, problem.message.split(" come to ")[0]) for problem in problems] == [
        (2, "order_id: the items of 'o1'"),
        (4, "order_id: the items of 'o1'"),
    ]
    assert await stored_facts(database, store_id) == {"a": (1, 5), "b": (1, 9)}


async def test_orders_that_bring_a_customer_beyond_the_column_are_their_rows_problem(
    database: Database, store_id: int
) -> None:
    await make_customers(database, store_id)
    file = (HEADER + rows_of("a", "o", 902) + rows_of("b", "p", 2)).encode()
    for dry_run in (True, False):
        done = await bring_in(database, store_id, ImportKind.ORDERS, file, dry_run=dry_run)
        problems = await problems_of(database, done)
        assert [(problem.row, problem.message.split(",")[0]) for problem in problems] == [
            (902, "order_id: with 'o900'"),
            (903, "order_id: with 'o901'"),
        ]
        assert done.status == "DONE"
    most_of_a = {"a": (900, 900 * MOST), "b": (2, 2 * MOST)}
    assert await stored_facts(database, store_id) == most_of_a
    # What the file replaces does not count twice, nor what was cancelled.
    assert await import_orders(database, store_id, rows_of("a", "o", 900)) == []
    (problem,) = await import_orders(database, store_id, rows_of("a", "x", 1, total=1))
    assert problem.row == 2
    assert await stored_facts(database, store_id) == most_of_a
    assert await import_orders(database, store_id, rows_of("a", "o", 1, status="cancelled")) == []
    assert await import_orders(database, store_id, rows_of("a", "x", 1, total=1)) == []
    assert await stored_facts(database, store_id) == {**most_of_a, "a": (900, 899 * MOST + 1)}


async def test_a_tracked_order_that_brings_a_customer_beyond_the_column_is_refused_by_name(
    database: Database, store_id: int
) -> None:
    a, b = CustomerKey(external_id="a"), CustomerKey(external_id="b")
    full = [TrackedEvent(f"o{number}", "order", a, NOW, {"total": MOST}) for number in range(900)]
    async with database.write() as tx:
        assert (await track.track(tx, store_id, full, NOW)).accepted == 900
    events = [TrackedEvent("x1", "order", b, NOW, {"total": 1}), TrackedEvent("x2", "order", a, NOW, {"total": 1})]
    with pytest.raises(DomainErrors) as raised:
        async with database.write() as tx:
            await track.track(tx, store_id, events, NOW)
    assert [error.field for error in raised.value.errors] == [("events", 1, "attributes", "total")]
    async with database.write() as tx:
        assert (await track.track(tx, store_id, events[:1], NOW)).accepted == 1
    assert await stored_facts(database, store_id) == {"a": (900, 900 * MOST), "b": (1, 1)}


async def test_orders_that_count_again_leave_the_most_that_a_customers_may_come_to(
    database: Database, store_id: int
) -> None:
    a = CustomerKey(external_id="a")
    for status in ("cancelled", "completed"):
        orders = [
            TrackedEvent(f"{status}{number}", "order", a, NOW, {"total": MOST, "status": status})
            for number in range(500)
        ]
        async with database.write() as tx:
            await track.track(tx, store_id, orders, NOW)
    restored = [
        TrackedEvent(f"u{number}", "order.updated", a, NOW, {"order": f"cancelled{number}", "status": "completed"})
        for number in range(500)
    ]
    async with database.write() as tx:
        assert (await track.track(tx, store_id, restored, NOW)).accepted == 500
        customer = await queries.by_external_id(tx, store_id, "a")
        assert customer is not None
        stored = (await queries.facts_of(tx, store_id, [customer.id]))[customer.id]
        assert (stored.order_count, int(stored.total_spent)) == (1000, 900 * MOST)
        assert await facts.mismatches(tx, store_id) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("o2,a,0999-12-31T23:59:59Z,,1,,,", "placed_at: is outside the years 1000 to 9000"),
        ("o2,a,9001-01-01T00:00:00Z,,1,,,", "placed_at: is outside the years 1000 to 9000"),
        (f"o2,a,{A_DAY},{chr(0x130) * 32},1,,,", "status: has 64 characters: 32 at most"),
        (f"o2,a,{A_DAY},,1000000000001,,,", "total: '1000000000001' is out of range: 1,000,000,000,000 at most"),
        (f"o2,a,{A_DAY},,1,p,1e99,1", "quantity: '1E+99' is out of range: 1,000,000,000,000 at most"),
        (f"o2,a,{A_DAY},,,{'p' * 201},1,1", "product: has 201 characters: 200 at most"),
        (f"{'o' * 201},a,{A_DAY},,1,,,", "order_id: has 201 characters: 200 at most: the row names no order"),
    ],
)
async def test_a_cell_that_no_column_holds_is_left_out_and_told(
    database: Database, store_id: int, row: str, message: str
) -> None:
    await make_customers(database, store_id)
    # The same cells of an order that the store has: whatever is left out stays as it was.
    assert await import_orders(database, store_id, f"o2,a,{A_DAY},paid,7,,,\n") == []
    problems = await import_orders(database, store_id, f"o1,a,{A_DAY},,1,,,\n{row}\no3,b,{A_DAY},,1,,,\n")
    assert [(problem.row, problem.message) for problem in problems] == [(3, message)]
    column = message.partition(":")[0]
    refused = column == "order_id"
    outcome = ProblemOutcome.ROW_REFUSED if refused else ProblemOutcome.CELL_LEFT_OUT
    assert [(problem.column, problem.outcome) for problem in problems] == [(column, outcome)]
    (count, spent), of_b = (await stored_facts(database, store_id)).values()
    assert (count, of_b) == (2, (1, 1))
    assert spent == (8 if refused or column == "total" else 2)
