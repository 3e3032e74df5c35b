"""Commands that import CSV files and workbooks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.environment import ExitStatus, StoreNumber, find_store, load_settings, record, run_with_database

if TYPE_CHECKING:
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


def import_customers(
    file: File,
    store: StoreNumber = None,
    encoding: FileEncoding = None,
    date_order: DateOrderName = None,
    problems: ProblemFile = None,
) -> None:
    """Import customers. New ones are created, existing ones updated."""
    _import("customers", file, store, encoding, date_order, problems)


def import_orders(
    file: File,
    store: StoreNumber = None,
    encoding: FileEncoding = None,
    date_order: DateOrderName = None,
    problems: ProblemFile = None,
) -> None:
    """Import orders, one line item per row."""
    _import("orders", file, store, encoding, date_order, problems)


def _import(
    kind: str, file: Path, store: int | None, encoding: str | None, date_order: str | None, problem_file: Path | None
) -> None:
    from api.import_file import import_file
    from domain.audit.model import AuditSubject
    from domain.consents.suppressions import suppression_key
    from domain.imports import encodings
    from domain.imports.actions import LocalFile
    from domain.imports.import_run import ImportEnvironment
    from domain.imports.model import ImportKind
    from domain.imports.values import dates
    from domain.installation.keys import InstallationKeys
    from domain.operations.files import FileDirectory
    from plugins.manager import load

    settings, size = load_settings(), file.stat().st_size

    async def record_import(tx: "Transaction", operation: "Operation", kind: ImportKind) -> None:
        subject = AuditSubject("Operation", str(operation.id))
        asked = {"file": {"bytes": size}}
        await record(tx, operation.store_id, f"{kind.value}Import", subject=subject, asked=asked)

    async def run(database: "Database") -> bool:
        store_id = await find_store(database, store)
        keys = await InstallationKeys(settings.secret_keys()).load(database)
        kinds = load(settings.blocked_plugins).extensions.address_kinds
        files = FileDirectory(settings.files())
        environment = ImportEnvironment(settings.clock(), suppression_key(keys), files, kinds)
        incoming = LocalFile(ImportKind(kind), file, encodings.named(encoding), dates.order_named(date_order))
        return await import_file(database, store_id, incoming, environment, record_import, problem_file)

    if not run_with_database(settings, run):
        raise typer.Exit(ExitStatus.FAILED)
