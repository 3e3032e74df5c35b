"""Imports of customers and orders from files: uploaded at once, merged by a worker."""

import strawberry

from api.graphql.kit.context import Context
from api.graphql.kit.enums import expose
from api.graphql.kit.mutation import Record, mutation
from api.graphql.kit.upload import Upload
from api.graphql.operations.types import Operation, OperationPayload
from domain.imports import actions
from domain.imports.encodings import Encoding
from domain.imports.model import ImportKind
from domain.imports.values.dates import DateOrder
from domain.kit.db import Transaction
from domain.operations import model
from domain.stores.model import TokenScope

expose(
    Encoding,
    {
        Encoding.UTF_16_LE: "Little-endian, as Windows writes it.",
        Encoding.WINDOWS_1252: "Western Europe; ISO-8859-1 is a part of it.",
        Encoding.BIG5: "Traditional Chinese (code page 950).",
        Encoding.GB18030: "Simplified Chinese; GBK and GB2312 are parts of it.",
        Encoding.SHIFT_JIS: "Japanese (code page 932).",
    },
    name="FileEncoding",
)

expose(
    DateOrder,
    {
        DateOrder.YMD: "Year, month, day.",
        DateOrder.DMY: "Day, month, year, as 31/12/2026.",
        DateOrder.MDY: "Month, day, year, as 12/31/2026.",
    },
)


@strawberry.type
class ImportMutation:
    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description=(
            "CSV or .xlsx with a header, of any size; columns as in the documentation, "
            '"property.KEY" and "tags" included. '
            "The separator of CSV and, unless it is given, the encoding are found out. "
            "Values are read as people write them; times without a zone are the store's. `dateOrder` is that of dates "
            "such as 1/2/2026: where it is not given, and no date of the column tells, they are left out. A cell that "
            "cannot be read is reported and left out; a row is refused only where nobody can be told from it. The file "
            "at the operation's `url` has all problems. A dry run reports the same, and changes nothing."
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
    ) -> OperationPayload:
        incoming = actions.IncomingFile(ImportKind.CUSTOMERS, file.chunks(), bool(dry_run), encoding, date_order)
        return await _start(context, record, incoming)

    @mutation(
        OperationPayload,
        TokenScope.WRITE,
        description=(
            "CSV or .xlsx with a header and one line item in each row; import the customers first. "
            "Otherwise as customersImport."
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
    ) -> OperationPayload:
        incoming = actions.IncomingFile(ImportKind.ORDERS, file.chunks(), bool(dry_run), encoding, date_order)
        return await _start(context, record, incoming)


async def _start(context: Context, record: Record, incoming: actions.IncomingFile) -> OperationPayload:
    """Store the file in as many transactions as it needs, and have a worker merge it; the last one records it."""

    async def submit(tx: Transaction, operation: model.Operation, kind: ImportKind) -> None:
        await actions.submit(tx, context.store_id, operation.id, kind)
        await record(tx, OperationPayload(operation=Operation(row=operation)))

    operation = await actions.take_in(context.database, context.store_id, incoming, context.now, on_complete=submit)
    return OperationPayload(operation=Operation(row=operation))
