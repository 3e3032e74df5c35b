"""Customers whom orders bring in, when that is wished."""

from sqlalchemy import select

from domain.customers.model import CustomerChange
from domain.customers.tables import customers
from domain.customers.upsert import upsert
from domain.imports.model import ImportKind, ImportOptions
from domain.kit.db import Database
from domain.orders.tables import orders
from domain.privacy import erasure
from tests.domain.imports.files import bring_in, claim, do, problems_of, send
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY

CREATE = ImportOptions(create_customers=True)
FILE = (
    b"order_id,customer_external_id,email,phone,customer_name,placed_at,total\n"
    b"o1,,guest@mail.example,,Guest,2026-06-01T00:00:00Z,5\n"
    b"o2,,GUEST@mail.example,,,2026-06-02T00:00:00Z,6\n"
    b"o3,x,both@mail.example,,Both,2026-06-03T00:00:00Z,7\n"
    b"o4,,both@mail.example,,,2026-06-04T00:00:00Z,8\n"
    b"o5,,,+886912345678,,2026-06-05T00:00:00Z,9\n"
    b"o6,,,,,2026-06-06T00:00:00Z,1\n"
    b"o7,,known@mail.example,,Another,2026-06-06T00:00:00Z,1\n"
)


async def owners(database: Database, store_id: int) -> dict[str, tuple[str | None, str | None, str | None, str | None]]:
    """Return the external id, the address, the number and the name of each order's customer."""
    same = (customers.c.store_id == orders.c.store_id) & (customers.c.id == orders.c.customer_id)
    columns = customers.c.external_id, customers.c.email, customers.c.phone, customers.c.name
    async with database.read() as tx:
        rows = await tx.execute(
            select(orders.c.id, *columns).join(customers, same).where(orders.c.store_id == store_id)
        )
        return {row.id: (row.external_id, row.email, row.phone, row.name) for row in rows}


async def test_strangers_are_made_when_wished(database: Database, store_id: int) -> None:
    """h16."""
    async with database.write() as tx:
        await upsert(tx, store_id, CustomerChange(external_id="k", email="known@mail.example", name="Known"), NOW)
    refused = await bring_in(database, store_id, ImportKind.ORDERS, FILE)
    assert [problem.row for problem in await problems_of(database, refused)] == [2, 3, 4, 5, 6, 7]
    dry = await bring_in(database, store_id, ImportKind.ORDERS, FILE, dry_run=True, options=CREATE)
    assert [problem.row for problem in await problems_of(database, dry)] == [7]
    async with database.read() as tx:
        assert len((await tx.execute(select(customers.c.id))).all()) == 1
    for _ in range(2):
        done = await bring_in(database, store_id, ImportKind.ORDERS, FILE, options=CREATE)
        assert [problem.row for problem in await problems_of(database, done)] == [7]
        guest, both = (None, "guest@mail.example", None, "Guest"), ("x", "both@mail.example", None, "Both")
        assert await owners(database, store_id) == {
            "o1": guest,
            "o2": guest,
            "o3": both,
            "o4": both,
            "o5": (None, None, "+886912345678", None),
            "o7": ("k", "known@mail.example", None, "Known"),
        }
    async with database.read() as tx:
        assert len((await tx.execute(select(customers.c.id))).all()) == 4


async def test_who_was_erased_does_not_come_back_by_an_older_file(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await upsert(tx, store_id, CustomerChange(email="guest@mail.example"), NOW)
    _, job_id = await send(database, store_id, ImportKind.ORDERS, FILE, options=CREATE)
    async with database.write() as tx:
        await erasure.erase(tx, SUPPRESSION_KEY, store_id, 1, NOW)
    await do(database, await claim(database, store_id, job_id))
    assert set(await owners(database, store_id)) == {"o3", "o4", "o5", "o7"}
