"""Problems of campaigns that their data alone shows: a channel that is gone, a content that no longer fits it."""

from collections.abc import Sequence

from domain.campaigns.actions import channels_of
from domain.campaigns.content import check_content
from domain.campaigns.model import Campaign
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.services import Services


async def problems_of_each(
    tx: Transaction, services: Services, store_id: int, campaigns: Sequence[Campaign]
) -> list[str | None]:
    """Return for each campaign why its reach or its messages cannot be computed; None when they can."""
    channels = dict(await channels_of(tx, services, store_id, campaigns))
    problems: list[str | None] = []
    for campaign in campaigns:
        channel = channels[campaign.channel]
        problem = channel.message if isinstance(channel, DomainError) else None
        if not isinstance(channel, DomainError):
            try:
                await check_content(services, channel, campaign.content)
            except DomainError as error:
                problem = f"The content does not fit the channel: {error.message}"
                if error.code is ErrorCode.CHANNEL_UNAVAILABLE:
                    # A channel whose code breaks is asked once: each time costs seconds.
                    channels[campaign.channel] = error
                    problem = error.message
        problems.append(problem)
    return problems
