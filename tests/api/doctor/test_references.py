"""Rows that refer to what is missing, or to another store's, are found and named (P35)."""

from uuid import UUID

import pytest
from sqlalchemy import insert, update

from api.doctor.references import REFERENCES
from api.wiring import Runtime
from domain.campaigns.tables import campaigns
from domain.customers.tables import contacts, customer_facts, customers, property_definitions
from domain.deliveries.tables import deliveries, message_references
from domain.events.tables import event_customers, events
from domain.imports.tables import imports
from domain.jobs.tables import jobs
from domain.kit.clock import system_clock
from domain.lists.tables import lists
from domain.memberships.tables import tracked_segments
from domain.migrations.tables import metadata
from domain.operations.tables import operations
from domain.orders.tables import order_customers, order_items, orders
from domain.receipts.tables import receipt_polls
from domain.segments.tables import segments
from domain.stores.tables import idempotency_keys
from tests.api.doctor.plant import Plant, add, change, check_plant, every, plant, remove, result_of, rows
from tests.api.doctor.shop import Shop

NOW = system_clock()
GONE = UUID(int=7)
# Columns that end like a reference, and what they hold.
NO_REFERENCE = {
    "account_slots.job_id": "a claim that has ended leaves its slot to whoever looks next",
    "audit_entries.request_id": "the log's own",
    "audit_entries.token_id": "an entry outlives its token",
    "customers.external_id": "the shop's own",
    "customer_changes.first_id": "a range of customers, who may all be new",
    "customer_changes.last_id": "a range of customers, who may all be new",
    "deliveries.provider_message_id": "the provider's own",
    "delivery_batches.first_customer_id": "a range of deliveries",
    "delivery_batches.last_customer_id": "a range of deliveries",
    "import_customers.external_id": "the file's own",
    "import_matches.customer_id": "a customer whom the same transaction adds",
    "import_order_rows.customer_external_id": "the file's own",
    "import_order_rows.order_id": "the file's own",
    "import_orders.customer_id": "0 where nobody is known, until the row is left out",
    "import_orders.named_customer_id": "as customer_id",
    "import_orders.order_id": "the file's own",
    "import_orders.stored_customer_id": "as customer_id",
    "synced_lists.list_id": "a list may be deleted that its provider keeps",
    "synced_lists.provider_id": "the provider's own",
    "receipts.campaign_id": "null where a name finds the message",
    "receipts.customer_id": "as campaign_id",
    "operations.customer_id": "null but where it has a file of a customer",
    "operations.list_id": "a list may be deleted whose report is there",
    "campaigns.list_id": "a list may be deleted that campaigns were sent to",
}

PLANTS = {
    "facts of no customer": Plant(
        "references",
        "1 rows of customer_facts whose customers row is missing (customer_id=99)",
        add(customer_facts, rows(customer_id=99, order_count=0, total_spent=0)),
    ),
    "a contact of no customer": Plant(
        "references",
        "1 rows of contacts whose customers row is missing (customer_id=99 channel='email')",
        add(contacts, rows(customer_id=99, channel="email", consent="SUBSCRIBED", invalid=False)),
    ),
    "all that a customer had": Plant(
        "references",
        "1 rows of orders whose customers row is missing (customer_id=1 id='o1')",
        lambda shop: [
            *remove(customers, rows(id=1))(shop),
            *remove(orders, rows(id="o2"))(shop),
        ],
    ),
    "a value of no property": Plant(
        "references",
        "3 rows of customer_properties whose property_definitions row is missing (customer_id=1 property_id=1;",
        remove(property_definitions, every),
    ),
    "items of no order": Plant(
        "references",
        "1 rows of order_items whose orders row is missing (customer_id=1 order_id='o1' position=1)",
        remove(orders, rows(id="o1")),
    ),
    "an order without its id": Plant(
        "references",
        "1 rows of orders whose order_customers row is missing (customer_id=1 id='o1')",
        remove(order_customers, rows(order_id="o1")),
    ),
    "an order's id that is another customer's": Plant(
        "references",
        "1 rows of order_customers whose orders row is missing (order_id='o1' customer_id=2)",
        change(order_customers, rows(order_id="o1"), customer_id=2),
    ),
    "facets of no item": Plant(
        "references",
        "1 rows of order_item_facets whose order_items row is missing",
        remove(order_items, rows(order_id="o1")),
    ),
    "an event's id without an event": Plant(
        "references",
        "1 rows of event_customers whose events row is missing (customer_id=1 event_id='v1')",
        remove(events, rows(id="v1")),
    ),
    "an event without its id": Plant(
        "references",
        "1 rows of events whose event_customers row is missing",
        remove(event_customers, rows(event_id="v1")),
    ),
    "deliveries of no campaign": Plant(
        "references",
        "3 rows of deliveries whose campaigns row is missing (campaign_id={campaign_id} customer_id=1; ",
        remove(campaigns, every),
    ),
    "batches of no campaign": Plant(
        "references", "1 rows of delivery_batches whose campaigns row is missing", remove(campaigns, every)
    ),
    "a sandbox's message without a delivery": Plant(
        "references",
        "1 rows of sandbox_messages whose deliveries row is missing (campaign_id={campaign_id} customer_id=2)",
        remove(deliveries, rows(customer_id=2)),
    ),
    "a name of no message": Plant(
        "references",
        "1 rows of message_references whose deliveries row is missing (channel='email' reference='p1' ",
        add(message_references, rows(channel="email", reference="p1", campaign_id=GONE, customer_id=1)),
    ),
    "a poll of a channel that is not installed": Plant(
        "references",
        "1 rows of receipt_polls whose channel_installations row is missing (channel='courier')",
        add(receipt_polls, rows(channel="courier", due_at=NOW)),
    ),
    "a key of no campaign": Plant(
        "references",
        "1 rows of idempotency_keys whose campaigns row is missing (key='key'",
        change(idempotency_keys, every, subject_id=GONE),
    ),
    "a list of no segment": Plant(
        "references",
        "1 rows of lists whose segments row is missing (id={list_id}",
        change(lists, lambda shop: {"id": shop.list_id}, segment_id=GONE),
    ),
    "an import of no operation": Plant(
        "references",
        "1 rows of imports whose operations row is missing (operation_id={import_id})",
        lambda shop: remove(operations, lambda _: {"id": shop.import_id})(shop),
    ),
    "an upload of no import": Plant(
        "references",
        "1 rows of uploads whose imports row is missing (operation_id={import_id} number=1)",
        remove(imports, every),
    ),
    "a campaign to another store's list": Plant(
        "strangers",
        "1 rows of campaigns whose list_id is another store's (store_id={store_id} id={campaign_id}",
        lambda shop: [
            *change(campaigns, every, list_id=GONE)(shop),
            update(lists).where(lists.c.store_id == shop.other_store_id).values(id=GONE),
        ],
        store=False,
    ),
    "a list of another store's segment": Plant(
        "strangers",
        "1 rows of lists whose segment_id is another store's (store_id={store_id} id={list_id}",
        lambda shop: change(lists, lambda _: {"id": shop.list_id}, segment_id=shop.other_segment_id)(shop),
        store=False,
    ),
    "a tracked segment that is another store's": Plant(
        "strangers",
        "1 rows of tracked_segments whose segment_id is another store's (store_id={store_id}",
        lambda shop: change(tracked_segments, every, segment_id=shop.other_segment_id)(shop),
        store=False,
    ),
    "rows of no store": Plant(
        "stores' rows",
        "2 tables have rows of a store that is missing (customers store_id=7; jobs store_id=7)",
        lambda shop: [
            update(customers).where(customers.c.store_id == shop.other_store_id).values(store_id=7),
            insert(jobs).values(
                store_id=7,
                id=GONE,
                queue="lists",
                kind="list.erase",
                payload={},
                status="queued",
                due_at=NOW,
                fence=0,
                deaths=0,
                created_at=NOW,
            ),
        ],
        store=False,
    ),
    "members of a list that is gone": Plant(
        "members",
        "1 owners of rows of list_members are missing (list_id={list_id})",
        remove(lists, lambda shop: {"id": shop.list_id}),
    ),
    "members of a segment that is gone": Plant(
        "members",
        "1 owners of rows of segment_members are missing (segment_id={static_id})",
        remove(segments, lambda shop: {"id": shop.static_id}),
    ),
    "a tracked segment that is gone": Plant(
        "members",
        "1 tracked segments are missing (segment_id={segment_id})",
        remove(segments, lambda shop: {"id": shop.segment_id}),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
async def test_what_refers_to_nothing_is_found(runtime: Runtime, shop: Shop, database_url: str, planted: Plant) -> None:
    await check_plant(runtime, shop, database_url, planted)


async def test_members_that_a_job_is_to_delete_are_expected(runtime: Runtime, shop: Shop, database_url: str) -> None:
    erasure = {"id": GONE, "queue": "lists", "kind": "list.erase", "payload": {"owner": str(shop.list_id)},
               "status": "queued", "due_at": NOW, "fence": 0, "deaths": 0, "created_at": NOW}  # fmt: skip
    await plant(database_url, [*remove(lists, lambda _: {"id": shop.list_id})(shop), *add(jobs, rows(**erasure))(shop)])
    assert (await result_of(runtime, "members")).findings == []


def test_every_column_that_refers_to_a_row_is_declared() -> None:
    """A new column that ends in "_id" is named in REFERENCES, or above with what it holds."""
    declared = {f"{reference.child.name}.{name}" for reference in REFERENCES for name in reference.columns}
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_id") and column.name != "store_id"
    }
    assert columns - declared - NO_REFERENCE.keys() == set()
    assert (NO_REFERENCE.keys() - columns) | (NO_REFERENCE.keys() & declared) == set()


def test_every_foreign_key_is_declared() -> None:
    declared = {(reference.child.name, reference.parent.name) for reference in REFERENCES}
    keys = {
        (table.name, key.referred_table.name)
        for table in metadata.tables.values()
        for key in table.foreign_key_constraints
        if key.referred_table.name != "stores"
    }
    assert keys <= declared
