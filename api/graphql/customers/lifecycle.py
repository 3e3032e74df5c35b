"""Where a store's customers stand: what they are scored by, and the thresholds that it has set itself."""

from datetime import date
from decimal import Decimal

import strawberry

from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.kit.fields import derived
from domain.kit.errors import DomainError
from domain.lifecycle import actions
from domain.lifecycle.model import ChosenThresholds, LastScoring, Thresholds
from domain.stores.model import TokenScope


@strawberry.type(description="The indicators that stages go by. Days are whole days of the store's zone.")
class LifecycleThresholds:
    active_days: int | None = strawberry.field(description="So long after an order, a customer is active.")
    lost_days: int | None = strawberry.field(description="Longer after the last order, a customer is lost.")
    introduce_days: int | None = strawberry.field(description="So long after coming, who has not ordered is new.")
    loyal_orders: int | None = strawberry.field(description="So many orders make a frequent customer.")
    high_spend: Decimal | None = strawberry.field(description="So much spent makes a valuable customer.")
    repurchase_days: float | None = strawberry.field(description="Days between purchases.")


@strawberry.type(description="Where customers stand, scored once a day from 0:00 of the store's zone on.")
class Lifecycle:
    of: strawberry.Private[tuple[ChosenThresholds, LastScoring]]

    computed_on: date | None = derived(lambda self: self.of[1].computed_on, description="Null before the first time.")
    measured: bool = derived(
        lambda self: self.of[1].measured,
        description="Whether the store's own orders gave the days between purchases; else a usual figure stands in.",
    )
    chosen: LifecycleThresholds = derived(
        lambda self: _shown(self.of[0], self.of[0].repurchase_days), description="Null: found from the orders."
    )
    used: LifecycleThresholds | None = derived(
        lambda self: (
            None if self.of[1].thresholds is None else _shown(self.of[1].thresholds, self.of[1].thresholds.cycle)
        ),
        description="What the last scores went by.",
    )


@strawberry.input(description="What is left out, or null, is found from the orders.")
class LifecycleInput:
    active_days: int | None = None
    lost_days: int | None = None
    introduce_days: int | None = None
    loyal_orders: int | None = None
    high_spend: Decimal | None = None
    repurchase_days: int | None = None


@strawberry.type
class LifecyclePayload:
    lifecycle: Lifecycle | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class LifecycleQuery:
    @strawberry.field
    async def lifecycle(self, info: Info) -> Lifecycle:
        return await _current(allow(info, TokenScope.READ))


@strawberry.type
class LifecycleMutation:
    @strawberry.mutation(description="Sets all thresholds anew, and has every customer scored by them.")
    async def lifecycle_update(self, info: Info, input: LifecycleInput) -> LifecyclePayload:
        context = allow(info, TokenScope.WRITE)
        wanted = ChosenThresholds(
            active_days=input.active_days,
            lost_days=input.lost_days,
            introduce_days=input.introduce_days,
            loyal_orders=input.loyal_orders,
            high_spend=input.high_spend,
            repurchase_days=input.repurchase_days,
        )
        try:
            async with context.database.write() as tx:
                await actions.set_thresholds(tx, context.store_id, wanted)
        except DomainError as error:
            return LifecyclePayload(user_errors=user_errors(error.under("input")))
        return LifecyclePayload(lifecycle=await _current(context))


async def _current(context: Context) -> Lifecycle:
    async with context.database.read() as tx:
        return Lifecycle(of=await actions.scoring_state(tx, context.store_id))


def _shown(of: ChosenThresholds | Thresholds, repurchase_days: float | None) -> LifecycleThresholds:
    return LifecycleThresholds(
        active_days=of.active_days,
        lost_days=of.lost_days,
        introduce_days=of.introduce_days,
        loyal_orders=of.loyal_orders,
        high_spend=of.high_spend,
        repurchase_days=repurchase_days,
    )
