"""What a recipient of a campaign would get."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from muster_sdk import ContentInvalid, Recipient, TemplateInvalid
from pydantic import ValidationError

from domain.campaigns.actions import Desk, channels_of
from domain.campaigns.model import Campaign
from domain.consents.links import UnsubscribeLinks, UnsubscribeToken
from domain.deliveries import recipients
from domain.deliveries.channels import ConfiguredChannel, prepare
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, NotFound
from domain.stores import queries as stores

# What a message is shown with where the customer has no address: the form of a mailbox, which any channel may show.
_SOMEWHERE = "nobody@example.com"
# A campaign, and whom to show it to; None is somebody on its list.
Asked = tuple[Campaign, int | None]
Shown = Mapping[str, object]


async def preview_each(
    tx: Transaction, desk: Desk, links: UnsubscribeLinks, asked: Sequence[Asked]
) -> list[Shown | DomainError]:
    """Each message as its channel shows it, for a customer of the store, or for the first one on the list."""
    channels = await channels_of(tx, desk, [campaign for campaign, _ in asked])
    chosen = await _chosen(tx, desk.store_id, asked)
    told = await _told(tx, desk, links, channels, chosen)
    return [
        found
        if isinstance(found := channels[campaign.channel], DomainError)
        else _shown(desk, campaign, found, told.get((campaign.id, customer_id)))
        for campaign, customer_id in chosen
    ]


async def _chosen(tx: Transaction, store_id: int, asked: Sequence[Asked]) -> list[Asked]:
    lists = {campaign.list_id for campaign, customer_id in asked if customer_id is None and campaign.list_id}
    first = await recipients.first_on(tx, store_id, list(lists)) if lists else {}
    return [
        (campaign, first.get(campaign.list_id) if customer_id is None and campaign.list_id else customer_id)
        for campaign, customer_id in asked
    ]


async def _told(
    tx: Transaction,
    desk: Desk,
    links: UnsubscribeLinks,
    channels: Mapping[str, ConfiguredChannel | DomainError],
    chosen: Sequence[Asked],
) -> dict[tuple[UUID, int | None], Recipient]:
    """What the channels are told of those who are customers of the store."""
    shop = await stores.by_id(tx, desk.store_id)
    wanted = [customer_id for _, customer_id in chosen if customer_id is not None]
    known = {} if shop is None else await recipients.variables(tx, shop, wanted)
    addresses = {
        key: await recipients.addresses(tx, desk.store_id, wanted, key, found.channel.address)
        for key, found in channels.items()
        if isinstance(found, ConfiguredChannel)
    }
    return {
        (campaign.id, customer_id): Recipient(
            key=ids.delivery_key(desk.store_id, campaign.id, customer_id),
            address=addresses.get(campaign.channel, {}).get(customer_id) or _SOMEWHERE,
            variables=known[customer_id],
            unsubscribe_url=links.url(UnsubscribeToken(desk.store_id, customer_id, campaign.id, campaign.channel)),
        )
        for campaign, customer_id in chosen
        if customer_id is not None and customer_id in known
    }


def _shown(
    desk: Desk, campaign: Campaign, configured: ConfiguredChannel, recipient: Recipient | None
) -> Shown | DomainError:
    if recipient is None:
        return NotFound("no such customer", field=("customerId",))
    try:
        composer = prepare(configured, campaign.content, desk.templates)
        shown = composer.show(composer.compose(recipient))
    except (ContentInvalid, TemplateInvalid, ValidationError) as error:
        return DomainError(str(error), field=("content",))
    return {"subject": shown.subject, "html": shown.html, "text": shown.text, "payload": shown.payload}
