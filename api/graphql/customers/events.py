"""Events of customers: tracked in batches, listed newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import Select

from api.graphql.kit import child_pages, global_ids
from api.graphql.kit.child_pages import ChildSelect
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context
from api.graphql.kit.errors import UserError
from api.graphql.kit.fields import derived
from api.graphql.kit.keyset import Ordering, SortKey
from api.graphql.kit.mutation import mutation
from api.graphql.kit.scalars import JSON
from domain.consents import suppressions
from domain.customers.key import CustomerKey
from domain.ingestion import timeline as timelines
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.db import Transaction
from domain.kit.errors import ErrorCollector, NotFound
from domain.stores.model import TokenScope


@strawberry.type
class Event:
    event: strawberry.Private[timelines.TimelineEvent]

    id: strawberry.ID = derived(lambda self: strawberry.ID(self.event.id), description="The ID that the caller chose.")
    type: str = derived(lambda self: self.event.type)
    occurred_at: datetime = derived(lambda self: self.event.occurred_at)
    attributes: JSON = derived(lambda self: self.event.attributes)


@strawberry.input(one_of=True)
class CustomerKeyInput:
    id: strawberry.Maybe[strawberry.ID]
    external_id: strawberry.Maybe[str]
    email: strawberry.Maybe[str]
    phone: strawberry.Maybe[str] = strawberry.field(description="With its country, as +886912345678.")

    def key(self) -> CustomerKey:
        if self.external_id is not None:
            return CustomerKey(external_id=self.external_id.value)
        if self.email is not None:
            return CustomerKey(email=self.email.value)
        if self.phone is not None:
            return CustomerKey(phone=self.phone.value)
        number = self.id and global_ids.number(self.id.value, "Customer")
        if not isinstance(number, int):
            raise NotFound("There is no such customer", field=("customer", "id"))
        return CustomerKey(id=number)


@strawberry.input
class EventInput:
    id: str = strawberry.field(description="Chosen by the caller; makes a retry harmless.")
    type: str = strawberry.field(
        description='"order", "visit", "cart", "restock_request", "points.changed", ..., or a name of one\'s own.'
    )
    customer: CustomerKeyInput
    occurred_at: datetime
    attributes: JSON | None = strawberry.field(
        default=None,
        description=(
            "See docs/reference/events.md. Of an order: total, currency, status, payment_status, delivery_status, "
            "source, coupon, campaign, items [{product, name, variant, category, department, brand, quantity, price, "
            "tags, attributes}]."
        ),
    )

    def event(self) -> TrackedEvent:
        return TrackedEvent(self.id, self.type, self.customer.key(), self.occurred_at, self.attributes)


@strawberry.type
class EventsTrackPayload:
    accepted: int = 0
    duplicates: int = 0
    user_errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class EventMutation:
    @mutation(
        EventsTrackPayload,
        TokenScope.WRITE,
        description="5,000 at most; an event whose id was tracked before is counted as a duplicate and ignored.",
    )
    async def events_track(self, context: Context, tx: Transaction, events: list[EventInput]) -> EventsTrackPayload:
        tracked: list[TrackedEvent] = []
        errors = ErrorCollector()
        for position, event in enumerate(events):
            with errors.under("events", position):
                tracked.append(event.event())
        errors.raise_any()
        result = await track.track(tx, context.store_id, tracked, context.now)
        key = await context.services.suppression_key(tx)
        await suppressions.heed(tx, key, context.store_id, sorted(result.added), context.now)
        return EventsTrackPayload(accepted=result.accepted, duplicates=result.duplicates)


async def timeline(context: Context, customer_id: int, page: Page, types: Sequence[str] | None) -> Connection[Event]:
    event_types = None if types is None else tuple(types)

    def newest(rows: Select[Any]) -> Ordering:
        columns = rows.selected_columns
        keys = SortKey(columns.occurred_at, datetime, descending=True), SortKey(columns.id, str, descending=True)
        return Ordering("timeline.newest", keys)

    children = ChildSelect(
        ("timeline", event_types),
        lambda is_parent: timelines.timelines(context.store_id, is_parent, event_types),
        newest,
        lambda row: Event(event=timelines.timeline_event(row)),
    )
    return await child_pages.connect(context, customer_id, children, page)
