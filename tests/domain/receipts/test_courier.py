"""A campaign goes out through a provider that tells of it: by webhooks in any order, or when it is asked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from muster_sdk import ReceiptKind as Kind
from sqlalchemy import insert, select, update

from api.graphql.kit.global_ids import encode
from domain.campaigns import launch
from domain.campaigns.model import Campaign
from domain.campaigns.tables import campaigns
from domain.channels import states
from domain.customers.tables import contacts
from domain.deliveries.model import Stats
from domain.deliveries.tables import conversations, deliveries, message_references
from domain.kit import ids
from domain.kit.db.portable import database_later
from domain.privacy import erasure
from domain.receipts import fold, poll, retention
from domain.receipts.tables import receipt_polls, receipts
from tests.api.http.courier_stage import CourierStage, Event, courier_stage, event
from tests.domain.campaigns.stage import add_campaign, add_customer, add_list, stats_of
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY

RECIPIENTS = 6


@pytest.fixture
async def courier(database_url: str, tmp_path: Path) -> AsyncIterator[CourierStage]:
    async with courier_stage(database_url, tmp_path) as stage:
        yield stage


async def make_courier_campaign(courier: CourierStage) -> Campaign:
    store_id, numbers = courier.store_id, range(1, RECIPIENTS + 1)
    async with courier.database.write() as tx:
        for number in numbers:
            await add_customer(tx, store_id, number, consent=None)
            contact = {"consent": "SUBSCRIBED", "invalid": False}
            values = {"store_id": store_id, "customer_id": number, "channel": "courier", **contact}
            await tx.execute(insert(contacts).values(values))
        list_id = await add_list(tx, store_id, list(numbers))
        campaign = await add_campaign(tx, store_id, list_id, channel="courier")
        await launch.start(tx, store_id, campaign.id)
    return campaign


async def send_courier_campaign(courier: CourierStage) -> Campaign:
    campaign = await make_courier_campaign(courier)
    await courier.stage.work()
    assert len(courier.provider.taken) == RECIPIENTS
    return campaign


def told_of(courier: CourierStage, campaign: Campaign) -> list[Event]:
    """Events that name their messages by either name: what happens to each ends in its own state."""

    def told(number: int, kind: Kind, minute: int, **values: str) -> Event:
        key = str(ids.delivery_key(courier.store_id, campaign.id, number))
        name = {"key": key} if number % 2 else {"provider_id": f"m-{key}"}
        return event(kind, NOW + timedelta(minutes=minute), **name, **values)

    return [
        *(told(number, Kind.DELIVERED, 1) for number in (1, 2, 3)),
        *(told(number, Kind.OPENED, 2) for number in (2, 3)),
        told(3, Kind.CLICKED, 3, url="https://shop.example/"),
        told(4, Kind.BOUNCED, 1, reason="no such address"),
        told(5, Kind.COMPLAINED, 4),
        told(5, Kind.UNSUBSCRIBED, 5),
    ]


async def work(courier: CourierStage) -> None:
    """Fold what is due, as the scheduler and a worker would."""
    await fold.schedule_due(courier.database)
    await courier.stage.work()


FINAL = Stats(RECIPIENTS, sent=5, failed=1, delivered=4, opened=2, clicked=1, bounced=1, complained=1, unsubscribed=1)


SHOWN = {
    "recipients": RECIPIENTS, "sent": 5, "failed": 1, "delivered": 4, "opened": 2, "clicked": 1, "bounced": 1,
    "complained": 1, "unsubscribed": 1,
}  # fmt: skip


async def test_a_client_learns_the_address_for_the_provider(courier: CourierStage) -> None:
    answer = await courier.shop.get('{ channel(key: "courier") { webhookUrl } }')
    assert answer["channel"]["webhookUrl"] == f"http://127.0.0.1:8000{courier.url}"


async def test_webhooks_in_any_order_and_number_end_in_the_same(courier: CourierStage) -> None:
    """P4, P28."""
    campaign = await send_courier_campaign(courier)
    events = told_of(courier, campaign) * 5
    Random(7).shuffle(events)
    courier.clock.forward(minutes=10)
    for start in range(0, len(events), 10):
        assert (await courier.tell(*events[start : start + 10])).status_code == 200
        if start == 20:
            await work(courier)
    await work(courier)
    assert await stats_of(courier.database, campaign) == FINAL
    document = f"query ($id: ID!) {{ campaign(id: $id) {{ stats {{ {' '.join(SHOWN)} }} }} }}"
    shown = await courier.shop.get(document, id=encode("Campaign", campaign.id))
    assert shown["campaign"]["stats"] == SHOWN
    # A replay of what was signed ten minutes ago is a stranger's.
    old = await courier.post({"events": events[:1]}, at=NOW)
    assert old.status_code == 401
    async with courier.database.read() as tx:
        assert (await tx.execute(select(receipts))).all() == []


async def test_what_comes_late_resolves_what_was_unknown(courier: CourierStage) -> None:
    campaign = await send_courier_campaign(courier)
    async with courier.database.write() as tx:
        await tx.execute(update(deliveries).values(status="UNKNOWN", sent_at=None))
    courier.clock.forward(minutes=10)
    await courier.tell(*told_of(courier, campaign))
    await work(courier)
    assert await stats_of(courier.database, campaign) == Stats(
        RECIPIENTS, sent=4, failed=1, unknown=1, delivered=4, opened=2, clicked=1, bounced=1, complained=1,
        unsubscribed=1,
    )  # fmt: skip


async def asked_again(courier: CourierStage) -> int:
    scheduled = await poll.schedule_due(courier.stage.runtime.services)
    await courier.stage.work()
    return scheduled


async def make_polls_due(courier: CourierStage) -> None:
    async with courier.database.write() as tx:
        await tx.execute(update(receipt_polls).values(due_at=database_later(-1, tx.dialect)))


async def test_a_provider_is_asked_for_all_it_has_and_not_twice(courier: CourierStage) -> None:
    campaign = await send_courier_campaign(courier)
    courier.provider.events, courier.provider.page = told_of(courier, campaign), 4
    services = courier.stage.runtime.services
    assert [await poll.schedule_due(services) for _ in range(2)] == [1, 0]
    await courier.stage.work()
    assert courier.provider.asked == 3
    # Not before a minute has gone by.
    assert await asked_again(courier) == 0
    await make_polls_due(courier)
    assert await asked_again(courier) == 1
    assert courier.provider.asked == 4
    await work(courier)
    assert await stats_of(courier.database, campaign) == FINAL
    async with courier.database.read() as tx:
        assert await states.load(tx, courier.store_id, "courier") == {"cursor": 9}


async def test_a_provider_that_is_away_is_asked_again_later(courier: CourierStage) -> None:
    campaign = await send_courier_campaign(courier)
    courier.provider.events = told_of(courier, campaign)
    courier.provider.away = True
    assert await asked_again(courier) == 1
    async with courier.database.read() as tx:
        assert (await tx.scalar(select(receipt_polls.c.problem))) is not None
        assert (await tx.execute(select(receipts))).all() == []
        assert await states.load(tx, courier.store_id, "courier") == {}
    courier.provider.away = False
    await make_polls_due(courier)
    assert await asked_again(courier) == 1
    await work(courier)
    assert await stats_of(courier.database, campaign) == FINAL
    async with courier.database.read() as tx:
        assert await tx.scalar(select(receipt_polls.c.problem)) is None


async def test_a_customer_who_has_written_is_within_a_conversation(courier: CourierStage) -> None:
    # The window is the database's clock's.
    async with courier.database.read() as tx:
        now = await tx.scalar(select(database_later(0, tx.dialect)))
    recent, old = now - timedelta(hours=1), now - timedelta(hours=25)
    inbound = [
        {"from": "C1@shop.example", "at": recent.isoformat()},
        {"from": "c1@shop.example", "at": old.isoformat()},
        {"from": "c2@shop.example", "at": old.isoformat()},
    ]
    assert (await courier.tell(inbound=inbound)).status_code == 200
    await send_courier_campaign(courier)
    until = {message["to"]: message["open_until"] for message in courier.provider.taken.values()}
    assert until.pop("c1@shop.example") == (recent + timedelta(hours=24)).isoformat()
    assert set(until.values()) == {""}
    async with courier.database.write() as tx:
        await erasure.erase(tx, SUPPRESSION_KEY, courier.store_id, 1, NOW)
    async with courier.database.read() as tx:
        assert (await tx.execute(select(conversations.c.address))).scalars().all() == ["c2@shop.example"]


async def test_names_of_messages_go_with_their_time(courier: CourierStage) -> None:
    await send_courier_campaign(courier)
    for days, left in ((89, 2 * RECIPIENTS), (91, 0)):
        async with courier.database.write() as tx:
            then = database_later(-days * 86_400, tx.dialect)
            await tx.execute(update(campaigns).values(finished_at=then))
        await retention.delete_old(courier.database)
        async with courier.database.read() as tx:
            assert len((await tx.execute(select(message_references))).all()) == left
