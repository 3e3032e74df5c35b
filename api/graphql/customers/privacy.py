"""The data of one person: everything that is held of them, as a file."""

import strawberry

from api.graphql.kit.context import Context
from api.graphql.kit.global_ids import require_number
from api.graphql.kit.mutation import mutation
from api.graphql.operations.types import Operation, OperationPayload
from domain.kit.db import Transaction
from domain.privacy import export
from domain.stores.model import TokenScope


@strawberry.type
class PrivacyMutation:
    @mutation(
        OperationPayload,
        TokenScope.READ,
        description=(
            "Everything that is held of a customer, deleted ones too, as JSON. The operation's `url` leads to the file "
            "when it is done, for seven days."
        ),
    )
    async def customer_data_export(self, context: Context, tx: Transaction, id: strawberry.ID) -> OperationPayload:
        number = require_number(id, "Customer", noun="customer", field="id")
        return OperationPayload(operation=Operation(row=await export.start(tx, context.store_id, number, context.now)))
