"""The store that a token belongs to."""

from collections.abc import Mapping
from typing import Any

import strawberry

from api.graphql.kit.audited import Observed, subject_of
from api.graphql.kit.context import Context, Info
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.global_ids import encode
from api.graphql.kit.mutation import mutation
from api.graphql.kit.nodes import Node
from domain.customers import writes
from domain.ingestion import order_recount
from domain.kit.db import Transaction
from domain.segments import refresh_schedule
from domain.stores import actions, model, queries
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
    row: strawberry.Private[model.Store]

    id: strawberry.ID = derived(lambda self: encode("Store", self.row.id))
    name: str = derived(lambda self: self.row.name)
    timezone: str = derived(
        lambda self: self.row.timezone, description='IANA name; days ("once a day", "0:00") are this zone\'s.'
    )
    currency: str = derived(lambda self: self.row.currency)
    limits: StoreLimits = derived(lambda self: self.row.limits)
    audit_days: int = derived(
        lambda self: self.row.audit_days, description="For how many days the entries of the audit log are kept."
    )

    @classmethod
    async def load_row(cls, context: Context, key: Any) -> model.Store | None:
        """Return the request's own store, when that is the one."""
        return context.principal.store if key == context.store_id else None

    @classmethod
    def recorded(cls, row: model.Store) -> Mapping[str, object]:
        return {
            "name": row.name,
            "timezone": row.timezone,
            "currency": row.currency,
            "staticSegmentMembers": row.limits.static_segment_members,
            "propertyConditions": row.limits.property_conditions,
            "auditDays": row.audit_days,
        }


@strawberry.type
class StoreQuery:
    @strawberry.field
    def store(self, info: Info) -> Store:
        return Store(row=info.context.principal.store)


@strawberry.input(description="Fields left out keep their values.")
class StoreUpdateInput:
    name: str | None = None
    timezone: str | None = strawberry.field(
        default=None,
        description="Scheduled lists stay on their days, at 0:00 of the new zone; the hours, weekdays and days of the "
        "month of orders become this zone's in the background.",
    )
    currency: str | None = strawberry.field(
        default=None,
        description="ISO 4217. The figures of customers become those of orders in this currency in the background.",
    )
    static_segment_members: int | None = None
    property_conditions: int | None = None
    audit_days: int | None = strawberry.field(
        default=None,
        description=f"{model.MIN_AUDIT_DAYS} to {model.MAX_AUDIT_DAYS:,}; {model.AUDIT_DAYS} unless changed.",
    )


@strawberry.type
class StoreUpdatePayload:
    store: Store | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


async def _observe_store(context: Context, tx: Transaction, _arguments: Mapping[str, Any]) -> Observed:
    row = await queries.by_id(tx, context.store_id)
    assert row is not None
    return Observed(subject_of("Store", row.id), Store.recorded(row))


@strawberry.type
class StoreMutation:
    @mutation(StoreUpdatePayload, TokenScope.ADMIN, errors_under="input", observe=_observe_store)
    async def store_update(self, context: Context, tx: Transaction, input: StoreUpdateInput) -> StoreUpdatePayload:
        change = StoreChange(
            input.name,
            input.timezone,
            input.currency,
            input.static_segment_members,
            input.property_conditions,
            input.audit_days,
        )
        if change.timezone is not None or change.currency is not None:
            # No order is written by the zone or the currency before: whoever writes orders waits.
            await writes.take_numbers(tx, context.store_id, 0)
        before, after = await actions.update(tx, context.store_id, change)
        if (after.timezone, after.currency) != (before.timezone, before.currency):
            await order_recount.request(tx, after.id, context.now)
        if after.timezone != before.timezone:
            await refresh_schedule.change_timezone(tx, after.id, before.timezone, after.timezone)
        return StoreUpdatePayload(store=Store(row=after))
