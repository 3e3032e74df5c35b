"""Deliveries of a broadcast, its reach, and the messages as they are rendered."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.kit.context import Info
from api.graphql.kit.enums import expose
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Part, encode
from api.graphql.kit.nodes import Node, load_node, named
from api.graphql.kit.scalars import JSON
from domain.deliveries import model, queries
from domain.deliveries.model import DeliveryStatus, ExclusionReason
from domain.kit.db import Transaction
from domain.sessions.session import MessagePreview

expose(DeliveryStatus)
expose(
    ExclusionReason,
    {
        ExclusionReason.BLACKLISTED: "The customer, or another one with the address, is blacklisted.",
        ExclusionReason.COMPLAINED: "The address has complained of a message as spam.",
        ExclusionReason.DELETED: "The customer was deleted before the message was sent.",
        ExclusionReason.DUPLICATE_ADDRESS: "Another customer on the list has the same address and gets the message.",
        ExclusionReason.EXCLUDED: "In a list or segment that the campaign excludes.",
        ExclusionReason.INVALID_ADDRESS: "The address is known to fail, at this customer or another one.",
        ExclusionReason.UNSUBSCRIBED: (
            "The customer, or another one with the address, has unsubscribed; or was erased and came back."
        ),
    },
)


@strawberry.type
class Exclusion:
    reason: ExclusionReason
    count: int


@strawberry.type
class Reach:
    reach: strawberry.Private[model.Reach]

    audience: int = derived(
        lambda self: self.reach.audience,
        description="Customers on the list who are not deleted: the recipients, and those excluded for each reason.",
    )
    recipients: int = derived(lambda self: self.reach.recipients, description="Customers who will receive it.")
    excluded: list[Exclusion] = derived(
        lambda self: [Exclusion(reason=reason, count=count) for reason, count in self.reach.excluded.items()]
    )
    deleted: int = derived(
        lambda self: self.reach.deleted,
        description="Customers on the list who were deleted since, beside the audience.",
    )


@strawberry.type(description="A remark of the channel on a message, which is sent all the same.")
class MessageWarning:
    code: str = strawberry.field(description='Stable, such as "SIZE".')
    message: str
    path: JSON = strawberry.field(description="Leads from the content to what it is about: names and numbers.")


@strawberry.type(description="The size and price of messages.")
class MessageEstimate:
    parts: int = strawberry.field(description="Parts that the provider counts, such as segments of an SMS.")
    cost: Decimal | None = strawberry.field(description="The price of all parts; null where it is not known.")
    currency: str | None = strawberry.field(description="Of the cost, by ISO 4217.")


@strawberry.type(description="A message as the channel shows it; parts that the channel does not have are null.")
class RenderedMessage:
    message: strawberry.Private[Mapping[str, Any]]

    subject: str | None = derived(lambda self: self.message["subject"])
    html: str | None = derived(lambda self: self.message["html"])
    text: str | None = derived(lambda self: self.message["text"])
    payload: JSON = derived(
        lambda self: self.message["payload"], description="The message as it is handed to the provider."
    )
    warnings: list[MessageWarning] = strawberry.field(
        default_factory=list[MessageWarning], description="Of a preview, where the channel reviews messages."
    )
    estimate: MessageEstimate | None = strawberry.field(
        default=None, description="Of a preview, where the channel can tell."
    )

    @classmethod
    def of_preview(cls, preview: MessagePreview) -> "RenderedMessage":
        shown, estimate = preview.shown, preview.estimate
        return cls(
            message={"subject": shown.subject, "html": shown.html, "text": shown.text, "payload": shown.payload},
            warnings=[
                MessageWarning(code=warning.code, message=warning.message, path=JSON(list(warning.path)))
                for warning in preview.warnings
            ],
            estimate=None
            if estimate is None
            else MessageEstimate(parts=estimate.parts, cost=estimate.cost, currency=estimate.currency),
        )


@strawberry.type
class Delivery(Node):
    row: strawberry.Private[model.Delivery]
    key_type = tuple

    id: strawberry.ID = derived(lambda self: encode("Delivery", (self.row.campaign_id, self.row.customer_id)))
    address: str = derived(lambda self: self.row.address)
    status: DeliveryStatus = derived(lambda self: self.row.status)
    attempts: int = derived(lambda self: self.row.attempts)
    provider_message_id: str | None = derived(lambda self: self.row.provider_message_id)
    error: str | None = derived(lambda self: self.row.error)
    sent_at: datetime | None = derived(lambda self: self.row.sent_at)
    updated_at: datetime = derived(lambda self: self.row.updated_at)

    @strawberry.field(graphql_type=named("Customer") | None)
    async def customer(self, info: Info) -> Node | None:
        return await load_node(info.context, "Customer", self.row.customer_id)

    @strawberry.field(description="The message that would have been sent, where the channel was a sandbox; else null.")
    async def message(self, info: Info) -> RenderedMessage | None:
        message = await info.context.load_optional(queries.messages_of, (self.row.campaign_id, self.row.customer_id))
        return None if message is None else RenderedMessage(message=message)

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[Part]) -> dict[Part, model.Delivery]:
        deliveries = await queries.by_keys(tx, store_id, keys)
        return {(delivery.campaign_id, delivery.customer_id): delivery for delivery in deliveries}
