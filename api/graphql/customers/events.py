"""What customers did: tracked in batches, shown newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import Select

from api.graphql.kit import child_pages, global_ids
from api.graphql.kit.child_pages import Children
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.errors import UserError, user_errors
from api.graphql.kit.fields import derived
from api.graphql.kit.keyset import By, Ordering
from api.graphql.kit.scalars import JSON
from domain.customers.key import CustomerKey
from domain.ingestion import timeline as store
from domain.ingestion import track
from domain.ingestion.model import TrackedEvent
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.stores.model import TokenScope


@strawberry.type
class Event:
    of: strawberry.Private[store.TimelineEvent]

    id: strawberry.ID = derived(lambda self: strawberry.ID(self.of.id), description="The caller's own.")
    type: str = derived(lambda self: self.of.type)
    occurred_at: datetime = derived(lambda self: self.of.occurred_at)
    attributes: JSON = derived(lambda self: self.of.attributes)


@strawberry.input(one_of=True)
class CustomerKeyInput:
    id: strawberry.Maybe[strawberry.ID]
    external_id: strawberry.Maybe[str]
    email: strawberry.Maybe[str]

    def key(self) -> CustomerKey:
        if self.external_id is not None:
            return CustomerKey(external_id=self.external_id.value)
        if self.email is not None:
            return CustomerKey(email=self.email.value)
        number = self.id and global_ids.number(self.id.value, "Customer")
        if not isinstance(number, int):
            raise DomainError("no such customer", field=("customer", "id"), code=ErrorCode.NOT_FOUND)
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
            "As docs/reference/events.md has them. An order's: total, status, payment_status, delivery_status, source, "
            "coupon, campaign, items [{product, name, variant, category, department, brand, quantity, price, tags, "
            "attributes}]."
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
class ActivityMutation:
    @strawberry.mutation(
        description=("5,000 at most; an event that came before (same id) is counted as a duplicate and left alone.")
    )
    async def events_track(self, info: Info, events: list[EventInput]) -> EventsTrackPayload:
        context = allow(info, TokenScope.WRITE)
        try:
            given = _events(events)
            async with context.database.write() as tx:
                tracked = await track.track(tx, context.store_id, given, context.now)
        except DomainError as error:
            return EventsTrackPayload(user_errors=user_errors(error))
        return EventsTrackPayload(accepted=tracked.accepted, duplicates=tracked.duplicates)


async def timeline(context: Context, customer_id: int, page: Page, types: Sequence[str] | None) -> Connection[Event]:
    wished = None if types is None else tuple(types)
    found = Children(
        ("timeline", wished),
        lambda whose: store.timelines(context.store_id, whose, wished),
        _newest,
        lambda row: Event(of=store.timeline_event(row)),
    )
    return await child_pages.connect(context, customer_id, found, page)


def _newest(rows: Select[Any]) -> Ordering:
    columns = rows.selected_columns
    newest = By(columns.occurred_at, datetime, descending=True), By(columns.id, str, descending=True)
    return Ordering("timeline.newest", newest)


def _events(given: Sequence[EventInput]) -> list[TrackedEvent]:
    """What was sent, or every place where a customer is named that cannot be."""
    made: list[TrackedEvent] = []
    errors = ErrorCollector()
    for place, one in enumerate(given):
        with errors.under("events", place):
            made.append(one.event())
    errors.raise_any()
    return made
