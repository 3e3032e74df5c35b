"""Orders come in whole, wherever in a file of several pieces their rows stand, and whenever its worker dies."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from domain import jobs
from domain.customers.model import CustomerChange
from domain.customers.upsert import upsert_many
from domain.imports import actions, queries
from domain.imports.model import ImportKind
from domain.imports.tables import STAGED, imports, uploads
from domain.ingestion import favourite_counts
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.operations.model import Operation
from domain.orders import facts, favourites
from domain.orders.tables import order_items, orders
from tests.domain.imports.files import Killed, claim, die_and_do, do, outcome, problems_of, send
from tests.factories import NOW
from tests.fakes import make_services

BUYERS = 50
NAME = "n" * 190
HEADER = "order_id,customer_external_id,placed_at,status,product,name,quantity,price\n"
# Three pieces: the first row of `far` names no customer, and its last one is at the end of the file.
NEAR_ROWS = [
    f"o{at // 2},c{at // 2 % BUYERS},2026-01-02T00:00:{at % 60:02}Z,,p{at % 7},{NAME},1,2" for at in range(11_000)
]
FILE = HEADER + "\n".join(
    [
        f"far,,2026-01-01T00:00:00Z,frobbed,p1,{NAME},1,5",
        *NEAR_ROWS[:7_000],
        "nobody,,2026-01-01T00:00:00Z,,p1,x,1,5",
        *NEAR_ROWS[7_000:],
        "far,c1,,,p2,x,2,5",
    ]
)
ROWS = len(NEAR_ROWS) + 3


async def _send(database: Database, store_id: int) -> tuple[Operation, UUID]:
    async with database.write() as tx:
        await upsert_many(tx, store_id, [CustomerChange(external_id=f"c{at}") for at in range(BUYERS)], NOW)
    return await send(database, store_id, ImportKind.ORDERS, FILE.encode())


@pytest.mark.parametrize("save", [1, 2, 3, 4, 5, 6])
async def test_another_worker_goes_on_where_one_died(
    database: Database, store_id: int, save: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, job_id = await _send(database, store_id)
    await die_and_do(database, store_id, job_id, monkeypatch, save=save)
    done = await outcome(database, operation)
    assert (done.status, done.done, done.total) == ("DONE", ROWS, ROWS)
    assert [(problem.row, problem.column) for problem in await problems_of(database, operation)] == [
        (7_003, "order_id"),
        (2, "status"),
    ]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(orders)) == 5_501
        assert await tx.scalar(select(func.count()).select_from(order_items)) == 11_002
        far = (
            await tx.execute(select(orders.c.lines, orders.c.total, orders.c.status).where(orders.c.id == "far"))
        ).one()
        assert (far.lines, float(far.total), far.status) == (2, 15, "frobbed")
        assert await facts.mismatches(tx, store_id) == []
        assert (await tx.execute(favourites.mismatched(store_id))).all() == []
        for table in (imports, uploads, *STAGED, job_rows):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0, table.name


async def test_the_favourites_of_an_import_that_is_abandoned_are_counted(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, job_id = await _send(database, store_id)
    save, saves = queries.save, 0

    async def dying(*args: object) -> None:
        nonlocal saves
        saves += 1
        if saves == 3:
            raise Killed
        await save(*args)  # type: ignore[arg-type]

    # A worker's death between two statements cannot be brought about from outside at will.
    with monkeypatch.context() as patch:
        patch.setattr(queries, "save", dying)
        with pytest.raises(Killed):
            await do(database, await claim(database, store_id, job_id))
    async with database.write() as tx:
        assert (await tx.execute(favourites.mismatched(store_id))).all() != []
        assert await facts.mismatches(tx, store_id) == []
        await actions.abandon(tx, store_id, operation.id, NOW)
        await tx.execute(update(job_rows).values(lease_until=NOW - timedelta(days=9_999)))
        is_count = job_rows.c.kind == favourite_counts.FAVOURITES.name
        count_id = await tx.scalar(select(job_rows.c.id).where(is_count))
        job = await jobs.claim(tx, store_id, count_id, "worker", 60)
    assert job is not None
    await favourite_counts.run(make_services(database), job)
    async with database.read() as tx:
        assert (await tx.execute(favourites.mismatched(store_id))).all() == []
        assert await tx.scalar(select(func.count()).select_from(job_rows).where(is_count)) == 0
