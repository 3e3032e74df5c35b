"""A campaign's message, as one recipient would get it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from muster_sdk import Recipient

from domain.campaigns.actions import channels_of
from domain.campaigns.model import Campaign
from domain.consents.links import UnsubscribeToken
from domain.deliveries import queries as deliveries
from domain.deliveries.template_variables import template_variables
from domain.installation.model import WrongSecretKey
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, NotFound
from domain.services import Services
from domain.sessions.session import ChannelBroken, MessagePreview
from domain.stores import queries as stores
from domain.stores.channels import ConfiguredChannel

# Stands in where the customer has no address: the form of a mailbox, which any channel may show.
_PLACEHOLDER = "nobody@example.com"


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A campaign, and the customer to show it for; None is the first one on its list."""

    campaign: Campaign
    customer_id: int | None


async def preview_each(
    tx: Transaction, services: Services, store_id: int, requests: Sequence[PreviewRequest]
) -> list[MessagePreview | DomainError]:
    """Return each message as its channel shows it, or why there is none."""
    channels = dict(await channels_of(tx, services, store_id, [request.campaign for request in requests]))
    list_ids = {
        request.campaign.list_id for request in requests if request.customer_id is None and request.campaign.list_id
    }
    first_members = await deliveries.first_members(tx, store_id, list(list_ids)) if list_ids else {}
    requests = [
        replace(request, customer_id=first_members.get(list_id))
        if request.customer_id is None and (list_id := request.campaign.list_id)
        else request
        for request in requests
    ]
    try:
        recipients = await _recipients(tx, services, store_id, channels, requests)
    except WrongSecretKey as error:
        return [error for _ in requests]
    previews: list[MessagePreview | DomainError] = []
    for request, recipient in zip(requests, recipients, strict=True):
        configured, content = channels[request.campaign.channel], request.campaign.content
        if isinstance(configured, DomainError):
            previews.append(configured)
        elif recipient is None:
            previews.append(NotFound("There is no such customer", field=("customerId",)))
        else:
            try:
                async with services.sessions.open(configured, content) as session:
                    preview = await session.show(recipient)
            except ChannelBroken as error:
                # It is asked once: each time costs seconds.
                channels[request.campaign.channel] = DomainError(str(error), field=("content",))
                previews.append(DomainError(str(error), field=("content",)))
            except DomainError as error:
                previews.append(DomainError(str(error), field=("content",)))
            else:
                previews.append(preview)
    return previews


async def _recipients(
    tx: Transaction,
    services: Services,
    store_id: int,
    channels: Mapping[str, ConfiguredChannel | DomainError],
    requests: Sequence[PreviewRequest],
) -> list[Recipient | None]:
    """Return the recipient of each request; None where it names no customer of the store."""
    store = await stores.by_id(tx, store_id)
    customer_ids = [request.customer_id for request in requests if request.customer_id is not None]
    variables = {} if store is None else await template_variables(tx, store, customer_ids)
    addresses = {
        key: await deliveries.addresses(tx, store_id, customer_ids, key, configured.channel.address)
        for key, configured in channels.items()
        if isinstance(configured, ConfiguredChannel)
    }
    links = await services.links()
    recipients: list[Recipient | None] = []
    for request in requests:
        campaign, customer_id = request.campaign, request.customer_id
        if customer_id is None or customer_id not in variables:
            recipients.append(None)
            continue
        address = addresses.get(campaign.channel, {}).get(customer_id)
        token = UnsubscribeToken(store_id, customer_id, campaign.id, campaign.channel, address)
        recipients.append(
            Recipient(
                key=ids.delivery_key(store_id, campaign.id, customer_id),
                address=address or _PLACEHOLDER,
                variables=variables[customer_id],
                unsubscribe_url=links.url(token),
            )
        )
    return recipients
