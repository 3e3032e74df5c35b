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


def import_customers(file: File, store: StoreNumber = None, encoding: FileEncoding = None) -> None:
    """Import customers. New ones are created, existing ones updated."""
    _import("customers", file, store, encoding)


def import_orders(file: File, store: StoreNumber = None, encoding: FileEncoding = None) -> None:
    """Import orders, one line item per row."""
    _import("orders", file, store, encoding)


def _import(kind: str, file: Path, store: int | None, encoding: str | None) -> None:
    from api.import_file import import_file
    from domain.audit.model import AuditSubject
    from domain.consents.suppressions import suppression_key
    from domain.imports import encodings
    from domain.imports.actions import LocalFile
    from domain.imports.import_run import ImportEnvironment
    from domain.imports.model import ImportKind
    from domain.installation.keys import InstallationKeys
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
        environment = ImportEnvironment(settings.clock(), suppression_key(keys), kinds)
        incoming = LocalFile(ImportKind(kind), file, encodings.named(encoding))
        return await import_file(database, store_id, incoming, environment, record_import)

    if not run_with_database(settings, run):
        raise typer.Exit(ExitStatus.FAILED)
