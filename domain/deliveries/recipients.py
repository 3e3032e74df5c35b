"""What a channel is told of each recipient."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from muster_sdk import Recipient

from domain.consents.links import UnsubscribeLinks, UnsubscribeToken
from domain.deliveries.intents import Intended
from domain.kit import ids


def recipients(
    intended: Sequence[Intended],
    known: Mapping[int, Mapping[str, object]],
    links: UnsubscribeLinks,
    store_id: int,
    campaign_id: UUID,
    channel: str,
) -> list[Recipient]:
    return [
        Recipient(
            key=ids.delivery_key(store_id, campaign_id, one.customer_id),
            address=one.address,
            variables=known.get(one.customer_id, {}),
            unsubscribe_url=links.url(UnsubscribeToken(store_id, one.customer_id, campaign_id, channel)),
        )
        for one in intended
    ]
