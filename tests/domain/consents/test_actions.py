"""Unsubscribing by a link holds from the next intent on."""

import asyncio
from datetime import timedelta

import pytest

from domain.campaigns import launch as campaign_launch
from domain.consents.actions import unsubscribe
from domain.consents.links import UnsubscribeToken
from domain.customers import objections
from domain.customers import queries as customers
from domain.customers.model import Consent
from domain.kit import ids
from domain.kit.db import Database
from tests.domain.campaigns.stage import Worker, add_campaign, add_customer, add_list, outcomes
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY, RecordingChannel

LATER = NOW + timedelta(hours=1)


async def test_it_is_kept_with_its_first_moment(database: Database, store_id: int) -> None:
    subject = UnsubscribeToken(store_id, 1, ids.new(), "recording")
    async with database.write() as tx:
        await add_customer(tx, store_id, 1)
        await unsubscribe(tx, subject, SUPPRESSION_KEY, NOW)
        await unsubscribe(tx, subject, SUPPRESSION_KEY, LATER)
        (contact,) = (await customers.contacts_of(tx, store_id, [1]))[1]
    assert (contact.consent, contact.consent_at) == (Consent.UNSUBSCRIBED, NOW)


async def test_another_channel_is_left_alone(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await add_customer(tx, store_id, 1)
        await unsubscribe(tx, UnsubscribeToken(store_id, 1, ids.new(), "sms"), SUPPRESSION_KEY, NOW)
        known = {contact.channel: contact.consent for contact in (await customers.contacts_of(tx, store_id, [1]))[1]}
    assert known == {"recording": Consent.SUBSCRIBED, "sms": Consent.UNSUBSCRIBED}


async def test_no_intent_follows_the_no_of_another_customer_with_the_address(database: Database, store_id: int) -> None:
    """P27, for all who have the address: also those who were frozen before."""
    async with database.write() as tx:
        await add_customer(tx, store_id, 1, email="c2@shop.example", consent=None)
        members = [await add_customer(tx, store_id, number) for number in (2, 3)]
        campaign = await add_campaign(tx, store_id, await add_list(tx, store_id, members))
    worker = Worker(database, RecordingChannel())
    async with database.write() as tx:
        await campaign_launch.start(tx, store_id, campaign.id)
    (launch,) = await worker.due()
    await worker.run(launch.store_id, launch.job_id)
    async with database.write() as tx:
        token = UnsubscribeToken(store_id, 1, campaign.id, "recording", "c2@shop.example")
        await unsubscribe(tx, token, SUPPRESSION_KEY, NOW)
    await worker.work()
    assert worker.channel.addresses == ["c3@shop.example"]
    assert await outcomes(database, store_id) == {2: ("SKIPPED", "UNSUBSCRIBED"), 3: ("SENT", None)}


async def test_an_intent_waits_for_a_no_that_is_being_written(database: Database, store_id: int) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite has one writer")
    async with database.write() as tx:
        await add_customer(tx, store_id, 1)
    async with database.write() as objecting:
        token = UnsubscribeToken(store_id, 1, ids.new(), "recording", "c1@shop.example")
        await unsubscribe(objecting, token, SUPPRESSION_KEY, NOW)

        async def intend() -> None:
            async with database.write() as tx:
                await objections.lock_out(tx, store_id)

        intent = asyncio.create_task(intend())
        assert await asyncio.wait({intent}, timeout=0.2) == (set(), {intent})
    await asyncio.wait_for(intent, 5)


async def test_nobody_is_written_to_who_unsubscribed_while_the_campaign_was_on_its_way(
    database: Database, store_id: int
) -> None:
    async with database.write() as tx:
        members = [await add_customer(tx, store_id, number) for number in (1, 2)]
        campaign = await add_campaign(tx, store_id, await add_list(tx, store_id, members))
    worker = Worker(database, RecordingChannel())
    async with database.write() as tx:
        await campaign_launch.start(tx, store_id, campaign.id)
    (launch,) = await worker.due()
    await worker.run(launch.store_id, launch.job_id)
    async with database.write() as tx:
        await unsubscribe(tx, UnsubscribeToken(store_id, 1, campaign.id, "recording"), SUPPRESSION_KEY, NOW)
    await worker.work()
    assert worker.channel.addresses == ["c2@shop.example"]
    assert {number: status for number, (status, _) in (await outcomes(database, store_id)).items()} == {
        1: "SKIPPED",
        2: "SENT",
    }
