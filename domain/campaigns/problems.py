"""Problems of campaigns that their data alone shows: a channel that is gone, a content that no longer fits it."""

from collections.abc import Sequence

from domain.campaigns.actions import Desk, channels_of, check_content
from domain.campaigns.model import Campaign
from domain.deliveries.channels import ConfiguredChannel
from domain.kit.db import Transaction
from domain.kit.errors import DomainError


async def problems_of_each(tx: Transaction, desk: Desk, campaigns: Sequence[Campaign]) -> list[str | None]:
    """Return for each campaign why its reach or its messages cannot be computed; None when they can."""
    channels = await channels_of(tx, desk, campaigns)
    return [_problem(desk, campaign, channels[campaign.channel]) for campaign in campaigns]


def _problem(desk: Desk, campaign: Campaign, channel: ConfiguredChannel | DomainError) -> str | None:
    if isinstance(channel, DomainError):
        return channel.message
    try:
        check_content(channel, campaign.content, desk.templates)
    except DomainError as error:
        return f"The content does not fit the channel: {error.message}"
    return None
