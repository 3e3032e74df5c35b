"""What does not add up is found, and named by its check, its store and its rows (P35)."""

import pytest

from api.wiring import Runtime
from domain.campaigns.tables import campaigns
from domain.customers.tables import customer_facts, customer_numbers, customer_origins, customers
from domain.deliveries.tables import delivery_batches
from domain.events.tables import event_counters
from domain.imports.tables import imports, uploads
from domain.kit.clock import system_clock
from domain.lifecycle.tables import customer_scores
from domain.lists.tables import lists
from domain.memberships.tables import segment_memberships
from domain.operations.tables import operation_problems, operations
from domain.orders.tables import customer_favourites, order_items, orders
from domain.segments.tables import segments
from domain.wallets import tables as wallets
from tests.api.doctor.plant import Plant, add, change, check_plant, every, remove, rows
from tests.api.doctor.shop import Shop

NOW = system_clock()
_ann = rows(customer_id=1)

PLANTS = {
    "the number of orders": Plant(
        "facts", "1 customers have wrong counts (customer_id=1)", change(customer_facts, _ann, order_count=3)
    ),
    "the sum of orders": Plant("facts", "(customer_id=1)", change(customer_facts, _ann, total_spent=99)),
    "the time of the last order": Plant("facts", "(customer_id=1)", change(customer_facts, _ann, last_order_at=NOW)),
    "favourites": Plant(
        "favourites",
        "2 favourites differ from a recount (customer_id=1 kind='product' value='coffee'; "
        "customer_id=1 kind='product' value='tea')",
        change(customer_favourites, rows(kind="product"), value="coffee"),
    ),
    "the number of events": Plant(
        "counters",
        "1 counters differ from a recount (customer_id=1 type='tasting')",
        change(event_counters, rows(type="tasting"), count=7),
    ),
    "a counter that is missing": Plant(
        "counters", "(customer_id=1 type='tasting')", remove(event_counters, rows(type="tasting"))
    ),
    "points": Plant(
        "wallets",
        "1 wallets are not what their events add up to (customer_id=1 points)",
        change(wallets.lots, every, remaining=500),
    ),
    "points that expire on another day": Plant(
        "wallets", "(customer_id=1 points)", change(wallets.lots, every, expires_on=None)
    ),
    "the last change of points": Plant(
        "wallets", "(customer_id=1 points, the last change)", change(wallets.changes, every, amount=1)
    ),
    "a coupon that was never used": Plant(
        "wallets", "(customer_id=1 coupons)", change(wallets.coupons, every, used_at=NOW)
    ),
    "a first visit": Plant(
        "origins",
        "1 customers whose origin is not their first visit (customer_id=1)",
        change(customer_origins, every, at=NOW),
    ),
    "a score": Plant(
        "scores", "1 customers with a score that there is not (customer_id=1)", change(customer_scores, _ann, recency=9)
    ),
    "a cancelled order that counts": Plant(
        "orders",
        "1 orders that count against their status, or do not (customer_id=1 id='o2')",
        change(orders, rows(id="o2"), counted=True),
    ),
    "an item of another time": Plant(
        "orders",
        "1 items that differ from their order in time or in whether they count "
        "(customer_id=1 order_id='o1' position=1)",
        change(order_items, rows(order_id="o1"), placed_at=NOW),
    ),
    "the number of items": Plant(
        "orders",
        "1 orders with another number of items than they say (customer_id=1 id='o1')",
        change(orders, rows(id="o1"), lines=4),
    ),
    "the members of a list": Plant(
        "lists",
        "1 lists with another number of members than they say (id={list_id} said=99)",
        change(lists, lambda shop: {"id": shop.list_id}, count=99),
    ),
    "members of a segment": Plant(
        "memberships",
        "2 customers are members of segment {segment_id} against its filter, or are missing "
        "(customer_id=1; customer_id=77)",
        change(segment_memberships, lambda shop: {"segment_id": shop.segment_id, "customer_id": 1}, customer_id=77),
    ),
    "what a batch has sent": Plant(
        "batches",
        "1 batches count other states than their deliveries have (campaign_id={campaign_id} number=0)",
        change(delivery_batches, every, sent=1, failed=2),
    ),
    "what a batch has opened": Plant(
        "batches",
        "1 batches count other states than their deliveries have (campaign_id={campaign_id} number=0)",
        change(delivery_batches, every, opened=1),
    ),
    "the recipients of a campaign": Plant(
        "batches",
        "1 campaigns with another number of deliveries than their batches (campaign_id={campaign_id} deliveries=3",
        change(delivery_batches, every, recipients=9),
    ),
    "the open batches of a campaign": Plant(
        "campaign rows",
        "1 campaigns have another number of open batches than of jobs (id={campaign_id} says 4, has 0)",
        change(campaigns, every, open_batches=4),
    ),
    "the progress of an operation": Plant(
        "operations",
        "1 operations have done more or less than all (id={export_id} done=1 total=3)",
        change(operations, lambda shop: {"id": shop.export_id}, done=1),
    ),
    "gaps between problems": Plant(
        "operations",
        "(operation_id={export_id} problems=1 last=2)",
        add(operation_problems, lambda shop: {"operation_id": shop.export_id, "number": 2, "message": "?"}),
    ),
    "the bytes of an upload": Plant(
        "imports",
        "1 imports with files of another length than they say (operation_id={import_id} bytes=5)",
        change(imports, every, bytes=5),
    ),
    "a piece of an upload that is missing": Plant(
        "imports",
        "1 uploads with gaps between their pieces (operation_id={import_id} pieces=1 last=3)",
        change(uploads, every, number=3),
    ),
    "numbers that will be given again": Plant(
        "customers",
        "1 customers with a number that is still to be given (customer_id=3)",
        change(customer_numbers, every, last=2),
    ),
    "a customer without facts": Plant(
        "customers", "1 customers without facts (customer_id=2)", remove(customer_facts, rows(customer_id=2))
    ),
    "two customers of one e-mail address": Plant(
        "customers",
        "1 email entries that several customers without external id have: only the first is found by it "
        "(customer_id=1 other_id=2)",
        lambda shop: [
            *change(customers, rows(id=1), external_id=None, email="a@shop.example")(shop),
            *change(customers, rows(id=2), external_id=None, email="a@shop.example")(shop),
        ],
        warning=True,
    ),
    "a customer's folded name": Plant(
        "names",
        "1 customers are searched and sorted by another name than theirs (id=1)",
        change(customers, rows(id=1), folded_name="zed"),
    ),
    "a segment's folded name": Plant(
        "names",
        "1 segments are searched and sorted by another name than theirs (id={segment_id})",
        change(segments, lambda shop: {"id": shop.segment_id}, folded_name=""),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
async def test_what_does_not_add_up_is_found(runtime: Runtime, shop: Shop, database_url: str, planted: Plant) -> None:
    await check_plant(runtime, shop, database_url, planted)
