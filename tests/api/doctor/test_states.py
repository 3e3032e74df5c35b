"""Rows that no state of the product explains are found and named (P35)."""

from datetime import timedelta
from uuid import UUID

import pytest

from api.wiring import Runtime
from domain.campaigns.tables import campaigns
from domain.consents.tables import suppressions
from domain.customers.tables import customers
from domain.deliveries.tables import deliveries
from domain.kit.clock import system_clock
from domain.lists.tables import lists
from domain.operations.tables import operations
from domain.segments.tables import segments
from tests.api.doctor.plant import Plant, Statements, change, check_plant, every, rows
from tests.api.doctor.shop import Shop

NOW = system_clock()
LONG_AGO, LATER = NOW - timedelta(hours=2), NOW + timedelta(days=200)
GONE = UUID(int=7)
CYCLE = {"update_mode": "AUTO", "every_days": 7}


def _segment(**values: object) -> Statements:
    return change(segments, lambda shop: {"id": shop.segment_id}, **values)


PLANTS = {
    "a blacklisted customer whose address does not object": Plant(
        "suppressions",
        "1 customers who object, and whose address does not (customer_id=1 channel='*' reason='BLACKLISTED')",
        change(customers, rows(id=1), blacklisted=True),
    ),
    "a no that is cut off": Plant(
        "suppressions", "1 noes whose hash is cut off (created_at=", change(suppressions, every, hash=bytes(31))
    ),
    "a delivery against its receipts": Plant(
        "deliveries",
        "1 deliveries are in another state than their receipts prove (campaign_id={campaign_id} customer_id=1 "
        "status='SENT')",
        change(deliveries, rows(customer_id=1), evidence=2, delivered_at=NOW),
    ),
    "a filter that cannot be read": Plant(
        "filters",
        "1 segments cannot be read (id={segment_id} ValueError: ",
        _segment(include={"attribute": {}, "all": []}),
    ),
    "a filter without its operator": Plant(
        "filters", "1 segments cannot be read (id={segment_id} KeyError: ", _segment(include={"attribute": {}})
    ),
    "a filter that names a segment that is gone": Plant(
        "filters",
        "1 segments ask for what is not there (id={segment_id} The filter refers to a segment or a list",
        _segment(include={"membership": {"segmentId": str(GONE), "listId": None, "member": True}}),
    ),
    "a filter that names a list that is gone": Plant(
        "filters",
        "(id={segment_id} The filter refers to a segment or a list",
        _segment(include={"membership": {"segmentId": None, "listId": str(GONE), "member": True}}),
    ),
    "a filter that names a property that is gone": Plant(
        "filters",
        "1 segments ask for what is not there (id={segment_id}",
        _segment(include={"attribute": {"dimension": "property.shoe", "operator": "EQ", "values": ["x"]}}),
    ),
    "a segment's kind": Plant(
        "filters", "1 segments cannot be read (id={segment_id} ValueError: ", _segment(kind="LIQUID")
    ),
    "a cycle that is never due": Plant(
        "schedules",
        "1 segments with a cycle that are never due (id={segment_id})",
        _segment(**CYCLE, next_refresh_at=None),
    ),
    "a cycle that is due too late": Plant(
        "schedules",
        "1 segments that are due later than any cycle (id={segment_id}",
        _segment(**CYCLE, next_refresh_at=LATER),
    ),
    "a list that is overdue": Plant(
        "schedules", "1 segments whose list is overdue (id={segment_id}", _segment(**CYCLE, next_refresh_at=LONG_AGO)
    ),
    "a list that nobody builds": Plant(
        "lists",
        "1 lists are GENERATING without a job (id={list_id})",
        change(lists, lambda shop: {"id": shop.list_id}, status="GENERATING"),
    ),
    "a segment without its first list": Plant(
        "lists",
        "1 segments with lists, but without their first (segment_id={segment_id} number=3)",
        change(lists, lambda shop: {"id": shop.list_id}, number=3),
    ),
    "a list that expired before it was made": Plant(
        "lists",
        "1 lists that expired before they were made (id={list_id})",
        change(lists, lambda shop: {"id": shop.list_id}, expires_at=LONG_AGO),
    ),
    "a campaign that nobody sends": Plant(
        "campaigns",
        "1 are SENDING without a job ({campaign_id})",
        change(campaigns, every, status="SENDING"),
        store=False,
    ),
    "a campaign that cannot be read": Plant(
        "campaign rows",
        "1 campaigns cannot be read (id={campaign_id} TypeError: ",
        change(campaigns, every, utm={"colour": "red"}),
    ),
    "a campaign that excludes what is no list": Plant(
        "campaign rows",
        "1 campaigns cannot be read (id={campaign_id} ValueError: ",
        change(campaigns, every, exclude=["everyone"]),
    ),
    "a campaign without a time to start": Plant(
        "campaign rows",
        "1 campaigns that should have started, or have no time to (id={campaign_id} scheduled_at=None)",
        change(campaigns, every, status="SCHEDULED"),
    ),
    "a campaign that should have started": Plant(
        "campaign rows",
        "1 campaigns that should have started, or have no time to (id={campaign_id}",
        change(campaigns, every, status="SCHEDULED", scheduled_at=LONG_AGO),
    ),
    "a campaign that was sent at no time": Plant(
        "campaign rows",
        "1 campaigns without the time at which they started or ended (id={campaign_id} status='SENT')",
        change(campaigns, every, finished_at=None),
    ),
    "a scheduled campaign to nobody": Plant(
        "campaign rows",
        f"1 scheduled campaigns whose list is gone with all its members (id={{campaign_id}} list_id={GONE})",
        change(campaigns, every, status="SCHEDULED", scheduled_at=LATER, list_id=GONE),
    ),
    "a delivery that is open though its campaign was sent": Plant(
        "deliveries",
        "1 deliveries are open though their campaign was sent (campaign_id={campaign_id} customer_id=2 "
        "status='PENDING')",
        change(deliveries, rows(customer_id=2), status="PENDING"),
    ),
    "a delivery that nobody sends any more": Plant(
        "deliveries",
        "1 batches have been SENDING for three leases without a worker (campaign_id={campaign_id} batch=0 from "
        "customer_id=2)",
        change(deliveries, rows(customer_id=2), status="SENDING", updated_at=LONG_AGO),
    ),
    "a delivery that was sent at no time": Plant(
        "deliveries",
        "1 deliveries are sent without an attempt or a time (campaign_id={campaign_id} customer_id=2)",
        change(deliveries, rows(customer_id=2), sent_at=None),
    ),
    "a delivery to nowhere": Plant(
        "deliveries",
        "1 deliveries have no address (campaign_id={campaign_id} customer_id=2)",
        change(deliveries, rows(customer_id=2), address=" "),
    ),
    "an operation that nobody does": Plant(
        "operations",
        "1 operations wait or run without a job (id={export_id} list.export)",
        change(operations, lambda shop: {"id": shop.export_id}, status="RUNNING", finished_at=None),
    ),
    "an upload that does not come": Plant(
        "operations",
        "1 uploads have not come whole in an hour, and have no job (id={import_id} import.customers)",
        change(operations, lambda shop: {"id": shop.import_id}, created_at=LONG_AGO),
    ),
    "an operation that ended at no time": Plant(
        "operations",
        "1 operations have ended without a time, or go on in spite of one (id={export_id} status='DONE')",
        change(operations, lambda shop: {"id": shop.export_id}, finished_at=None),
    ),
    "an import that was not cleared away": Plant(
        "imports",
        "1 imports have ended, and their files are still there (operation_id={import_id})",
        change(operations, lambda shop: {"id": shop.import_id}, status="FAILED"),
    ),
    "a download whose file is gone": Plant(
        "downloads",
        "1 operations have lost their file (id={export_id} 'gone.csv')",
        change(operations, lambda shop: {"id": shop.export_id}, file="gone.csv"),
    ),
    "a file that is no operation's": Plant(
        "files",
        "1 files are no operation's (",
        change(operations, lambda shop: {"id": shop.export_id}, file=None),
        store=False,
        warning=True,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
async def test_what_no_state_explains_is_found(runtime: Runtime, shop: Shop, database_url: str, planted: Plant) -> None:
    await check_plant(runtime, shop, database_url, planted)
