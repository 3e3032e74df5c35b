"""Lists as files: asked for here, written by a worker, fetched by a signed link."""

import strawberry

from api.graphql.kit import global_ids
from api.graphql.kit.context import Info, allow
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import user_errors
from api.graphql.operations.types import Operation, OperationPayload
from api.graphql.segments.catalogue import Dimension, catalogue_of
from domain.kit.errors import DomainError
from domain.lists.export import columns, job
from domain.lists.export.files import ExportFormat
from domain.lists.export.job import ExportRequest
from domain.segments.sql.scope import FilterScope as Conditions
from domain.stores.model import TokenScope

expose(ExportFormat)


@strawberry.type
class ExportQuery:
    @strawberry.field(description="What a report of customers may show: the keys that listExport takes.")
    async def export_fields(self, info: Info) -> list[Dimension]:
        context = allow(info, TokenScope.READ)
        scope = Conditions(context.store_id, context.principal.store.timezone, context.now, context.database.dialect)
        return [Dimension(of=each) for each in columns.exportable(await catalogue_of(context), scope)]


@strawberry.type
class ExportMutation:
    @strawberry.mutation(
        description=(
            "A report of the list's customers; deleted ones are left out. `fields` are keys of `exportFields`, in the "
            "order of the columns. The operation's `url` leads to the file when it is done, for seven days."
        )
    )
    async def list_export(
        self, info: Info, id: strawberry.ID, fields: list[str], format: ExportFormat | None = ExportFormat.CSV
    ) -> OperationPayload:
        context = allow(info, TokenScope.READ)
        wanted = ExportRequest(global_ids.uuid(id, "CustomerList"), fields, format or ExportFormat.CSV)
        catalogue = await catalogue_of(context)
        try:
            async with context.database.write() as tx:
                operation = await job.start(tx, context.principal.store, catalogue, wanted, context.now)
        except DomainError as error:
            return OperationPayload(user_errors=user_errors(error))
        return OperationPayload(operation=Operation(of=operation))
