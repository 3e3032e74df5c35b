"""An import that waits between two steps while the database is upgraded ends as if nothing had happened."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert, select, text

from domain.customers.tables import customers
from domain.imports import actions
from domain.imports.copy import key_of
from domain.imports.model import ImportKind
from domain.imports.tables import imports, uploads
from domain.kit.db import Database
from domain.migrations import migrate
from domain.operations import queries as operations
from tests.domain.imports.files import claim, do, outcome, problems_of
from tests.factories import NOW, add_store

FIRST = b"external_id,email,name\na,a@shop.example,Ann\n,b@shop.example,Bob\n"
SECOND = b"c,c@shop.example,Cy\n,b@shop.example,Rob\na,,Anna\n"
# As the release of revision 0002 stored it once the first piece was staged.
STAGED: dict[str, object] = {
    "phase": "stage", "piece": 1, "offset": len(FIRST), "row": 4, "bytes_done": len(FIRST),
    "columns": ["external_id", "email", "name"], "bad": 0, "types": {}, "part": 3, "merged_part": 0, "customer": "",
    "merged": 0,
}  # fmt: skip


@pytest.fixture
async def database_at_0002(empty_url: str) -> AsyncIterator[Database]:
    opened = Database(empty_url)
    await migrate(opened, "0002")
    yield opened
    await opened.close()


async def test_an_import_goes_on_where_the_release_before_stopped(database_at_0002: Database) -> None:
    database = database_at_0002
    async with database.write() as tx:
        store_id = await add_store(tx)
        operation = await operations.start(tx, store_id, ImportKind.CUSTOMERS.job, NOW)
        keys = {"store_id": store_id, "operation_id": operation.id}
        for number, content in enumerate((FIRST, SECOND), 1):
            await tx.execute(insert(uploads).values(**keys, number=number, content=content))
        stored = {"kind": ImportKind.CUSTOMERS.value, "bytes": len(FIRST + SECOND), "progress": STAGED}
        await tx.execute(insert(imports).values(**keys, **stored))
        job_id = await actions.submit(tx, store_id, operation.id, ImportKind.CUSTOMERS)
        statement = text(
            "INSERT INTO import_customers (store_id, operation_id, part, row, external_id, email, name) "
            "VALUES (:store_id, :operation_id, :part, :row, :external_id, :email, :name)"
        )
        key = operation.id if tx.dialect == "postgresql" else key_of(operation.id, tx.dialect)
        staged: dict[str, object] = {"store_id": store_id, "operation_id": key}
        ann: dict[str, object] = {"part": 2, "row": 2, "external_id": "a", "email": "a@shop.example", "name": "Ann"}
        bob: dict[str, object] = {"part": 3, "row": 3, "external_id": None, "email": "b@shop.example", "name": "Bob"}
        await tx.execute(statement, [staged | ann, staged | bob])
    await migrate(database)
    await do(database, await claim(database, store_id, job_id))
    done = await outcome(database, operation)
    assert (done.status, done.done, await problems_of(database, done)) == ("DONE", 5, [])
    async with database.read() as tx:
        columns = customers.c.external_id, customers.c.name, customers.c.folded_name
        rows = await tx.execute(select(*columns).order_by(customers.c.email))
        assert [tuple(row) for row in rows] == [("a", "Anna", "anna"), (None, "Rob", "rob"), ("c", "Cy", "cy")]
