"""Imports of customers, orders and events from files: uploaded at once, merged by a worker."""

from collections.abc import Sequence

import strawberry

from api.graphql.kit.context import Context
from api.graphql.kit.enums import expose
from api.graphql.kit.mutation import Record, mutation
from api.graphql.kit.upload import Upload
from api.graphql.operations.types import Operation, OperationPayload
from domain.imports import actions
from domain.imports.encodings import Encoding
from domain.imports.model import ColumnMapping, DateOrder, ImportKind, ImportOptions, UnmappedColumns
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.operations import model
from domain.stores.model import TokenScope

expose(
    UnmappedColumns,
    {
        UnmappedColumns.LEFT_OUT: "Their values are left out.",
        UnmappedColumns.PROPERTIES: "Each is a property of the customer, with the column's name as its label.",
    },
)
expose(
    DateOrder,
    {
        DateOrder.YMD: "Year, month, day.",
        DateOrder.DMY: "Day, month, year, as 31/12/2026.",
        DateOrder.MDY: "Month, day, year, as 12/31/2026.",
    },
)
_MAX_MAPPED = 1_000


@strawberry.input(description="The field that a column of a file is, in place of what is known of it.")
class ColumnMappingInput:
    column: str = strawberry.field(description="As the file names it; capitals, spaces, - and _ do not matter.")
    field: str | None = strawberry.field(
        default=None, description='A column of the documentation, such as "email" or "property.KEY"; null for none.'
    )


@strawberry.type
class ImportMutation:
    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description=(
            'CSV or .xlsx with a header, of any size; columns as in the documentation, "property.KEY" and "tags" '
            "included. Exports of Shopify, WooCommerce, Mailchimp, Klaviyo and SHOPLINE are recognised by their "
            "columns; `mapping` says what other columns are. The separator of CSV and, unless it is given, the "
            "encoding are found out. Values are read as people write them; times without a zone are the store's. "
            "`dateOrder` is that of dates such as 1/2/2026: where it is not given, and no date of the column tells, "
            "they are left out. A cell that cannot be read is reported and left out; a row is refused only where "
            "nobody can be told from it. The file at the operation's `url` has all problems. A dry run reports the "
            "same, and changes nothing."
        ),
    )
    async def customers_import(
        self,
        context: Context,
        record: Record,
        file: Upload,
        dry_run: bool | None = False,
        encoding: Encoding | None = None,
        date_order: DateOrder | None = None,
        mapping: list[ColumnMappingInput] | None = None,
        unmapped_columns: UnmappedColumns | None = UnmappedColumns.LEFT_OUT,
    ) -> OperationPayload:
        options = ImportOptions(_mapping(mapping), unmapped_columns or UnmappedColumns.LEFT_OUT, date_order)
        incoming = actions.IncomingFile(ImportKind.CUSTOMERS, file.chunks(), bool(dry_run), encoding, options)
        return await _start(context, record, incoming)

    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description=(
            "A file with a header and one line item in each row; import the customers first, or have those made whom "
            "the store does not know. Otherwise as customersImport."
        ),
    )
    async def orders_import(
        self,
        context: Context,
        record: Record,
        file: Upload,
        dry_run: bool | None = False,
        encoding: Encoding | None = None,
        date_order: DateOrder | None = None,
        mapping: list[ColumnMappingInput] | None = None,
        create_customers: bool | None = False,
    ) -> OperationPayload:
        options = ImportOptions(_mapping(mapping), date_order=date_order, create_customers=bool(create_customers))
        incoming = actions.IncomingFile(ImportKind.ORDERS, file.chunks(), bool(dry_run), encoding, options)
        return await _start(context, record, incoming)

    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description=(
            "A file with a header and one event in each row, as eventsTrack takes them: type, occurred_at, the "
            "customer by external_id, email or phone, and attributes.KEY for each attribute. An event without an id "
            "gets one of its row, so that the same file can be sent twice. Otherwise as customersImport."
        ),
    )
    async def events_import(
        self,
        context: Context,
        record: Record,
        file: Upload,
        dry_run: bool | None = False,
        encoding: Encoding | None = None,
        date_order: DateOrder | None = None,
        mapping: list[ColumnMappingInput] | None = None,
    ) -> OperationPayload:
        options = ImportOptions(_mapping(mapping), date_order=date_order)
        incoming = actions.IncomingFile(ImportKind.EVENTS, file.chunks(), bool(dry_run), encoding, options)
        return await _start(context, record, incoming)


def _mapping(columns: Sequence[ColumnMappingInput] | None) -> list[ColumnMapping]:
    if columns is not None and len(columns) > _MAX_MAPPED:
        message = f"mapping: there are {len(columns):,} columns: {_MAX_MAPPED:,} at most"
        raise DomainError(message, field=("mapping",), code=ErrorCode.LIMIT_EXCEEDED)
    return [ColumnMapping(column.column, column.field) for column in columns or ()]


async def _start(context: Context, record: Record, incoming: actions.IncomingFile) -> OperationPayload:
    """Store the file in as many transactions as it needs, and have a worker merge it; the last one records it."""

    async def submit(tx: Transaction, operation: model.Operation, kind: ImportKind) -> None:
        await actions.submit(tx, context.store_id, operation.id, kind)
        await record(tx, OperationPayload(operation=Operation(row=operation)))

    operation = await actions.take_in(context.database, context.store_id, incoming, context.now, on_complete=submit)
    return OperationPayload(operation=Operation(row=operation))
