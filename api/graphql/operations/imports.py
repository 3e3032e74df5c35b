"""Files of customers and orders: taken in at once, merged by a worker."""

import strawberry

from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.errors import user_errors
from api.graphql.kit.upload import Upload
from api.graphql.operations.types import Operation, OperationPayload
from domain.imports import actions
from domain.imports.model import ImportKind
from domain.kit.errors import DomainError
from domain.stores.model import TokenScope


@strawberry.type
class ImportMutation:
    @strawberry.mutation(
        description=(
            'CSV with a header, of any size; columns as in the documentation, "property.KEY" and "tags" included. '
            "A bad row is reported by its number, and the rest go in. A dry run reports alike, and changes nothing."
        )
    )
    async def customers_import(self, info: Info, file: Upload, dry_run: bool | None = False) -> OperationPayload:
        return await _take_in(allow(info, TokenScope.WRITE), ImportKind.CUSTOMERS, file, dry_run=bool(dry_run))

    @strawberry.mutation(
        description="CSV with a header, a line item a row; its customers are imported before. Otherwise the same."
    )
    async def orders_import(self, info: Info, file: Upload, dry_run: bool | None = False) -> OperationPayload:
        return await _take_in(allow(info, TokenScope.WRITE), ImportKind.ORDERS, file, dry_run=bool(dry_run))


async def _take_in(context: Context, kind: ImportKind, file: Upload, *, dry_run: bool) -> OperationPayload:
    store_id = context.store_id
    try:
        operation = await actions.take_in(context.database, store_id, kind, file.chunks(), context.now, dry_run=dry_run)
        async with context.database.write() as tx:
            await actions.submit(tx, store_id, operation.id, kind)
    except DomainError as error:
        return OperationPayload(user_errors=user_errors(error))
    return OperationPayload(operation=Operation(of=operation))
