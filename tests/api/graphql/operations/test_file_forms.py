"""Files as people's programs write them come in by the API and by the command alike."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from domain.customers.tables import customers
from domain.kit.db import Database
from tests.api.commands import muster
from tests.api.graphql.stage import Stage, StoreClient
from tests.domain.imports.xlsx.workbooks import workbook
from tests.factories import add_store

Row = tuple[str, str | None, str | None]
ANN: Row = ("c1", "Ann", "ann@mail.example")


# Each file's content, the customers that it brings, and of the problem that is told, if one is, the row, words, and
# the status that the command ends with.
FILES: Mapping[str, tuple[bytes, Sequence[Row], tuple[int, str, int] | None]] = {
    "semicolons": (b"external_id;name;email\nc1;Ann;ann@mail.example\n", [ANN], None),
    "a sep line": (b"sep=;\r\nexternal_id;name\r\nc1;Ann\r\n", [("c1", "Ann", None)], None),
    "tabs in UTF-16": ("external_id\tname\nc1\tAnn\n".encode("utf-16"), [("c1", "Ann", None)], None),
    "tabs, and a row by commas": (
        "external_id\tname\nc1,Ann\nc2\tBen\n".encode("utf-16"),
        [("c2", "Ben", None)],
        (2, "separated by commas, where the header is by tabs", 1),
    ),
    "Windows-1252": ("external_id,name\nc1,Zoë\n".encode("cp1252"), [("c1", "Zoë", None)], None),
    "Big5": ("external_id,name\nc1,王小明\n".encode("big5"), [("c1", "王小明", None)], None),
    "Shift-JIS": ("external_id,name\nc1,山田太郎\n".encode("shift_jis"), [("c1", "山田太郎", None)], None),
    "what Excel leaves": (
        b"external_id,name,email,,\nc1,Ann,ann@mail.example,,\nc2,Ben\n,,,,\n,,,,\n", [ANN, ("c2", "Ben", None)], None
    ),
    "two marks": ("\ufeff\ufeffexternal_id,name\nc1,Ann\n".encode(), [("c1", "Ann", None)], None),
    "blank first lines": (b"\r\n\r\nexternal_id,name\r\nc1,Ann\r\n", [("c1", "Ann", None)], None),
    "a workbook": (workbook([[], ["external_id", "name", "email"], ["c1", "Ann", "ann@mail.example"]]), [ANN], None),
    "a workbook with a wrong cell": (
        workbook([["external_id", "name", "birthday"], [], ["c1", "Ann", ""], [2, "Ben", "never"]]),
        [("2", "Ben", None), ("c1", "Ann", None)],
        (4, "birthday", 0),
    ),
}  # fmt: skip
PROBLEMS = "query ($id: ID!) { operation(id: $id) { status problems { row message } } }"


async def rows_of(database: Database, store_id: int) -> list[Row]:
    columns = (customers.c.external_id, customers.c.name, customers.c.email)
    async with database.read() as tx:
        rows = await tx.execute(select(*columns).where(customers.c.store_id == store_id).order_by(*columns))
        return [(row.external_id, row.name, row.email) for row in rows]


@pytest.mark.parametrize("name", FILES)
async def test_by_the_api(stage: Stage, store: StoreClient, name: str) -> None:
    content, expected, told = FILES[name]
    answer = await store.upload("customersImport", content)
    assert answer["userErrors"] == []
    await stage.work()
    operation = (await store.get(PROBLEMS, id=answer["operation"]["id"]))["operation"]
    assert operation["status"] == "DONE"
    assert [problem["row"] for problem in operation["problems"]] == ([] if told is None else [told[0]])
    assert told is None or told[1] in operation["problems"][0]["message"]
    assert await rows_of(stage.runtime.database, store.store_id) == list(expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_by_the_command(database_url: str, tmp_path: Path, name: str) -> None:
    content, expected, told = FILES[name]
    path = tmp_path / "file"
    path.write_bytes(content)

    async def make_store() -> int:
        database = Database(database_url)
        async with database.write() as tx:
            store_id = await add_store(tx)
        await database.close()
        return store_id

    async def read(store_id: int) -> list[Row]:
        database = Database(database_url)
        rows = await rows_of(database, store_id)
        await database.close()
        return rows

    store_id = asyncio.run(make_store())
    done = muster("import", "customers", str(path), cwd=tmp_path, MUSTER_DATABASE_URL=database_url)
    assert done.returncode == (0 if told is None else told[2]), done.stderr
    assert told is None or f"row {told[0]}: " in done.stderr
    assert asyncio.run(read(store_id)) == list(expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7\n", "The file is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as .xlsx without a password, or as CSV"),
        (b"PK\x03\x04" + bytes(600), "The workbook is damaged"),
        (workbook([["colour"], ["red"]]), "need"),
    ],
    ids=["PDF", "XLS", "a broken archive", "a workbook's column"],
)
@pytest.mark.parametrize("kind", ["customersImport", "ordersImport"])
async def test_what_is_no_such_file_is_refused_at_once(
    store: StoreClient, content: bytes, said: str, kind: str
) -> None:
    answer = await store.upload(kind, content)
    [error] = answer["userErrors"]
    assert (answer["operation"], error["field"], error["code"]) == (None, ["file"], "INVALID")
    assert said in error["message"]
