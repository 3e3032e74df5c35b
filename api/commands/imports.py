"""Commands that import CSV files and workbooks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import (
    CommandFailed,
    ExitStatus,
    StoreNumber,
    find_store,
    load_settings,
    record,
    run_with_database,
)

if TYPE_CHECKING:
    from domain.imports.actions import LocalFile
    from domain.imports.model import ImportKind, ImportOptions, UnmappedColumns
    from domain.kit.db import Database, Transaction
    from domain.operations.model import Operation

File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV or .xlsx file with a header.")
]
FileEncoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="utf-8, utf-16-le, utf-16-be, windows-1252, big5, gb18030 or shift_jis; found out when left out.",
    ),
]
DateOrderName = Annotated[
    str | None,
    typer.Option(
        "--date-order",
        metavar="ORDER",
        help="YMD, DMY or MDY: how dates such as 1/2/2026 are written; found out by column when left out.",
    ),
]
ProblemFile = Annotated[
    Path | None, typer.Option("--problems", dir_okay=False, writable=True, help="Write all problems to this CSV file.")
]
Mapped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD",
        help='The field that a column is, as in --map "Mail=email" --map "Shoe size=property.shoe_size"; "Mail=" for '
        "none. Can be given several times.",
    ),
]
Properties = Annotated[
    bool, typer.Option("--unmapped-as-properties", help="Take columns that are no field as properties.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show how the file is read and what is wrong; change nothing.")]


def import_customers(
    file: File,
    store: StoreNumber = None,
    encoding: FileEncoding = None,
    date_order: DateOrderName = None,
    problems: ProblemFile = None,
    mapped: Mapped = None,
    *,
    properties: Properties = False,
    dry_run: DryRun = False,
) -> None:
    """Import customers. New ones are created, existing ones updated."""
    from domain.imports.model import UnmappedColumns

    unmapped = UnmappedColumns.PROPERTIES if properties else UnmappedColumns.LEFT_OUT
    options = _options(mapped, date_order, unmapped)
    _import(_file("customers", file, encoding, options, dry_run=dry_run), store, problems)


def import_orders(
    file: File,
    store: StoreNumber = None,
    encoding: FileEncoding = None,
    date_order: DateOrderName = None,
    problems: ProblemFile = None,
    mapped: Mapped = None,
    *,
    create_customers: Annotated[
        bool, typer.Option("--create-customers", help="Create the customers whom the store does not have.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Import orders, one line item per row."""
    options = _options(mapped, date_order, create_customers=create_customers)
    _import(_file("orders", file, encoding, options, dry_run=dry_run), store, problems)


def import_events(
    file: File,
    store: StoreNumber = None,
    encoding: FileEncoding = None,
    date_order: DateOrderName = None,
    problems: ProblemFile = None,
    mapped: Mapped = None,
    *,
    dry_run: DryRun = False,
) -> None:
    """Import events, one per row. Those that are stored already are ignored."""
    _import(_file("events", file, encoding, _options(mapped, date_order), dry_run=dry_run), store, problems)


def _file(kind: str, path: Path, encoding: str | None, options: "ImportOptions", *, dry_run: bool) -> "LocalFile":
    from domain.imports import encodings
    from domain.imports.actions import LocalFile
    from domain.imports.model import ImportKind

    return LocalFile(ImportKind(kind), path, dry_run, encodings.named(encoding), options)


def _options(
    mapped: list[str] | None,
    date_order: str | None,
    unmapped: "UnmappedColumns | None" = None,
    *,
    create_customers: bool = False,
) -> "ImportOptions":
    from domain.imports.model import ColumnMapping, ImportOptions, UnmappedColumns
    from domain.imports.values import dates

    columns: list[ColumnMapping] = []
    for pair in mapped or ():
        # A column's name may have a sign of equality, a field's has none.
        column, sign, field = pair.rpartition("=")
        if not sign or not column.strip():
            raise CommandFailed(f"--map {pair!r} names no column and field: write COLUMN=FIELD", ExitStatus.INVALID)
        columns.append(ColumnMapping(column.strip(), field.strip() or None))
    order = dates.order_named(date_order)
    return ImportOptions(columns, unmapped or UnmappedColumns.LEFT_OUT, order, create_customers)


def _import(file: "LocalFile", store: int | None, problem_file: Path | None) -> None:
    from api.import_file import import_file
    from domain.audit.model import AuditSubject
    from domain.consents.suppressions import suppression_key
    from domain.imports.import_run import ImportEnvironment
    from domain.installation.keys import InstallationKeys
    from domain.operations.files import FileDirectory
    from plugins.manager import load

    settings, size = load_settings(), file.path.stat().st_size

    async def record_import(tx: "Transaction", operation: "Operation", kind: "ImportKind") -> None:
        subject = AuditSubject("Operation", str(operation.id))
        asked = {"file": {"bytes": size}}
        await record(tx, operation.store_id, f"{kind.value}Import", subject=subject, asked=asked)

    async def run(database: "Database") -> bool:
        store_id = await find_store(database, store)
        keys = await InstallationKeys(settings.secret_keys()).load(database)
        kinds = load(settings.blocked_plugins, settings.child_limits()).extensions.address_kinds
        files = FileDirectory(settings.files())
        environment = ImportEnvironment(settings.clock(), suppression_key(keys), files, kinds)
        return await import_file(database, store_id, file, environment, record_import, problem_file)

    if not run_with_database(settings, run):
        raise typer.Exit(ExitStatus.FAILED)
