"""Without statistics, orders read as many pages for each line of a large store as of a small one."""

from sqlalchemy import text

from domain.customers.model import CustomerChange
from domain.customers.upsert import upsert_many
from domain.imports.model import ImportKind
from domain.kit.db import Database
from tests.domain.imports.files import bring_in
from tests.factories import NOW

ORDERS = 1_000
LINES = 2 * ORDERS
CUSTOMERS = 500
# PostgreSQL's pages of these tables and their indexes: a line has 9 rows and entries in them, and is counted once.
MOST_PAGES_A_LINE = 40
_WRITTEN = "'customers', 'customer_facts', 'orders', 'order_customers', 'order_items', 'customer_favourites'"
_STAGED = "'import_orders', 'import_order_rows'"
_PAGES = f"""
    SELECT sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0))
    FROM pg_statio_user_tables WHERE relname IN ({_WRITTEN}, {_STAGED})
"""
_FORGET = f"""
    SET LOCAL allow_system_table_mods = on;
    DELETE FROM pg_statistic USING pg_class WHERE starelid = pg_class.oid AND relname IN ({_WRITTEN}, {_STAGED});
    UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relname IN ({_WRITTEN}, {_STAGED})
"""


async def test_a_young_store_is_not_read_line_by_line(database: Database, store_id: int) -> None:
    if database.dialect != "postgresql":
        return
    async with database.write() as tx:
        for table in f"{_WRITTEN}, {_STAGED}".replace("'", "").split(", "):
            # The pages of tests before this one are empty, and full of entries all the same.
            await tx.execute(text(f"TRUNCATE {table}"))
        people = [CustomerChange(external_id=f"c{at}") for at in range(CUSTOMERS * 10)]
        await upsert_many(tx, store_id, people, NOW)
    first = await _pages_a_line(database, store_id, _file(0))
    first_again = await _pages_a_line(database, store_id, _file(0, "shop"))
    for number in range(1, 9):
        await _pages_a_line(database, store_id, _file(number))
    later = await _pages_a_line(database, store_id, _file(9))
    later_again = await _pages_a_line(database, store_id, _file(0, "pos"))
    of_heads = await _pages_a_line(database, store_id, _heads(0))
    assert first < MOST_PAGES_A_LINE
    assert later < first * 1.5
    # What a file replaces is read and deleted.
    assert first_again < MOST_PAGES_A_LINE * 3
    assert later_again < MOST_PAGES_A_LINE * 3
    assert of_heads < MOST_PAGES_A_LINE * 3


def _file(number: int, source: str = "") -> str:
    """Make orders of two lines; each file is of customers of its own, so that none has more to count than another."""
    lines = [
        f"o{order},c{number * CUSTOMERS + order % CUSTOMERS},2026-01-02T00:00:00Z,{source},p{item},tea,1,2"
        for order in range(number * ORDERS, (number + 1) * ORDERS)
        for item in range(2)
    ]
    return "\n".join(["order_id,customer_external_id,placed_at,source,product,category,quantity,price", *lines])


def _heads(number: int) -> str:
    """Make lines of orders that the store has, and of none of their items."""
    lines = [f"o{number * ORDERS + at % ORDERS},cancelled,2026-01-03T00:00:00Z" for at in range(LINES)]
    return "\n".join(["order_id,status,placed_at", *lines])


async def _pages_a_line(database: Database, store_id: int, file: str) -> float:
    """Import the file into tables without statistics, and return the pages of them that were read for each line."""
    async with database.write() as tx:
        for statement in _FORGET.split(";"):
            await tx.execute(text(statement))
    before = await _pages(database)
    done = await bring_in(database, store_id, ImportKind.ORDERS, file.encode())
    assert (done.status, done.done) == ("DONE", LINES)
    return (await _pages(database) - before) / LINES


async def _pages(database: Database) -> int:
    # Connections tell what they have read when they are closed.
    await database.close()
    async with database.read() as tx:
        return int(await tx.scalar(text(_PAGES)))
