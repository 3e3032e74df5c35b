"""Problems of campaigns that their data alone shows: a channel that is gone, a content that no longer fits it."""

from collections.abc import Sequence

from domain.campaigns.actions import channels_of, check_content
from domain.campaigns.model import Campaign
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.services import Services
from domain.stores.channels import ConfiguredChannel


async def problems_of_each(
    tx: Transaction, services: Services, store_id: int, campaigns: Sequence[Campaign]
) -> list[str | None]:
    """Return for each campaign why its reach or its messages cannot be computed; None when they can."""
    channels = await channels_of(tx, services, store_id, campaigns)
    return [_problem(services, campaign, channels[campaign.channel]) for campaign in campaigns]


def _problem(services: Services, campaign: Campaign, channel: ConfiguredChannel | DomainError) -> str | None:
    if isinstance(channel, DomainError):
        return channel.message
    try:
        check_content(channel, campaign.content, services.templates)
    except DomainError as error:
        return f"The content does not fit the channel: {error.message}"
    return None
