"""How many customers each channel reaches."""

from typing import TYPE_CHECKING

import strawberry

from api.graphql.kit.fields import derived
from domain.segments.evaluation import reach

if TYPE_CHECKING:
    pass


@strawberry.type
class ChannelReach:
    of: strawberry.Private[reach.ChannelReach]

    channel: str = derived(lambda self: self.of.channel)
    reachable: int = derived(lambda self: self.of.reachable, description="Customers with a usable address there.")
    accepting: int = derived(lambda self: self.of.accepting, description="Of these, those who accept marketing.")
