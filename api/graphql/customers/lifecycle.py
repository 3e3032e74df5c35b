"""Lifecycle of a store's customers: the thresholds that they are scored by."""

from datetime import date
from decimal import Decimal

import strawberry

from api.graphql.kit.access import require_scope
from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.mutation import mutation
from domain.kit.db import Transaction
from domain.lifecycle import actions
from domain.lifecycle.model import Chosen, Standing, Thresholds
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
    thresholds: strawberry.Private[Chosen]
    standing: strawberry.Private[Standing]

    computed_on: date | None = derived(
        lambda self: self.standing.computed_on, description="Null before the first time."
    )
    measured: bool = derived(
        lambda self: self.standing.measured,
        description="Whether the store's own orders gave the days between purchases; else a usual figure stands in.",
    )
    chosen: LifecycleThresholds = derived(
        lambda self: _thresholds(self.thresholds, self.thresholds.repurchase_days),
        description="Null: found from the orders.",
    )
    used: LifecycleThresholds | None = derived(
        lambda self: (
            None
            if self.standing.thresholds is None
            else _thresholds(self.standing.thresholds, self.standing.thresholds.cycle)
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
        context = require_scope(info, TokenScope.READ)
        async with context.database.read() as tx:
            return await _lifecycle(tx, context.store_id)


@strawberry.type
class LifecycleMutation:
    @mutation(
        LifecyclePayload,
        TokenScope.WRITE,
        description="Sets all thresholds anew, and has every customer scored by them.",
        errors_under="input",
    )
    async def lifecycle_update(self, context: Context, tx: Transaction, input: LifecycleInput) -> LifecyclePayload:
        chosen = Chosen(
            active_days=input.active_days,
            lost_days=input.lost_days,
            introduce_days=input.introduce_days,
            loyal_orders=input.loyal_orders,
            high_spend=input.high_spend,
            repurchase_days=input.repurchase_days,
        )
        await actions.choose(tx, context.store_id, chosen)
        return LifecyclePayload(lifecycle=await _lifecycle(tx, context.store_id))


async def _lifecycle(tx: Transaction, store_id: int) -> Lifecycle:
    chosen, standing = await actions.standing(tx, store_id)
    return Lifecycle(thresholds=chosen, standing=standing)


def _thresholds(values: Chosen | Thresholds, repurchase_days: float | None) -> LifecycleThresholds:
    return LifecycleThresholds(
        active_days=values.active_days,
        lost_days=values.lost_days,
        introduce_days=values.introduce_days,
        loyal_orders=values.loyal_orders,
        high_spend=values.high_spend,
        repurchase_days=repurchase_days,
    )
