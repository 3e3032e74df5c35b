"""Deliveries, and whom a broadcast gets to."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.graphql.kit.context import Context, Info
from api.graphql.kit.enums import expose
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Node, Part, encode
from api.graphql.kit.scalars import JSON
from domain.deliveries import model, queries
from domain.deliveries.model import AcceptMarketing, DeliveryStatus, ExclusionReason
from domain.kit.db import Transaction

if TYPE_CHECKING:
    from api.graphql.customers.types import Customer

expose(
    AcceptMarketing,
    {
        AcceptMarketing.ACCEPTED_ONLY: "Those who accept marketing on the channel.",
        AcceptMarketing.ALL_BUT_UNSUBSCRIBED: "Everyone with an address but those who unsubscribed.",
    },
)
expose(DeliveryStatus)
expose(
    ExclusionReason,
    {
        ExclusionReason.DUPLICATE_ADDRESS: "The address is on the list twice.",
        ExclusionReason.EXCLUDED: "In a list or segment that the campaign leaves out.",
    },
)


@strawberry.type
class Exclusion:
    reason: ExclusionReason
    count: int


@strawberry.type
class Reach:
    of: strawberry.Private[model.Reach]

    audience: int = derived(lambda self: self.of.audience, description="On the list, and not deleted.")
    recipients: int = derived(lambda self: self.of.recipients, description="Will be sent to.")
    excluded: list[Exclusion] = derived(
        lambda self: [Exclusion(reason=reason, count=count) for reason, count in self.of.excluded.items()]
    )


@strawberry.type(description="As the channel shows it; what a channel does not have is null.")
class RenderedMessage:
    of: strawberry.Private[Mapping[str, Any]]

    subject: str | None = derived(lambda self: self.of["subject"])
    html: str | None = derived(lambda self: self.of["html"])
    text: str | None = derived(lambda self: self.of["text"])
    payload: JSON = derived(lambda self: self.of["payload"], description="What is handed to the provider.")


@strawberry.type
class Delivery(Node):
    of: strawberry.Private[model.Delivery]

    id: strawberry.ID = derived(lambda self: encode("Delivery", (self.of.campaign_id, self.of.customer_id)))
    address: str = derived(lambda self: self.of.address)
    status: DeliveryStatus = derived(lambda self: self.of.status)
    attempts: int = derived(lambda self: self.of.attempts)
    provider_message_id: str | None = derived(lambda self: self.of.provider_message_id)
    error: str | None = derived(lambda self: self.of.error)
    sent_at: datetime | None = derived(lambda self: self.of.sent_at)
    updated_at: datetime = derived(lambda self: self.of.updated_at)

    @strawberry.field
    async def customer(
        self, info: Info
    ) -> Annotated["Customer", strawberry.lazy("api.graphql.customers.types")] | None:
        from api.graphql.customers.types import by_id

        return await by_id(info.context, self.of.customer_id)

    @strawberry.field(description="What would have been sent, where the channel was a sandbox; else null.")
    async def message(self, info: Info) -> RenderedMessage | None:
        found = await info.context.loader(_messages).load((self.of.campaign_id, self.of.customer_id))
        return None if found is None else RenderedMessage(of=found)


async def by_id(context: Context, key: Part) -> Delivery | None:
    found = await context.loader(_deliveries).load(key)
    return None if found is None else Delivery(of=found)


async def _deliveries(tx: Transaction, store_id: int, wanted: list[Part]) -> list[model.Delivery | None]:
    found = {(one.campaign_id, one.customer_id): one for one in await queries.by_keys(tx, store_id, wanted)}
    return [found.get(key) for key in wanted]


async def _messages(tx: Transaction, store_id: int, wanted: list[Part]) -> list[Mapping[str, object] | None]:
    found = await queries.messages_of(tx, store_id, wanted)
    return [found.get(key) for key in wanted]
