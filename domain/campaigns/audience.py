"""The audience of a campaign."""

from domain.campaigns.model import Campaign
from domain.deliveries.audience import Audience
from domain.stores.channel_description import ChannelDescription


def audience_of(campaign: Campaign, channel: ChannelDescription) -> Audience:
    """Return whom the campaign is to reach through its channel. Raise ValueError for a campaign without a list."""
    if campaign.list_id is None:
        raise ValueError(f"campaign {campaign.id} has no list")
    return Audience(
        campaign.store_id,
        campaign.list_id,
        campaign.channel,
        channel.address,
        campaign.accept_marketing,
        campaign.exclude,
    )
