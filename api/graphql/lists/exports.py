"""Exports of lists: requested here, written by a worker, downloaded by a signed link."""

import strawberry

from api.graphql.kit import global_ids
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.mutation import mutation
from api.graphql.operations.types import Operation, OperationPayload
from api.graphql.segments.catalogue import Dimension, catalogue_of, catalogue_within
from domain.kit.db import Transaction
from domain.lists.export import columns, job
from domain.lists.export.files import ExportFormat
from domain.lists.export.job import ExportRequest
from domain.segments.sql.scope import FilterScope
from domain.stores.model import TokenScope

expose(ExportFormat)


@strawberry.type
class ExportQuery:
    @strawberry.field(description="The columns that a report of customers can have: the keys that listExport takes.")
    async def export_fields(self, info: Info) -> list[Dimension]:
        context = info.context
        scope = FilterScope(context.store_id, context.principal.store.timezone, context.now, context.database.dialect)
        return [Dimension(entry=entry) for entry in columns.exportable(await catalogue_of(context), scope)]


@strawberry.type
class ExportMutation:
    @mutation(
        OperationPayload,
        TokenScope.READ,
        description=(
            "A report of the list's customers; deleted ones are left out. `fields` are keys of `exportFields`, in the "
            "order of the columns. The operation's `url` leads to the file when it is done, for seven days."
        ),
        price=500,
        shown=("fields",),
    )
    async def list_export(
        self,
        context: Context,
        tx: Transaction,
        id: strawberry.ID,
        fields: list[str],
        format: ExportFormat | None = ExportFormat.CSV,
    ) -> OperationPayload:
        request = ExportRequest(global_ids.uuid(id, "CustomerList"), fields, format or ExportFormat.CSV)
        catalogue = await catalogue_within(tx, context)
        operation = await job.start(tx, context.principal.store, catalogue, request, context.now)
        return OperationPayload(operation=Operation(row=operation))
