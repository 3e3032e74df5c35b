"""A campaign that a worker has sent through a channel with receipts, and what its provider tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from muster_sdk import (
    Capabilities,
    Host,
    InboundMessage,
    MessageReference,
    Receipt,
    ReceiptKind,
    WebhookAnswer,
    WebhookRequest,
)
from sqlalchemy import func, select, update

from domain.campaigns.model import Campaign
from domain.customers.tables import objections
from domain.deliveries.model import Stats
from domain.deliveries.tables import deliveries
from domain.events.tables import events
from domain.kit import ids
from domain.kit.db import Database
from domain.kit.db.portable import database_later
from domain.receipts import fold, intake
from domain.receipts.fold import FoldResult
from domain.receipts.intake import Taken
from domain.receipts.tables import receipts
from plugins.inspection import describe_channel
from tests.domain.campaigns.stage import Worker, make_campaign, stats_of
from tests.factories import NOW
from tests.fakes import RecordingChannel, RecordingSettings

HOUR = timedelta(hours=1)


@dataclass
class TellingChannel(RecordingChannel):
    """A channel with webhooks; what they tell, tests say without them."""

    async def read_webhook(self, request: WebhookRequest, settings: RecordingSettings, host: Host) -> WebhookAnswer:
        return WebhookAnswer()


def telling_channel(reference: MessageReference = MessageReference.BOTH, **abilities: Any) -> RecordingChannel:
    has_receipts = reference is not MessageReference.NONE
    capabilities = Capabilities(webhooks=True, delivery_receipts=has_receipts, reference=reference, **abilities)
    return TellingChannel(capabilities=capabilities)


@dataclass
class Told:
    """What a provider tells of a campaign's messages, and what becomes of it."""

    database: Database
    campaign: Campaign
    channel: RecordingChannel
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = Worker(self.database, self.channel)

    def receipt(self, customer_id: int, kind: ReceiptKind, minutes: int = 0, **values: Any) -> Receipt:
        """A receipt that names its message by its key."""
        key = ids.delivery_key(self.campaign.store_id, self.campaign.id, customer_id)
        named: dict[str, Any] = {"key": key, **values}
        return Receipt(kind, NOW + timedelta(minutes=minutes), **named)

    async def tell(self, *told: Receipt, inbound: Sequence[InboundMessage] = ()) -> Taken:
        async with self.database.write() as tx:
            return await intake.take(tx, self.campaign.store_id, describe_channel(self.channel), told, inbound)

    async def fold(self, limit: int = 2_000, now: datetime = NOW) -> FoldResult:
        async with self.database.write() as tx:
            return await fold.fold(tx, self.campaign.store_id, now, limit)

    async def make_due(self, age: timedelta = timedelta()) -> None:
        """Let the receipts be due that wait, and be so old."""
        async with self.database.write() as tx:
            earlier = database_later(-1 - age.total_seconds(), tx.dialect)
            await tx.execute(update(receipts).values(next_at=earlier, received_at=earlier))

    async def waiting(self) -> int:
        async with self.database.read() as tx:
            number: int = await tx.scalar(select(func.count()).select_from(receipts))
            return number

    async def states(self) -> Mapping[int, tuple[str, str | None]]:
        """Each delivery's status and error, by customer."""
        async with self.database.read() as tx:
            columns = deliveries.c.customer_id, deliveries.c.status, deliveries.c.error
            rows = await tx.execute(select(*columns).where(deliveries.c.campaign_id == self.campaign.id))
            return {row.customer_id: (row.status, row.error) for row in rows}

    async def stats(self) -> Stats:
        return await stats_of(self.database, self.campaign)

    async def events(self) -> list[tuple[int, str, dict[str, Any]]]:
        async with self.database.read() as tx:
            columns = events.c.customer_id, events.c.type, events.c.attributes
            rows = await tx.execute(select(*columns).order_by(events.c.customer_id, events.c.type))
            return [(row.customer_id, row.type.partition(".")[2], row.attributes) for row in rows]

    async def objections(self) -> set[tuple[str, str]]:
        async with self.database.read() as tx:
            rows = await tx.execute(select(objections.c.address, objections.c.reason))
            return {(row.address, row.reason) for row in rows}


async def send_campaign(
    database: Database, store_id: int, count: int = 3, channel: RecordingChannel | None = None
) -> Told:
    """A campaign that was sent to so many customers, who are 1, 2, 3 and so on."""
    told = Told(database, await make_campaign(database, store_id, count), channel or telling_channel())
    await told.worker.launch(store_id, told.campaign.id)
    return told
