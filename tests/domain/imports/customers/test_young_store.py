"""Without statistics, an import reads as many pages for each row of a large store as of a small one."""

from sqlalchemy import text

from domain.imports.model import ImportKind
from domain.kit.db import Database
from tests.domain.imports.files import bring_in

ROWS = 2_000
# PostgreSQL's pages of these tables and their indexes: a customer of these files has 18 rows and entries in them.
MOST_PAGES_A_ROW = 50
_WRITTEN = (
    "'customers', 'customer_facts', 'customer_tags', 'contacts', 'objections', 'import_customers', 'import_matches'"
)
_PAGES = f"""
    SELECT sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0))
    FROM pg_statio_user_tables WHERE relname IN ({_WRITTEN})
"""
_FORGET = f"""
    SET LOCAL allow_system_table_mods = on;
    DELETE FROM pg_statistic USING pg_class WHERE starelid = pg_class.oid AND relname IN ({_WRITTEN});
    UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relname IN ({_WRITTEN})
"""


async def test_a_young_store_is_not_read_row_by_row(database: Database, store_id: int) -> None:
    if database.dialect != "postgresql":
        return
    async with database.write() as tx:
        for table in _WRITTEN.replace("'", "").split(", "):
            # The pages of tests before this one are empty, and full of entries all the same.
            await tx.execute(text(f"TRUNCATE {table}"))
    first = await _pages_a_row(database, store_id, _file(0))
    for number in range(1, 8):
        await _pages_a_row(database, store_id, _file(number))
    later = await _pages_a_row(database, store_id, _file(8))
    of_known = await _pages_a_row(database, store_id, _file(0, "Taipei"))
    by_address = await _pages_a_row(database, store_id, _file(1, "Tainan", by_id=False))
    assert first < MOST_PAGES_A_ROW
    assert later < first * 1.5
    assert of_known < MOST_PAGES_A_ROW * 2
    assert by_address < MOST_PAGES_A_ROW * 2


def _file(number: int, city: str = "", *, by_id: bool = True) -> str:
    lines = [
        f"{f'c{at}' if by_id else ''},c{at}@shop.example,+88691{at:07},{city},VIP,UNSUBSCRIBED"
        for at in range(number * ROWS, (number + 1) * ROWS)
    ]
    return "\n".join(["external_id,email,phone,city,tags,consent.email", *lines])


async def _pages_a_row(database: Database, store_id: int, file: str) -> float:
    """Import the file into tables without statistics, and return the pages of them that were read for each row."""
    async with database.write() as tx:
        await tx.execute(text("SET LOCAL allow_system_table_mods = on"))
        for statement in _FORGET.split(";")[1:]:
            await tx.execute(text(statement))
    before = await _pages(database)
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, file.encode())
    assert (done.status, done.done) == ("DONE", ROWS)
    return (await _pages(database) - before) / ROWS


async def _pages(database: Database) -> int:
    # Connections tell what they have read when they are closed.
    await database.close()
    async with database.read() as tx:
        return int(await tx.scalar(text(_PAGES)))
