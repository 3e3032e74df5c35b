"""Statuses of orders, and what they mean to the store."""

from collections.abc import Mapping
from typing import Any

import strawberry

from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.mutation import mutation
from api.graphql.kit.prices import priced
from api.graphql.operations.types import Operation
from domain.ingestion import order_recount
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector, check_field
from domain.orders import statuses
from domain.orders.meanings import StatusMeaning
from domain.orders.model import normalize_status
from domain.stores.model import TokenScope

_MOST = 250

expose(
    StatusMeaning,
    {
        StatusMeaning.SALE: "The order counts as bought, and its total as spent.",
        StatusMeaning.PENDING: "It does not count yet.",
        StatusMeaning.CANCELLED: "It does not count; nor does an order whose payment is so.",
        StatusMeaning.REFUNDED: "It does not count; nor does an order whose payment is so.",
        StatusMeaning.NO_SALE: "It never was an order: a draft, a failed payment, a test.",
    },
    name="OrderStatusMeaning",
)


@strawberry.type(description="A status that orders have, or that the store has classified.")
class OrderStatus:
    row: strawberry.Private[statuses.OrderStatus]

    status: str = derived(lambda self: self.row.status, description="In lower case.")
    meaning: StatusMeaning | None = derived(
        lambda self: self.row.meaning,
        description="Null for a word that nobody has classified: orders with it count as no sale.",
    )
    order_count: int = derived(lambda self: self.row.order_count)


@strawberry.input
class OrderStatusInput:
    status: str
    meaning: StatusMeaning | None = strawberry.field(
        default=None, description="Null for what the word means to Shopify, WooCommerce, SHOPLINE and others."
    )


@strawberry.type
class OrderStatusesPayload:
    order_statuses: list[OrderStatus] | None = None
    operation: Operation | None = strawberry.field(
        default=None, description="Counts the orders anew; null where no meaning is another than before."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class OrderQuery:
    @strawberry.field(
        description="The statuses of the store's orders and what they mean, the most frequent first.",
        metadata=priced(100),
    )
    async def order_statuses(self, info: Info) -> list[OrderStatus]:
        context = info.context
        async with context.database.read() as tx:
            return [OrderStatus(row=row) for row in await statuses.list_statuses(tx, context.store_id)]


async def _observe_statuses(context: Context, tx: Transaction, _arguments: Mapping[str, Any]) -> Observed:
    said = (await statuses.rules(tx, context.store_id)).meanings.said
    values = {status: meaning.value for status, meaning in sorted(said.items())}
    return Observed(subject_of("Store", context.store_id), values)


@strawberry.type
class OrderMutation:
    @mutation(
        OrderStatusesPayload,
        TokenScope.WRITE,
        description=(
            "Says what statuses mean, of orders that are there and of those to come. Figures of customers, favourites "
            "and segments follow in the background."
        ),
        price=100,
        observe=_observe_statuses,
    )
    async def order_statuses_classify(
        self, context: Context, tx: Transaction, input: list[OrderStatusInput]
    ) -> OrderStatusesPayload:
        if len(input) > _MOST:
            message = f"{len(input):,} statuses are too many: {_MOST} at most"
            raise DomainError(message, field=("input",), code=ErrorCode.LIMIT_EXCEEDED)
        said: dict[str, StatusMeaning | None] = {}
        errors = ErrorCollector()
        for index, classified in enumerate(input):
            path = ("input", index, "status")
            with errors.under():
                status = check_field(path, normalize_status, classified.status)
                if status is None:
                    raise DomainError("status: is empty", field=path, code=ErrorCode.REQUIRED)
                if status in said:
                    raise DomainError(f"status: {status!r} comes twice", field=path)
                said[status] = classified.meaning
        errors.raise_any()
        operation = None
        if await statuses.classify(tx, context.store_id, said):
            operation = Operation(row=await order_recount.request(tx, context.store_id, context.now))
        rows = await statuses.list_statuses(tx, context.store_id)
        return OrderStatusesPayload(order_statuses=[OrderStatus(row=row) for row in rows], operation=operation)
