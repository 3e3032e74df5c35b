"""Events by files: each once, however often its file comes."""

import pytest
from sqlalchemy import Table, func, select

from domain.customers.model import CustomerChange
from domain.customers.tables import customers
from domain.customers.upsert import upsert
from domain.events.tables import events
from domain.imports.events import format as events_format
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.orders.tables import orders
from domain.privacy import erasure
from tests.domain.imports.files import bring_in, claim, do, outcome, problems_of, send
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY

FILE = (
    "Type,Customer ID,Occurred at,id,product,price,data.Mood,attributes.page\n"
    "visit,c1,2026-06-01T10:00:00Z,v-1,p-1,9.5,02134,/truck\n"
    "visit,c1,2026-06-01T10:00:00Z,,p-1,,,\n"
    "visit,c1,2026-06-01T10:00:00Z,,p-1,,,\n"
    "visit,,2026-06-01T10:00:00Z,,p-1,,,\n"
    "visit,c1,yesterday,,p-1,,,\n"
    "visit,c1,2026-06-01T10:00:00Z,,p-1,dear,,\n"
    "order,c2,2026-06-02T10:00:00Z,o-1,,,,\n"
)


async def count(database: Database, table: Table = events) -> int:
    async with database.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(table)))


async def test_rows_are_events_and_come_once(database: Database, store_id: int) -> None:
    for _ in range(2):
        done = await bring_in(database, store_id, ImportKind.EVENTS, FILE.encode())
        assert done.status == "DONE"
        problems = await problems_of(database, done)
        assert [(problem.row, problem.outcome) for problem in problems] == [
            (5, "ROW_REFUSED"),
            (6, "ROW_REFUSED"),
            (7, "CELL_LEFT_OUT"),
        ]
        assert [(problem.column, problem.value) for problem in problems] == [
            (None, None),
            ("Occurred at", "yesterday"),
            ("price", "dear"),
        ]
        async with database.read() as tx:
            rows = (await tx.execute(select(events.c.id, events.c.attributes, events.c.subject))).all()
            by_id = {row.id: row for row in rows}
            # Two rows that say the same are two events; each has one id, whenever the file comes.
            assert len(rows) == 4
            assert by_id["v-1"].attributes == {"product": "p-1", "price": 9.5, "Mood": "02134", "page": "/truck"}
            assert by_id["v-1"].subject == "p-1"
            assert await tx.scalar(select(func.count()).select_from(orders)) == 1
            assert await tx.scalar(select(func.count()).select_from(customers)) == 2


async def test_batches_go_on_where_one_ended(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_format, "MAX_BATCH", 2)
    rows = "".join(f"visit,c{n}@shop.example,2026-06-01T10:00:00Z\n" for n in range(5))
    await bring_in(database, store_id, ImportKind.EVENTS, f"type,email,occurred_at\n{rows}".encode())
    assert await count(database) == 5


async def test_an_order_that_overspends_is_left_out_alone(database: Database, store_id: int) -> None:
    lines = "".join(f"order,c1,2026-06-01T10:00:00Z,o{n},1000000000000\n" for n in range(901))
    content = f"type,external_id,occurred_at,id,attributes.total\n{lines}visit,c2,2026-06-01T10:00:00Z,v,\n"
    done = await bring_in(database, store_id, ImportKind.EVENTS, content.encode())
    problems = await problems_of(database, done)
    assert done.status == "DONE"
    assert problems
    assert {problem.message for problem in problems} == {
        "total: with it, the customer's orders come to more than 900,000,000,000,000"
    }
    assert await count(database, events) == 1


async def test_events_of_who_was_erased_meanwhile_stay_out(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await upsert(tx, store_id, CustomerChange(external_id="ann", email="ann@shop.example"), NOW)
    content = (
        b"type,email,occurred_at\nvisit,ann@shop.example,2026-06-01T10:00:00Z\n"
        b"visit,b@shop.example,2026-06-01T10:00:00Z\n"
    )
    operation, job_id = await send(database, store_id, ImportKind.EVENTS, content)
    async with database.write() as tx:
        await erasure.erase(tx, SUPPRESSION_KEY, store_id, 1, NOW)
    await do(database, await claim(database, store_id, job_id))
    ended = await outcome(database, operation)
    assert [problem.row for problem in await problems_of(database, ended)] == [2]
    assert await count(database) == 1


async def test_a_customer_is_found_by_phone_however_it_is_written(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        ann, _ = await upsert(tx, store_id, CustomerChange(external_id="c1", phone="+886912345678"), NOW)
    content = (
        "type,phone,occurred_at,id\n"
        "visit,+886 912-345-678,2026-06-01T10:00:00Z,v-1\n"
        "visit,00886912345679,2026-06-01T10:00:00Z,v-2\n"
        "visit,no number,2026-06-01T10:00:00Z,v-3\n"
    )
    done = await bring_in(database, store_id, ImportKind.EVENTS, content.encode())
    [problem] = await problems_of(database, done)
    assert (problem.row, problem.column, problem.value, problem.outcome) == (4, "phone", "no number", "ROW_REFUSED")
    async with database.read() as tx:
        of_event = {row.id: row.customer_id for row in await tx.execute(select(events.c.id, events.c.customer_id))}
        assert of_event.keys() == {"v-1", "v-2"}
        assert of_event["v-1"] == ann.id
        added = select(customers.c.phone).where(customers.c.id == of_event["v-2"])
        assert await tx.scalar(added) == "+886912345679"
