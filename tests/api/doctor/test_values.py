"""Single values that the product never writes are found and named (P35)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import String

from api.doctor.values import CHOICES, PAST
from api.wiring import Runtime
from domain.campaigns.tables import campaigns
from domain.customers.tables import contacts, customers
from domain.deliveries.tables import deliveries
from domain.events.tables import events
from domain.kit.clock import system_clock
from domain.kit.db.types import Instant
from domain.lists.tables import lists
from domain.migrations.tables import metadata
from domain.operations.tables import operations
from domain.orders.tables import order_statuses
from tests.api.doctor.plant import Plant, change, check_plant, every, rows, run
from tests.api.doctor.shop import Shop

LATER = system_clock() + timedelta(days=1)
# Times that may be to come, or that clients say.
ANY_TIME = {
    "api_tokens.expires_at",
    "api_tokens.revoked_at",
    "campaigns.finished_at",
    "campaigns.scheduled_at",
    "channel_accounts.arrival_at",
    "channel_accounts.refused_until",
    "channel_accounts.turn_at",
    "channel_authorizations.expires_at",
    "channel_works.due_at",
    "customer_changes.due_at",
    "customer_coupons.received_at",
    "customer_coupons.used_at",
    "customer_facts.first_order_at",
    "customer_facts.last_order_at",
    "customer_facts.order_10_at",
    "customer_facts.order_2_at",
    "customer_facts.order_3_at",
    "customer_facts.order_4_at",
    "customer_facts.order_5_at",
    "customer_origins.at",
    "customer_properties.datetime",
    "customer_tags.added_at",
    "customers.deleted_at",
    "customers.last_login_at",
    "customers.registered_at",
    "deliveries.in_doubt_since",
    "deliveries.not_before",
    "event_counters.first_at",
    "event_counters.last_at",
    "events.occurred_at",
    "import_customers.last_login_at",
    "import_customers.registered_at",
    "import_order_rows.placed_at",
    "import_orders.placed_at",
    "jobs.due_at",
    "jobs.lease_until",
    "lists.expires_at",
    "receipt_polls.due_at",
    "receipts.next_at",
    "operations.finished_at",
    "order_items.placed_at",
    "orders.placed_at",
    "segment_memberships.since",
    "segments.last_refreshed_at",
    "segments.next_refresh_at",
    "tracked_segments.next_eval_at",
    "tracked_segments.since",
    "wallet_changes.at",
}

PLANTS = {
    "the state of a delivery": Plant(
        "choices",
        "1 rows of deliveries with an unknown status (store_id={store_id} campaign_id={campaign_id} customer_id=2 "
        "status='LOST')",
        change(deliveries, rows(customer_id=2), status="LOST"),
    ),
    "the state of a campaign": Plant(
        "choices",
        "1 rows of campaigns with an unknown status (store_id={store_id} id={campaign_id} status='ASLEEP')",
        change(campaigns, every, status="ASLEEP"),
    ),
    "the meaning of a status": Plant(
        "choices",
        "1 rows of order_statuses with an unknown meaning (store_id={store_id} status='op de markt' meaning='MAYBE')",
        change(order_statuses, every, meaning="MAYBE"),
    ),
    "the state of a list": Plant(
        "choices",
        "1 rows of lists with an unknown status (store_id={store_id} id={list_id}",
        change(lists, lambda shop: {"id": shop.list_id}, status="HALF"),
    ),
    "the state of an operation": Plant(
        "choices",
        "1 rows of operations with an unknown status (store_id={store_id} id={export_id}",
        change(operations, lambda shop: {"id": shop.export_id}, status="HALF"),
    ),
    "a consent": Plant(
        "choices",
        "1 rows of contacts with an unknown consent (store_id={store_id} customer_id=2 channel='email' consent='",
        change(contacts, rows(customer_id=2), consent="MAYBE"),
    ),
    "a state that looks like markup": Plant(
        "choices", "status='[/bold]\\x1b[2J')", change(campaigns, every, status="[/bold]\x1b[2J")
    ),
    "a customer of tomorrow": Plant(
        "times",
        "1 rows of customers whose created_at is to come (store_id={store_id} id=2 created_at=",
        change(customers, rows(id=2), created_at=LATER),
    ),
    "a delivery of tomorrow": Plant(
        "times",
        "1 rows of deliveries whose sent_at is to come (store_id={store_id} campaign_id={campaign_id} customer_id=2",
        change(deliveries, rows(customer_id=2), sent_at=LATER),
    ),
    "an event's attributes": Plant(
        "json",
        "1 rows of events whose attributes is no JSON object (store_id={store_id} customer_id=1",
        change(events, rows(id="v1"), attributes=["page"]),
    ),
    "an exclusion": Plant(
        "json",
        "1 rows of campaigns whose exclude is no JSON array (store_id={store_id} id={campaign_id})",
        change(campaigns, every, exclude={}),
    ),
    "a filter that is cut off": Plant(
        "json",
        "1 rows of segments whose include is no JSON object (store_id={store_id} id={segment_id})",
        run("""UPDATE segments SET include = '{"attribute": {' WHERE store_id = 1 AND include IS NOT NULL"""),
        dialects=["sqlite"],
    ),
    "a content that is cut off": Plant(
        "json",
        "1 rows of campaigns whose content is no JSON object (store_id={store_id} id={campaign_id})",
        run("UPDATE campaigns SET content = '{'"),
        dialects=["sqlite"],
    ),
    "a number that is a text": Plant(
        "storage",
        "rows of customer_facts have a order_count that is no integer: 1",
        run("UPDATE customer_facts SET order_count = 'many' WHERE customer_id = 1 AND store_id = 1"),
        dialects=["sqlite"],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
async def test_a_value_that_there_is_not_is_found(
    runtime: Runtime, shop: Shop, database_url: str, planted: Plant
) -> None:
    await check_plant(runtime, shop, database_url, replace(planted, store=False))


def test_every_time_is_one_that_has_been_or_may_be_any() -> None:
    times = {
        str(column) for table in metadata.tables.values() for column in table.c if isinstance(column.type, Instant)
    }
    assert times - {str(column) for column in PAST} - ANY_TIME == set()
    assert times >= ANY_TIME


def test_every_state_and_kind_has_its_choices() -> None:
    """A new column of this name is named in CHOICES, or here with the check that knows its values."""
    elsewhere = {
        "jobs.kind",
        "operations.kind",
        "orders.status",
        "import_orders.status",
        "import_order_rows.status",
        "order_statuses.status",
    }
    columns = {
        str(column)
        for table in metadata.tables.values()
        for column in table.c
        if isinstance(column.type, String) and column.name in {"status", "kind"}
    }
    assert columns - {str(column) for column in CHOICES} == elsewhere
