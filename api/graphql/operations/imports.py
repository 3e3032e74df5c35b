"""Imports of customers and orders from files: uploaded at once, merged by a worker."""

import strawberry

from api.graphql.kit.context import Context
from api.graphql.kit.mutation import Record, mutation
from api.graphql.kit.upload import Upload
from api.graphql.operations.types import Operation, OperationPayload
from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.db import Transaction
from domain.operations import model
from domain.stores.model import TokenScope


@strawberry.type
class ImportMutation:
    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description=(
            'CSV with a header, of any size; columns as in the documentation, "property.KEY" and "tags" included. '
            "A bad row is reported by its number, and the others are imported. A dry run reports the same, and changes "
            "nothing."
        ),
    )
    async def customers_import(
        self, context: Context, record: Record, file: Upload, dry_run: bool | None = False
    ) -> OperationPayload:
        return await _start(context, record, ImportKind.CUSTOMERS, file, dry_run=bool(dry_run))

    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description=(
            "CSV with a header and one line item in each row; import the customers first. Otherwise as customersImport."
        ),
    )
    async def orders_import(
        self, context: Context, record: Record, file: Upload, dry_run: bool | None = False
    ) -> OperationPayload:
        return await _start(context, record, ImportKind.ORDERS, file, dry_run=bool(dry_run))


async def _start(
    context: Context, record: Record, kind: ImportKind, file: Upload, *, dry_run: bool
) -> OperationPayload:
    """Store the file in as many transactions as it needs, and have a worker merge it; the last one records it."""

    async def submit(tx: Transaction, operation: model.Operation, kind: ImportKind) -> None:
        await actions.submit(tx, context.store_id, operation.id, kind)
        await record(tx, OperationPayload(operation=Operation(row=operation)))

    incoming = actions.IncomingFile(kind, file.chunks(), dry_run)
    operation = await actions.take_in(context.database, context.store_id, incoming, context.now, on_complete=submit)
    return OperationPayload(operation=Operation(row=operation))
