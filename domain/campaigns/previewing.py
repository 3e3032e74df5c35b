"""What one recipient of a campaign would get."""

from collections.abc import Mapping

from muster_sdk import ContentInvalid, Recipient, TemplateInvalid

from domain import ids
from domain.campaigns.actions import Desk
from domain.campaigns.model import Campaign
from domain.campaigns.office import prepare
from domain.consents.model import UnsubscribeLinks, Unsubscribing
from domain.db import Transaction
from domain.deliveries import recipients
from domain.errors import DomainError, ErrorCode, NotFound
from domain.stores import store as stores


async def preview(
    tx: Transaction, desk: Desk, links: UnsubscribeLinks, campaign: Campaign, customer_id: int | None
) -> Mapping[str, object]:
    """The message as the channel shows it, for a customer of the store, or for the first one on the list."""
    configured = await desk.find_channel(tx, desk.store_id, campaign.channel)
    shop = await stores.by_id(tx, desk.store_id)
    if configured is None or shop is None:
        raise DomainError(f"{campaign.channel!r} is not installed", code=ErrorCode.CHANNEL_UNAVAILABLE)
    if customer_id is None and campaign.list_id is not None:
        customer_id = await recipients.first_on(tx, desk.store_id, campaign.list_id)
    known = await recipients.variables(tx, shop, [] if customer_id is None else [customer_id])
    if customer_id is None or customer_id not in known:
        raise NotFound("no such customer", field=("customerId",))
    address = await recipients.address(tx, desk.store_id, customer_id, campaign.channel, configured.channel.address)
    recipient = Recipient(
        key=ids.delivery_key(desk.store_id, campaign.id, customer_id),
        address=address or "",
        variables=known[customer_id],
        unsubscribe_url=links.url(Unsubscribing(desk.store_id, customer_id, campaign.id, campaign.channel)),
    )
    try:
        composer = prepare(configured, campaign.content, desk.templates)
        shown = composer.show(composer.compose(recipient))
    except (ContentInvalid, TemplateInvalid) as error:
        raise DomainError(str(error), field=("content",)) from None
    return {"subject": shown.subject, "html": shown.html, "text": shown.text, "payload": shown.payload}
