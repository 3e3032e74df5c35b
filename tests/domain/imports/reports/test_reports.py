"""How an import has read its file: for as long as its problems, and never of somebody who was erased."""

from sqlalchemy import func, select

from domain.customers import queries
from domain.customers.model import CustomerChange
from domain.customers.upsert import upsert
from domain.imports.model import ColumnMapping, ImportKind, ImportOptions, UnmappedColumns
from domain.imports.reports import queries as reports
from domain.imports.reports.model import ImportCounts, ImportReport, SampleRow
from domain.imports.tables import import_reports, import_samples
from domain.kit.db import Database
from domain.operations.model import Operation
from domain.orphans.actions import delete_old_reports
from domain.privacy import erasure
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY


async def report_of(database: Database, operation: Operation) -> tuple[ImportReport, list[SampleRow]]:
    async with database.read() as tx:
        report = (await reports.by_operation(tx, operation.store_id, [operation.id]))[operation.id]
        samples = (await reports.samples_of(tx, operation.store_id, [operation.id]))[operation.id]
    assert report is not None
    return report, samples


async def test_a_dry_run_tells_how_the_file_is_read(database: Database, store_id: int) -> None:
    content = (
        "Kunde;Mail;Shoe size;tags;registered_at;member;address.city;consent.email;Rest\n"
        "a;A@Shop.example;42;x;2026-06-01T10:00:00Z;true;Kyoto;SUBSCRIBED;?\n"
        "b;b@shop.example;;;;;;;\n"
        ";;1;;;;;;\n"
    )
    options = ImportOptions(
        [
            ColumnMapping("Kunde", "external_id"),
            ColumnMapping("Rest", None),
            ColumnMapping("Shoe size", "property.size"),
        ]
    )
    done = await bring_in(
        database, store_id, ImportKind.CUSTOMERS, content.encode("cp1252"), dry_run=True, options=options
    )
    report, samples = await report_of(database, done)
    assert (report.separator, report.preset) == (";", None)
    assert [(column.column, list(column.fields)) for column in report.columns] == [
        ("Kunde", ["external_id"]),
        ("Mail", ["email"]),
        ("Shoe size", ["property.size"]),
        ("tags", ["tags"]),
        ("registered_at", ["registered_at"]),
        ("member", ["member"]),
        ("address.city", ["address.1.city"]),
        ("consent.email", ["consent.email"]),
        ("Rest", []),
    ]
    assert report.counts == ImportCounts(rows=3, taken=2, refused=1, cells_left_out=0)
    assert [sample.row for sample in samples] == [2, 3]
    fields = dict(samples[0].fields)
    assert str(fields.pop("registered_at")).startswith("2026-06-01T10:00:00")
    assert fields == {
        "external_id": "a",
        "email": "a@shop.example",
        "tags": ["x"],
        "member": True,
        "property.size": "42",
        "address.1.city": "Kyoto",
        "consent.email": "SUBSCRIBED",
    }
    assert [problem.row for problem in await problems_of(database, done)] == [4]


async def test_only_the_first_rows_are_kept_and_they_are_cut(database: Database, store_id: int) -> None:
    rows = "".join(f"c{n},{'x' * 2_000}\n" for n in range(50))
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, f"external_id,note\n{rows}".encode())
    _, samples = await report_of(database, done)
    assert [sample.row for sample in samples] == list(range(2, 12))
    assert {len(str(sample.fields["note"])) for sample in samples} == {201}


async def test_who_is_erased_vanishes_from_reports(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await upsert(tx, store_id, CustomerChange(external_id="ann", email="ann@shop.example"), NOW)
    content = b"external_id,email\nann,\n,ANN@shop.example\nben,ben@shop.example\n"
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, content, dry_run=True)
    assert len((await report_of(database, done))[1]) == 3
    async with database.write() as tx:
        await erasure.erase(tx, SUPPRESSION_KEY, store_id, 1, NOW)
    assert [sample.fields["external_id"] for sample in (await report_of(database, done))[1]] == ["ben"]


async def test_reports_go_with_the_problems(database: Database, store_id: int) -> None:
    await bring_in(database, store_id, ImportKind.CUSTOMERS, b"external_id\na\n")
    assert await delete_old_reports(database) == 0
    async with database.write() as tx:
        for table in (import_reports, import_samples):
            assert await tx.scalar(select(func.count()).select_from(table)) == 1
            await tx.execute(table.update().values(created_at=NOW.replace(year=2020)))
    await delete_old_reports(database)
    async with database.read() as tx:
        for table in (import_reports, import_samples):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0


async def test_columns_that_are_no_field_can_be_properties(database: Database, store_id: int) -> None:
    """h20, and a label that is nobody's key."""
    options = ImportOptions(unmapped=UnmappedColumns.PROPERTIES)
    content = "external_id,property.興趣,Shoe size\np1,音樂,42\n".encode()
    done = await bring_in(database, store_id, ImportKind.CUSTOMERS, content, options=options)
    assert [(problem.row, problem.column, problem.outcome) for problem in await problems_of(database, done)] == [
        (1, "Shoe size", "NOTICE")
    ]
    # The same labels are the same properties.
    await bring_in(database, store_id, ImportKind.CUSTOMERS, "external_id,property.興趣\np2,棋\n".encode())
    async with database.read() as tx:
        definitions = await queries.definitions(tx, store_id)
        assert {(definition.label, definition.type) for definition in definitions} == {
            ("興趣", "STRING"),
            ("Shoe size", "NUMBER"),
        }
