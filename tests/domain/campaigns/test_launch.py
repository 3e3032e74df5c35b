"""Launch: who is reached, frozen, and left out by the time of sending."""

from sqlalchemy import update

from domain.campaigns import launch, queries
from domain.campaigns.audience import audience_of
from domain.campaigns.model import CampaignStatus
from domain.customers import objections
from domain.customers.tables import contacts, customers
from domain.deliveries import queries as deliveries
from domain.deliveries.model import AcceptMarketing, ExclusionReason, Stats
from domain.kit.db import Database
from plugins.inspection import describe_channel
from tests.domain.campaigns.stage import (
    Worker,
    add_campaign,
    add_customer,
    add_list,
    make_campaign,
    make_due,
    outcomes,
    reload,
    stats_of,
)
from tests.factories import NOW
from tests.fakes import RecordingChannel


async def test_reach_says_before_whom_it_gets_to_and_why_not(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        cases: dict[int, dict[str, object]] = {
            1: {},
            2: {"deleted_at": NOW},
            3: {"blacklisted": True},
            4: {"email": None},
            5: {"invalid": True},
            6: {"consent": "UNSUBSCRIBED"},
            7: {"consent": "NOT_SUBSCRIBED"},
            8: {"consent": None},
            9: {"email": "c1@shop.example"},
            10: {},
            11: {"email": "c6@shop.example"},
        }
        members = [await add_customer(tx, store_id, number, **values) for number, values in cases.items()]
        excluded = await add_list(tx, store_id, [10])
        campaign = await add_campaign(tx, store_id, await add_list(tx, store_id, members), exclude=(excluded,))
        # What the sixth said, their address has said.
        await objections.add_of_records(tx, store_id, [6], NOW)
    channel = RecordingChannel()
    async with database.read() as tx:
        reach = await deliveries.reach(tx, audience_of(campaign, describe_channel(channel)))
    assert (reach.audience, reach.recipients, reach.deleted) == (10, 1, 1)
    assert reach.excluded == {
        ExclusionReason.BLACKLISTED: 1,
        ExclusionReason.EXCLUDED: 1,
        ExclusionReason.NO_ADDRESS: 1,
        ExclusionReason.INVALID_ADDRESS: 1,
        ExclusionReason.UNSUBSCRIBED: 2,
        ExclusionReason.NOT_SUBSCRIBED: 2,
        ExclusionReason.DUPLICATE_ADDRESS: 1,
    }
    await Worker(database, channel).launch(store_id, campaign.id)
    # 11 shares its address with 6, who said no: it is the address that is not written to.
    assert channel.addresses == ["c1@shop.example"]


async def test_everyone_but_the_unsubscribed_when_the_campaign_says_so(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        consents = ["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", None]
        members = [await add_customer(tx, store_id, n, consent=c) for n, c in enumerate(consents, 1)]
        campaign = await add_campaign(
            tx,
            store_id,
            await add_list(tx, store_id, members),
            accept_marketing=AcceptMarketing.ALL_BUT_UNSUBSCRIBED,
        )
    channel = RecordingChannel()
    await Worker(database, channel).launch(store_id, campaign.id)
    assert channel.addresses == ["c1@shop.example", "c2@shop.example", "c4@shop.example"]


async def test_an_opt_out_between_launch_and_sending_wins(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id, 150)

    async def opt_out() -> None:
        async with database.write() as tx:
            await tx.execute(update(contacts).where(contacts.c.customer_id == 120).values(consent="UNSUBSCRIBED"))
            await tx.execute(update(customers).where(customers.c.id == 130).values(blacklisted=True))

    channel = RecordingChannel()
    worker = Worker(database, channel)
    channel.before = lambda messages: None
    async with database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
    for notice in await worker.due():
        await worker.run(notice.store_id, notice.job_id)
    await opt_out()
    await worker.work()
    assert "c120@shop.example" not in channel.addresses
    result = await outcomes(database, store_id)
    assert result[120] == ("SKIPPED", "UNSUBSCRIBED")
    assert result[130] == ("SKIPPED", "BLACKLISTED")
    assert await stats_of(database, campaign) == Stats(recipients=150, sent=148, skipped=2)
    assert (await reload(database, campaign)).status is CampaignStatus.SENT


async def test_a_launch_that_is_notified_of_twice_freezes_once(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id)
    channel = RecordingChannel()
    worker = Worker(database, channel)
    await worker.launch(store_id, campaign.id)
    await worker.launch(store_id, campaign.id)
    assert len(channel.sent) == 3


async def test_nobody_left_at_launch_fails_the_campaign_and_says_so(database: Database, store_id: int) -> None:
    campaign = await make_campaign(database, store_id)
    async with database.write() as tx:
        await tx.execute(update(contacts).values(consent="UNSUBSCRIBED"))
    await Worker(database, RecordingChannel()).launch(store_id, campaign.id)
    failed = await reload(database, campaign)
    assert (failed.status, failed.problem) == (
        CampaignStatus.FAILED,
        "Nobody on its list can be reached any more",
    )


async def test_a_campaign_that_is_paused_before_its_launch_is_launched_when_it_goes_on(
    database: Database, store_id: int
) -> None:
    campaign = await make_campaign(database, store_id)
    worker = Worker(database, RecordingChannel())
    async with database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
        await queries.pause_all(tx, "The database went back")
    await worker.work()
    assert worker.channel.sent == []
    async with database.write() as tx:
        assert await queries.resume_all(tx) == {store_id: 1}
    await make_due(database)
    await worker.work()
    assert len(worker.channel.sent) == 3
    assert (await reload(database, campaign)).status is CampaignStatus.SENT
