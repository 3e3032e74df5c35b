"""The store that a token belongs to."""

import strawberry

from api.graphql.context import Info, allow
from api.graphql.plain import derived
from api.graphql.relay import Node, encode
from domain.stores import model
from domain.stores.model import Scope


@strawberry.type
class StoreLimits:
    static_segment_members: int = strawberry.field(
        description="Members that a static segment may hold; 10,000 unless raised."
    )
    property_conditions: int = strawberry.field(
        description="Custom properties that one filter may name; 5 unless raised."
    )


@strawberry.type
class Store(Node):
    of: strawberry.Private[model.Store]

    id: strawberry.ID = derived(lambda self: encode("Store", self.of.id))
    name: str = derived(lambda self: self.of.name)
    timezone: str = derived(
        lambda self: self.of.timezone, description='IANA name; days ("once a day", "0:00") are this zone\'s.'
    )
    currency: str = derived(lambda self: self.of.currency)
    limits: StoreLimits = derived(lambda self: self.of.limits)


@strawberry.type
class StoreQuery:
    @strawberry.field
    def store(self, info: Info) -> Store:
        return Store(of=allow(info, Scope.READ).principal.store)
