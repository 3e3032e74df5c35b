"""Unsubscribing by a link holds from the next intent on."""

from datetime import timedelta

from domain.campaigns import launch as campaign_launch
from domain.consents.actions import unsubscribe
from domain.consents.links import UnsubscribeToken
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
