"""A cell is taken, or left out and told; a row is refused only where nobody can be told from it."""

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from sqlalchemy import func, select, update

from domain.customers import queries
from domain.customers.model import Consent, Customer
from domain.customers.tables import customers
from domain.imports.model import DateOrder, ImportKind, ImportOptions
from domain.imports.tables import import_problems
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.kit.values import ValueType
from domain.operations.model import Operation, Problem
from domain.orders.tables import orders
from domain.stores.tables import stores
from tests.domain.imports.files import bring_in, claim, do, outcome, problems_of, send
from tests.domain.imports.xlsx.workbooks import workbook
from tests.factories import NOW
from tests.fakes import IMPORTS

LEFT_OUT, REFUSED = "CELL_LEFT_OUT", "ROW_REFUSED"


async def imported(
    database: Database, store_id: int, text: str, order: DateOrder | None = None
) -> list[tuple[int | None, str | None, str | None, str | None]]:
    """Import customers, and return where the problems are, and what became of it."""
    done = await bring_in(
        database, store_id, ImportKind.CUSTOMERS, text.encode(), options=ImportOptions(date_order=order)
    )
    assert done.status == "DONE"
    return [_place(problem) for problem in await problems_of(database, done)]


def _place(problem: Problem) -> tuple[int | None, str | None, str | None, str | None]:
    return problem.row, problem.column, problem.value, problem.outcome


async def stored(database: Database, store_id: int) -> dict[str | None, Customer]:
    async with database.read() as tx:
        ids = await tx.execute(select(customers.c.id).where(customers.c.store_id == store_id))
        rows = await queries.by_ids(tx, store_id, list(ids.scalars()))
    return {customer.external_id: customer for customer in rows}


async def move_to_taipei(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await tx.execute(update(stores).where(stores.c.id == store_id).values(timezone="Asia/Taipei"))


async def test_rows_of_rounded_ids_are_refused(database: Database, store_id: int) -> None:
    text = "external_id,name\n6.23457E+12,Ann\n6.23457E+12,Ben\nc,Cy\n"
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, text.encode())
    problems = await problems_of(database, done)
    assert [_place(problem) for problem in problems] == [
        (2, "external_id", "6.23457E+12", REFUSED),
        (3, "external_id", "6.23457E+12", REFUSED),
    ]
    assert "rounded by a spreadsheet" in problems[0].message
    assert set(await stored(database, store_id)) == {"c"}


async def test_a_row_of_a_rounded_id_goes_in_by_its_address(database: Database, store_id: int) -> None:
    text = "external_id,email\n6.23457E+12,ann@mail.example\n"
    assert await imported(database, store_id, text) == [(2, "external_id", "6.23457E+12", LEFT_OUT)]
    assert (await stored(database, store_id))[None].email == "ann@mail.example"


async def test_rounded_ids_of_orders_are_refused(database: Database, store_id: int) -> None:
    assert await imported(database, store_id, "external_id\nc1\n") == []
    text = "order_id,customer_external_id,placed_at,total\n5.12346E+12,c1,2026-06-01T00:00:00Z,10\n"
    done = await bring_in(database, store_id, ImportKind.ORDERS, text.encode())
    [problem] = await problems_of(database, done)
    assert problem.outcome == REFUSED
    assert "rounded by a spreadsheet" in problem.message


async def test_an_optional_cell_that_cannot_be_read_costs_no_row(database: Database, store_id: int) -> None:
    text = (
        "external_id,name,email,phone,country,birthday,gender,consent.email\n"
        "a1,Ann,ann@mail.example,n/a,TW,,,SUBSCRIBED\n"
        "a2,Ben,ben@mail.example,,TW,31/12/1990,,SUBSCRIBED\n"
        "a3,Cy,cy@mail.example,,Taiwan,,,SUBSCRIBED\n"
        "a4,Di,di@mail.example,,TW,,F,SUBSCRIBED\n"
        "a5,Ed,ed@mail.example,0912345678 / 0223456789,TW,,,perhaps\n"
        "a6,Flo,flo(at)mail.example,,,,,yes\n"
    )
    assert await imported(database, store_id, text) == [
        (2, "phone", "n/a", LEFT_OUT),
        (6, "consent.email", "perhaps", LEFT_OUT),
        (6, "phone", "0912345678 / 0223456789", LEFT_OUT),
        (7, "email", "flo(at)mail.example", LEFT_OUT),
    ]
    by_id = await stored(database, store_id)
    assert set(by_id) == {"a1", "a2", "a3", "a4", "a5", "a6"}
    assert (by_id["a2"].birthday, by_id["a3"].country, by_id["a4"].gender) == (date(1990, 12, 31), "TW", "FEMALE")
    async with database.read() as tx:
        contacts = await queries.contacts_of(tx, store_id, [customer.id for customer in by_id.values()])
    consents = {key: [contact.consent for contact in contacts[customer.id]] for key, customer in by_id.items()}
    assert consents == {f"a{number}": [Consent.SUBSCRIBED] for number in (1, 2, 3, 4, 6)} | {"a5": []}
    heads = "order_id,customer_external_id,placed_at,total\n"
    rows = "".join(f"p{number},a{number},2026-06-01T00:00:00Z,10\n" for number in range(1, 7))
    done = await bring_in(database, store_id, ImportKind.ORDERS, (heads + rows).encode())
    assert await problems_of(database, done) == []


async def test_values_as_people_write_them(database: Database, store_id: int) -> None:
    await move_to_taipei(database, store_id)
    text = (
        "external_id,email,consent.email,gender,birthday,registered_at,country,member\n"
        "v1,v1@mail.example,yes,F,31/12/1990,2024-01-05 13:07:49,UK,Y\n"
        "v2,v2@mail.example,no,女,1990/12/31,2024-01-05,United States,on\n"
        "v3,v3@mail.example,unsubscribed,male,1990-5-7,2024-01-05 13:07:49 UTC,XK,yes\n"
    )
    assert await imported(database, store_id, text) == []
    by_id = await stored(database, store_id)
    rows = [by_id[key] for key in ("v1", "v2", "v3")]
    assert [row.gender for row in rows] == ["FEMALE", "FEMALE", "MALE"]
    assert [row.birthday for row in rows] == [date(1990, 12, 31), date(1990, 12, 31), date(1990, 5, 7)]
    assert [row.registered_at for row in rows] == [
        datetime(2024, 1, 5, 5, 7, 49, tzinfo=UTC),
        datetime(2024, 1, 4, 16, tzinfo=UTC),
        datetime(2024, 1, 5, 13, 7, 49, tzinfo=UTC),
    ]
    assert [row.country for row in rows] == ["GB", "US", "XK"]
    assert [row.member for row in rows] == [True, True, True]
    async with database.read() as tx:
        contacts = await queries.contacts_of(tx, store_id, [row.id for row in rows])
    assert [contacts[row.id][0].consent for row in rows] == ["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED"]


async def test_amounts_as_people_write_them(database: Database, store_id: int) -> None:
    await move_to_taipei(database, store_id)
    assert await imported(database, store_id, "external_id\nc1\n") == []
    text = (
        "order_id,customer_external_id,placed_at,total\n"
        'a1,c1,2026-06-01 10:00:00,"1,234.50"\n'
        "a2,c1,2026-06-01,$12.00\n"
        'a3,c1,2026-06-01T00:00:00Z,"1.234,50"\n'
        "a4,c1,2026-06-01T00:00:00Z,NT$300\n"
    )
    done = await bring_in(database, store_id, ImportKind.ORDERS, text.encode())
    # A sign that is one currency's says it; the dollar is the store's own.
    [notice] = await problems_of(database, done)
    assert (notice.row, notice.value, notice.outcome) == (5, "TWD", "NOTICE")
    async with database.read() as tx:
        columns = (orders.c.id, orders.c.total, orders.c.foreign_total, orders.c.placed_at)
        by_id = {row.id: row for row in await tx.execute(select(*columns))}
    assert [float(by_id[key].total) for key in ("a1", "a2", "a3")] == [1234.5, 12, 1234.5]
    assert (by_id["a4"].total, float(by_id["a4"].foreign_total)) == (None, 300)
    assert by_id["a1"].placed_at == datetime(2026, 6, 1, 2, tzinfo=UTC)


async def test_tags_by_commas_or_semicolons(database: Database, store_id: int) -> None:
    text = 'external_id,tags\nt1,"VIP, newsletter"\nt2,VIP;newsletter\nt3,vip\n'
    assert await imported(database, store_id, text) == []
    by_id = await stored(database, store_id)
    async with database.read() as tx:
        tags = await queries.tags_of(tx, store_id, [customer.id for customer in by_id.values()])
    assert {key: tags[customer.id] for key, customer in by_id.items()} == {
        "t1": ["VIP", "newsletter"],
        "t2": ["VIP", "newsletter"],
        "t3": ["vip"],
    }


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["02134", "2134"], ValueType.STRING),
        (["4111111111111111"], ValueType.STRING),
        (["1e5"], ValueType.STRING),
        (["1.10", "1.2"], ValueType.STRING),
        (["42", "XL"], ValueType.STRING),
        (["42", "-1.5", "0"], ValueType.NUMBER),
    ],
)
async def test_a_guessed_type_changes_no_value(
    database: Database, store_id: int, cells: Sequence[str], kind: ValueType
) -> None:
    rows = "".join(f"c{number},{cell}\n" for number, cell in enumerate(cells))
    assert await imported(database, store_id, f"external_id,property.size\n{rows}") == []
    by_id = await stored(database, store_id)
    async with database.read() as tx:
        [definition] = await queries.definitions(tx, store_id)
        properties = await queries.properties_of(tx, store_id, [customer.id for customer in by_id.values()])
    assert definition.type is kind
    read = [properties[by_id[f"c{number}"].id][0].value for number in range(len(cells))]
    assert [f"{value:g}" if isinstance(value, float) else value for value in read] == list(cells)


async def test_a_number_would_change_what_a_later_file_has(database: Database, store_id: int) -> None:
    assert await imported(database, store_id, "external_id,property.zip\na,42\n") == []
    text = 'external_id,property.zip\nb,02134\nc,XL\nd,12345678901234567\ne,"1,5"\n'
    assert await imported(database, store_id, text) == [
        (2, "property.zip", "02134", LEFT_OUT),
        (3, "property.zip", "XL", LEFT_OUT),
        (4, "property.zip", "12345678901234567", LEFT_OUT),
    ]
    assert set(await stored(database, store_id)) == {"a", "b", "c", "d", "e"}


async def test_a_later_date_tells_the_order_of_the_column(database: Database, store_id: int) -> None:
    await move_to_taipei(database, store_id)
    filler = "".join(f"d{number},{'n' * 150},,\n" for number in range(9_000))
    text = (
        f"external_id,name,birthday,registered_at\na,Ann,1/2/1990,3/4/2024 9:00\n{filler}"
        "b,Ben,31/12/1990,12/25/2024\nc,Cy,3/4/1990,\n"
    )
    assert await imported(database, store_id, text) == []
    by_id = await stored(database, store_id)
    assert [by_id[key].birthday for key in "abc"] == [date(1990, 2, 1), date(1990, 12, 31), date(1990, 4, 3)]
    assert by_id["a"].registered_at == datetime(2024, 3, 4, 1, tzinfo=UTC)


async def test_dates_that_nothing_tells_are_left_out(database: Database, store_id: int) -> None:
    text = "external_id,birthday\na,1/2/1990\nb,5/5/1990\nc,1990-03-04\n"
    assert await imported(database, store_id, text) == [(2, "birthday", "1/2/1990", LEFT_OUT)]
    by_id = await stored(database, store_id)
    assert [by_id[key].birthday for key in "abc"] == [None, date(1990, 5, 5), date(1990, 3, 4)]
    assert await imported(database, store_id, text, DateOrder.MDY) == []
    assert (await stored(database, store_id))["a"].birthday == date(1990, 1, 2)


async def test_a_given_order_is_not_bent(database: Database, store_id: int) -> None:
    text = "external_id,birthday\na,31/12/1990\n"
    assert await imported(database, store_id, text, DateOrder.MDY) == [(2, "birthday", "31/12/1990", LEFT_OUT)]


async def test_text_is_composed_and_keeps_its_lines(database: Database, store_id: int) -> None:
    text = 'external_id,name,note\na,Zoe\u0308,"one\ntwo\r\nthree"\n'
    assert await imported(database, store_id, text) == []
    zoe = (await stored(database, store_id))["a"]
    assert (zoe.name, zoe.note) == ("Zo\u00eb", "one\ntwo\r\nthree")


async def test_an_exports_apostrophe_is_undone_and_no_other(database: Database, store_id: int) -> None:
    text = "external_id,name\na,'=SUM(A1)\nb,'tis\nc,''-x\nd,'+886912345678\n"
    assert await imported(database, store_id, text) == []
    by_id = await stored(database, store_id)
    assert [by_id[key].name for key in "abcd"] == ["=SUM(A1)", "'tis", "'-x", "'+886912345678"]


async def test_a_workbook_keeps_its_apostrophes_and_tells_its_dates(database: Database, store_id: int) -> None:
    rows = [
        ["external_id", "name", "birthday"],
        ["a", "'=SUM(A1)", "1/2/1990"],
        ["b", "'tis", "31/12/1990"],
        ["c", "=1+1", ""],
    ]
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, workbook(rows))
    assert await problems_of(database, done) == []
    by_id = await stored(database, store_id)
    assert [by_id[key].name for key in "abc"] == ["'=SUM(A1)", "'tis", "=1+1"]
    assert by_id["a"].birthday == date(1990, 2, 1)


async def test_a_national_number_without_a_country_is_the_stores(database: Database, store_id: int) -> None:
    await move_to_taipei(database, store_id)
    text = "external_id,phone,country\na,0912-345-678,\nb,0912-345-678,Atlantis\nc,090-1234-5678,JP\n"
    assert await imported(database, store_id, text) == [
        (3, "country", "Atlantis", LEFT_OUT),
        (3, "phone", "0912-345-678", LEFT_OUT),
    ]
    by_id = await stored(database, store_id)
    assert [by_id[key].phone for key in "abc"] == ["+886912345678", None, "+819012345678"]


def read_file(operation: Operation) -> list[list[str]]:
    assert operation.file is not None
    content = IMPORTS.files.path(operation.file.stored_name).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.slow
async def test_all_problems_are_in_a_file_without_formulas(database: Database, store_id: int) -> None:
    rows = "".join(f"c{number},=1+1,@x\n" for number in range(30_000))
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, f"external_id,email,country\n{rows}".encode())
    header, *lines = read_file(done)
    assert header == ["row", "column", "value", "reason", "outcome"]
    assert len(lines) == 60_000
    assert [line[:3] for line in lines[-2:]] == [["30001", "email", "'=1+1"], ["30001", "country", "'@x"]]
    assert {line[4] for line in lines} == {LEFT_OUT}
    assert len(await problems_of(database, done)) == 1_001
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(import_problems)) == 0


async def test_without_problems_there_is_no_file(database: Database, store_id: int) -> None:
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, b"external_id\na\n")
    assert done.file is None


async def test_problems_survive_the_worker(database: Database, store_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"c{number},{'n' * 100},Atlantis,1\n" for number in range(15_000))
    # Rows are staged where the file brings a property that is not defined.
    content = f"external_id,name,country,property.size\n{rows}".encode()
    operation, job_id = await send(database, store_id, ImportKind.CUSTOMERS, content)

    class Killed(Exception):
        pass

    async def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        # A worker that dies after the file was staged, before it is merged.
        patch.setattr("domain.imports.runner._merge", kill)
        with pytest.raises(Killed):
            await do(database, await claim(database, store_id, job_id))
    async with database.write() as tx:
        await tx.execute(update(job_rows).values(lease_until=NOW - timedelta(days=9_999)))
    await do(database, await claim(database, store_id, job_id))
    _, *lines = read_file(await outcome(database, operation))
    assert [int(line[0]) for line in lines] == list(range(2, 15_002))
