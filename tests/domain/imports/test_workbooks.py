"""Workbooks are imported as CSV is: by row, whatever dies in between."""

from collections.abc import Sequence
from datetime import date

import pytest
from sqlalchemy import func, select

from domain.customers.tables import customers
from domain.imports import conversion
from domain.imports.model import ImportKind
from domain.imports.tables import STAGED, imports, uploads
from domain.kit.db import Database
from domain.kit.errors import DomainError
from domain.operations.model import Problem, ProblemOutcome
from domain.operations.tables import operations
from domain.orders.tables import orders
from tests.domain.imports.files import bring_in, claim, die_and_do, do, outcome, problems_of, send
from tests.domain.imports.xlsx.workbooks import packed, parts, workbook

ROWS = 14_000


async def names_of(database: Database, store_id: int) -> Sequence[tuple[object, ...]]:
    columns = (customers.c.external_id, customers.c.name)
    async with database.read() as tx:
        rows = await tx.execute(select(*columns).where(customers.c.store_id == store_id).order_by(columns[0]))
    return [tuple(row) for row in rows]


async def test_a_workbook_comes_in_by_the_sheet_s_rows(database: Database, store_id: int) -> None:
    content = workbook([[], [], ["external_id", "name", "birthday"], [], ["c1", 'a;b,"c', ""], [12, "Ben", "no day"]])
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, content)
    assert await names_of(database, store_id) == [("12", "Ben"), ("c1", 'a;b,"c')]
    [problem] = await problems_of(database, done)
    assert (done.status, done.done, problem.row, problem.column) == ("DONE", 3, 6, "birthday")


async def test_orders_come_as_a_workbook_too(database: Database, store_id: int) -> None:
    await bring_in(database, store_id, ImportKind.CUSTOMERS, workbook([["external_id"], ["c1"]]))
    header = ["order_id", "customer_external_id", "placed_at", "product", "quantity", "price"]
    content = workbook([header, [1234567890123, "c1", "2026-01-01T00:00:00Z", "a", 2, 0.1]])
    done = await bring_in(database, store_id, ImportKind.ORDERS, content)
    assert await problems_of(database, done) == []
    async with database.read() as tx:
        [order] = await tx.execute(select(orders.c.id, orders.c.total).where(orders.c.store_id == store_id))
    assert (order.id, float(order.total)) == ("1234567890123", 0.2)


async def test_an_error_of_the_spreadsheet_is_told_and_is_no_value(database: Database, store_id: int) -> None:
    row = '<row r="4"><c t="str"><v>c1</v></c><c t="e"><v>#N/A</v></c><c t="e"><v>#REF!</v></c></row>'
    header = '<row r="2"><c t="str"><v>external_id</v></c><c t="str"><v>name</v></c></row>'
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, packed(parts(header + row)))
    assert await names_of(database, store_id) == [("c1", None)]
    message = "An error of the spreadsheet is no value: the cell is read as empty"
    assert await problems_of(database, done) == [
        Problem(4, message, column="name", value="#N/A", outcome=ProblemOutcome.CELL_LEFT_OUT),
        Problem(4, message, column=None, value="#REF!", outcome=ProblemOutcome.CELL_LEFT_OUT),
    ]


async def test_an_error_in_the_only_key_refuses_its_row(database: Database, store_id: int) -> None:
    sheet = '<row><c t="str"><v>external_id</v></c></row><row><c t="e"><v>#N/A</v></c></row><row><c><v>2</v></c></row>'
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, packed(parts(sheet)))
    assert await names_of(database, store_id) == [("2", None)]
    assert [problem.row for problem in await problems_of(database, done)] == [2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (workbook([["email", "E-mail"], ["a@shop.example", ""]]), "'email' and 'E-mail' are both email"),
        (workbook([["name"], ["Ann"]]), "external_id, email or phone"),
        (workbook([[f"property.p{n}" for n in range(10_000)]]), "1,001 columns: 1,000 at most"),
        (workbook([]), "No visible sheet of the workbook has a value"),
        (packed({"customers.csv": "external_id\n"}), "zip archive and no workbook"),
        (packed({"content.xml": "<x/>"}), "OpenDocument"),
        (b"PK\3\4" + b"x" * 100, "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1_000), "save it as .xlsx"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip"),
    ],
    ids=["column", "keys", "columns", "empty", "zip", "ods", "damaged", "xls", "pdf", "gzip"],
)
async def test_a_wrong_file_is_answered_at_once(database: Database, store_id: int, content: bytes, said: str) -> None:
    with pytest.raises(DomainError, match=said) as error:
        await send(database, store_id, ImportKind.CUSTOMERS, content)
    assert error.value.field == ("file",)
    async with database.read() as tx:
        for table in (operations, imports, uploads):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0


def large(rows: int = ROWS, *, tail: str = "") -> bytes:
    """Return a workbook of several pieces of CSV, whose texts are shared; in each 1,000th row is an error."""
    strings = "".join(f"<si><t>c{n}</t></si><si><t>{'n' * 190}{n}</t></si>" for n in range(rows // 2))
    wrong = '<c t="e"><v>#N/A</v></c>'
    sheet = "".join(
        f'<row r="{n + 2}"><c t="s"><v>{n % (rows // 2) * 2}</v></c><c t="s"><v>{n % (rows // 2) * 2 + 1}</v></c>'
        f"{wrong if n % 1_000 == 0 else ''}</row>"
        for n in range(rows)
    )
    header = "".join(f'<c t="str"><v>{name}</v></c>' for name in ("external_id", "name", "city"))
    return packed(parts(f"<row>{header}</row>{sheet}{tail}", strings))


@pytest.mark.slow
@pytest.mark.parametrize("save", [2, 3, 5, 6, 8])
async def test_another_worker_goes_on_where_one_died(
    database: Database, store_id: int, save: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its saves, the first five convert the workbook, and the others stage and merge what it became."""
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, large())
    await die_and_do(database, store_id, job_id, monkeypatch, save=save)
    done = await outcome(database, operation)
    assert (done.status, done.done, done.total) == ("DONE", ROWS, ROWS)
    assert [problem.row for problem in await problems_of(database, done)] == [n + 2 for n in range(0, ROWS, 1_000)]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(customers)) == ROWS // 2
        for table in (imports, uploads, *STAGED):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0


async def test_a_workbook_that_breaks_in_the_middle_changes_nothing(database: Database, store_id: int) -> None:
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, large(tail='<row r="1"/>'))
    await do(database, await claim(database, store_id, job_id))
    [problem] = await problems_of(database, operation)
    assert (await outcome(database, operation)).status == "FAILED"
    assert "the row behind row 14001 has the number '1'" in problem.message
    async with database.read() as tx:
        for table in (customers, imports, uploads, *STAGED):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0


async def test_cells_that_share_a_long_text_do_not_fill_the_database(
    database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = '<row><c t="str"><v>c1</v></c><c t="s"><v>0</v></c></row>'
    header = '<row><c t="str"><v>external_id</v></c><c t="str"><v>name</v></c></row>'
    content = packed(parts(header + row * 500, f"<si><t>{'x' * 30_000}</t></si>"))
    # A file that exceeds it by itself takes minutes.
    monkeypatch.setattr(conversion, "FREE", 5 << 20)
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, content)
    await do(database, await claim(database, store_id, job_id))
    [problem] = await problems_of(database, operation)
    assert "more than 100 times the workbook" in problem.message


async def test_a_header_too_deep_to_be_checked_at_once_is_refused_by_the_worker(
    database: Database, store_id: int
) -> None:
    strings = "".join(f"<si><t>{n:060d}</t></si>" for n in range(100_000)) + "<si><t>colour</t></si>"
    content = packed(parts('<row><c t="s"><v>100000</v></c></row><row><c><v>1</v></c></row>', strings))
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, content)
    await do(database, await claim(database, store_id, job_id))
    [problem] = await problems_of(database, operation)
    assert (await outcome(database, operation)).status == "FAILED"
    assert "external_id, email or phone" in problem.message


async def test_days_of_a_workbook_are_days(database: Database, store_id: int) -> None:
    content = workbook([["external_id", "birthday"], ["c1", date(2001, 12, 31)]], default_date_format="d/m/yy")
    await bring_in(database, store_id, ImportKind.CUSTOMERS, content)
    async with database.read() as tx:
        assert await tx.scalar(select(customers.c.birthday)) == date(2001, 12, 31)
