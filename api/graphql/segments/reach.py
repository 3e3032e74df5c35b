"""Reach of each channel: the customers that it has an address of."""

import strawberry

from api.graphql.kit.fields import derived
from domain.segments.evaluation import reach


@strawberry.type
class ChannelReach:
    counts: strawberry.Private[reach.ChannelReach]

    channel: str = derived(lambda self: self.counts.channel)
    reachable: int = derived(lambda self: self.counts.reachable, description="Customers with a usable address there.")
    accepting: int = derived(
        lambda self: self.counts.accepting, description="Reachable customers who accept marketing."
    )
