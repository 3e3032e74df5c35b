"""Lifecycle of a store's customers: the thresholds that they are scored by."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.mutation import mutation
from domain.kit.db import Transaction
from domain.lifecycle import actions
from domain.lifecycle.model import ChosenThresholds, LastScoring, Thresholds
from domain.stores.model import TokenScope


@strawberry.type(description="The thresholds of the lifecycle stages. Days are whole days of the store's zone.")
class LifecycleThresholds:
    active_days: int | None = strawberry.field(description="Days after an order during which a customer is active.")
    lost_days: int | None = strawberry.field(description="Days after the last order from which a customer is lost.")
    introduce_days: int | None = strawberry.field(
        description="Days after the first contact during which a customer without an order is new."
    )
    loyal_orders: int | None = strawberry.field(description="Number of orders from which a customer is frequent.")
    high_spend: Decimal | None = strawberry.field(description="Amount spent from which a customer is valuable.")
    repurchase_days: float | None = strawberry.field(description="Typical number of days between purchases.")


@strawberry.type(description="The scoring of the store's customers, once a day from 0:00 of the store's zone.")
class Lifecycle:
    thresholds: strawberry.Private[ChosenThresholds]
    standing: strawberry.Private[LastScoring]

    computed_on: date | None = derived(
        lambda self: self.standing.computed_on, description="Null before the first scoring."
    )
    measured: bool = derived(
        lambda self: self.standing.measured,
        description="Whether the days between purchases were computed from the store's orders, rather than assumed.",
    )
    chosen: LifecycleThresholds = derived(
        lambda self: _thresholds(self.thresholds, self.thresholds.repurchase_days),
        description="The store's own thresholds; null where they are computed from the orders.",
    )
    used: LifecycleThresholds | None = derived(
        lambda self: (
            None
            if self.standing.thresholds is None
            else _thresholds(self.standing.thresholds, self.standing.thresholds.cycle)
        ),
        description="The thresholds of the last scoring.",
    )


@strawberry.input(description="Fields left out, or null, are computed from the orders.")
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
        context = info.context
        async with context.database.read() as tx:
            return await _lifecycle(tx, context.store_id)


async def _observe_thresholds(context: Context, tx: Transaction, _arguments: Mapping[str, Any]) -> Observed:
    chosen, _ = await actions.scoring_state(tx, context.store_id)
    values = {to_camel_case(name): value for name, value in asdict(chosen).items()}
    if chosen.high_spend is not None:
        values["highSpend"] = str(chosen.high_spend)
    return Observed(subject_of("Lifecycle", context.store_id), values)


@strawberry.type
class LifecycleMutation:
    @mutation(
        LifecyclePayload,
        TokenScope.WRITE,
        description="Replaces all thresholds and scores every customer by them.",
        errors_under="input",
        observe=_observe_thresholds,
    )
    async def lifecycle_update(self, context: Context, tx: Transaction, input: LifecycleInput) -> LifecyclePayload:
        chosen = ChosenThresholds(
            active_days=input.active_days,
            lost_days=input.lost_days,
            introduce_days=input.introduce_days,
            loyal_orders=input.loyal_orders,
            high_spend=input.high_spend,
            repurchase_days=input.repurchase_days,
        )
        await actions.set_thresholds(tx, context.store_id, chosen)
        return LifecyclePayload(lifecycle=await _lifecycle(tx, context.store_id))


async def _lifecycle(tx: Transaction, store_id: int) -> Lifecycle:
    chosen, standing = await actions.scoring_state(tx, store_id)
    return Lifecycle(thresholds=chosen, standing=standing)


def _thresholds(values: ChosenThresholds | Thresholds, repurchase_days: float | None) -> LifecycleThresholds:
    return LifecycleThresholds(
        active_days=values.active_days,
        lost_days=values.lost_days,
        introduce_days=values.introduce_days,
        loyal_orders=values.loyal_orders,
        high_spend=values.high_spend,
        repurchase_days=repurchase_days,
    )
