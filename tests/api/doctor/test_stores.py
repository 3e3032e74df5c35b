"""What is wrong with a store's settings, tokens and channels is found and named (P35)."""

from datetime import timedelta

import pytest

from api.wiring import Runtime
from domain.campaigns.tables import campaigns
from domain.changes.tables import customer_changes, store_versions
from domain.customers.tables import contacts
from domain.kit.clock import system_clock
from domain.lifecycle.tables import lifecycles
from domain.segments.tables import value_ranks
from domain.stores.tables import api_tokens, channel_installations, stores
from tests.api.doctor.plant import Plant, add, change, check_plant, every, rows
from tests.api.doctor.shop import Shop

NOW = system_clock()
LONG_AGO, LATER = NOW - timedelta(hours=2), NOW + timedelta(days=200)

PLANTS = {
    "a consent for no channel": Plant(
        "consents",
        "1 channels of consents that no plugin brings (channel='pigeon' customer_id=2)",
        change(contacts, rows(customer_id=2), channel="pigeon"),
        warning=True,
    ),
    "a time zone": Plant(
        "stores",
        "its timezone is refused: 'Mars/Olympus' is no IANA time zone",
        change(stores, every, timezone="Mars/Olympus"),
    ),
    "a currency": Plant("stores", "its currency is refused: Write a currency", change(stores, every, currency="$")),
    "a limit": Plant("stores", "its propertyConditions is refused", change(stores, every, property_conditions=0)),
    "a token's scope": Plant("stores", "1 tokens cannot be used (id=", change(api_tokens, every, scopes="all")),
    "a rank that two values have": Plant(
        "stores", "1 ranks that several values have (dimension='tier' rank=0)", change(value_ranks, every, rank=0)
    ),
    "a channel without its plugin": Plant(
        "channels",
        "No plugin brings the channel 'pigeon' any more",
        change(channel_installations, every, channel="pigeon"),
    ),
    "settings that do not open": Plant(
        "channels",
        "The settings of 'email' do not open: MUSTER_SECRET_KEY is not the key",
        change(channel_installations, every, settings=b"\x01" + bytes(40)),
    ),
    "a campaign that cannot go on": Plant(
        "channels",
        "campaign {campaign_id}: nobody answers",
        change(campaigns, every, status="SENDING", problem="nobody answers"),
    ),
    "a day of scoring that is far away": Plant(
        "scoring",
        f"its customers are scored no earlier than {LATER.date()}",
        change(lifecycles, every, scheduled_on=LATER.date()),
    ),
    "a mark of nobody": Plant(
        "changes",
        "1 marks that name nobody (id='m')",
        add(customer_changes, rows(id="m", kinds=1, first_id=9, last_id=2, due_at=LATER)),
    ),
    "a count of writes below zero": Plant(
        "changes", "1 counts of writes below zero (shard=", change(store_versions, every, orders=-1)
    ),
}


@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
async def test_what_is_wrong_with_a_store_is_found(
    runtime: Runtime, shop: Shop, database_url: str, planted: Plant
) -> None:
    await check_plant(runtime, shop, database_url, planted)
