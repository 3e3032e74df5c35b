"""The store that a token belongs to."""

import strawberry

from api.graphql.kit.context import Info, allow
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import Node, encode
from domain.kit.errors import DomainError
from domain.segments import refresh_schedule
from domain.stores import actions, model
from domain.stores.model import StoreChange, TokenScope


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
        return Store(of=allow(info, TokenScope.READ).principal.store)


@strawberry.input(description="What is left out stays as it is.")
class StoreUpdateInput:
    name: str | None = None
    timezone: str | None = strawberry.field(
        default=None, description="Lists that are due stay due on their days, at 0:00 of this zone."
    )
    currency: str | None = strawberry.field(default=None, description="ISO 4217.")
    static_segment_members: int | None = None
    property_conditions: int | None = None


@strawberry.type
class StoreUpdatePayload:
    store: Store | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class StoreMutation:
    @strawberry.mutation
    async def store_update(self, info: Info, input: StoreUpdateInput) -> StoreUpdatePayload:
        context = allow(info, TokenScope.ADMIN)
        given = StoreChange(
            input.name, input.timezone, input.currency, input.static_segment_members, input.property_conditions
        )
        try:
            async with context.database.write() as tx:
                had, changed = await actions.update(tx, context.store_id, given)
                if changed.timezone != had.timezone:
                    await refresh_schedule.change_timezone(tx, changed.id, had.timezone, changed.timezone)
        except DomainError as error:
            return StoreUpdatePayload(user_errors=user_errors(error.under("input")))
        return StoreUpdatePayload(store=Store(of=changed))
