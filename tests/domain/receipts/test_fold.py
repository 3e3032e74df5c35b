"""Receipts are folded into deliveries, counts, events and objections: once, whatever the order."""

from datetime import timedelta
from random import Random

import pytest
from muster_sdk import Accepted, Ambiguous, Message, MessageReference, Outcome, Receipt
from muster_sdk import ReceiptKind as Kind
from sqlalchemy import select, update

from domain import jobs
from domain.customers.actions import consent_update
from domain.customers.model import Consent, ContactChange, CustomerChange
from domain.customers.tables import contacts, customers
from domain.customers.upsert import upsert
from domain.deliveries import counts
from domain.deliveries.model import Stats
from domain.deliveries.tables import deliveries, message_references
from domain.kit.db import Database
from domain.privacy import erasure
from domain.receipts import intake
from tests.domain.campaigns.stage import reload
from tests.domain.receipts.stage import HOUR, send_campaign, telling_channel
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY, make_services


async def test_receipts_become_states_counts_and_events(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 5)
    await told.tell(
        told.receipt(1, Kind.DELIVERED),
        told.receipt(2, Kind.CLICKED, 2, url="https://shop.example/sale"),
        told.receipt(2, Kind.OPENED, 1),
        told.receipt(3, Kind.BOUNCED, reason="550 c3@shop.example is unknown"),
        told.receipt(4, Kind.FAILED, reason="30003 Unreachable handset"),
    )
    result = await told.fold()
    assert len(result.folded) == 5
    assert sorted((notice.customer_id, notice.event, notice.reason) for notice in result.notices) == [
        (1, "delivered", None),
        (2, "clicked", None),
        (2, "opened", None),
        (3, "bounced", "550 the address is unknown"),
        (4, "failed", "30003 Unreachable handset"),
    ]
    assert await told.states() == {
        1: ("DELIVERED", None),
        2: ("DELIVERED", None),
        3: ("FAILED", "550 the address is unknown"),
        4: ("FAILED", "30003 Unreachable handset"),
        5: ("SENT", None),
    }
    assert await told.stats() == Stats(5, sent=3, failed=2, delivered=2, opened=1, clicked=1, bounced=1)
    assert [event for event in await told.events() if event[1] != "sent"] == [
        (1, "delivered", {}),
        (2, "clicked", {"link": "https://shop.example/sale"}),
        (2, "opened", {}),
        (3, "bounced", {"permanent": True, "reason": "550 the address is unknown"}),
    ]
    problem = (await reload(database, told.campaign)).problem
    assert problem == "Of 5 messages, 2 failed: its deliveries say why"
    assert await told.waiting() == 0


async def test_a_provider_names_messages_by_its_own_ids(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 2, telling_channel(MessageReference.PROVIDER_ID))
    by_id = told.receipt(1, Kind.DELIVERED, key=None, provider_id="id-c1@shop.example")
    assert (await told.tell(by_id, told.receipt(2, Kind.DELIVERED))).nameless == 1
    await told.fold()
    assert await told.states() == {1: ("DELIVERED", None), 2: ("SENT", None)}


async def test_a_channel_without_receipts_pays_nothing(database: Database, store_id: int) -> None:
    await send_campaign(database, store_id, 2, telling_channel(MessageReference.NONE))
    async with database.read() as tx:
        assert (await tx.execute(select(message_references))).all() == []


@pytest.mark.parametrize("seed", range(6))
async def test_the_same_receipts_in_any_order_and_number_end_in_the_same(
    database: Database, store_id: int, seed: int
) -> None:
    told = await send_campaign(database, store_id, 4)
    receipts = [
        *(told.receipt(1, kind, minute) for minute, kind in enumerate((Kind.ACCEPTED, Kind.DELIVERED, Kind.OPENED))),
        told.receipt(2, Kind.FAILED, 1, reason="busy"),
        told.receipt(2, Kind.DELIVERED, 2),
        told.receipt(3, Kind.DELIVERED, 1),
        told.receipt(3, Kind.BOUNCED, 2, reason="full"),
        told.receipt(4, Kind.COMPLAINED, 3),
    ]
    shuffled = receipts * 5
    Random(seed).shuffle(shuffled)
    while shuffled:
        some, shuffled = shuffled[:7], shuffled[7:]
        await told.tell(*some)
        await told.fold(limit=Random(seed).randrange(1, 9))
    while (await told.fold()).folded:
        pass
    assert await told.states() == {
        1: ("DELIVERED", None), 2: ("DELIVERED", None), 3: ("FAILED", "full"), 4: ("DELIVERED", None)
    }  # fmt: skip
    assert await told.stats() == Stats(4, sent=3, failed=1, delivered=3, opened=1, bounced=1, complained=1)
    kinds = [(customer_id, verb) for customer_id, verb, _ in await told.events() if verb != "sent"]
    assert kinds == [
        (1, "delivered"), (1, "opened"), (2, "delivered"), (3, "bounced"), (3, "delivered"), (4, "complained")
    ]  # fmt: skip
    assert await told.objections() == {("c3@shop.example", "BOUNCED"), ("c4@shop.example", "COMPLAINED")}


async def test_the_same_event_is_one_while_it_waits(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 1)
    for _ in range(5):
        await told.tell(told.receipt(1, Kind.OPENED, id="evt-1"), told.receipt(1, Kind.OPENED, 1, id="evt-1"))
        await told.tell(told.receipt(1, Kind.CLICKED))
    assert await told.waiting() == 2


async def test_evidence_resolves_what_is_unknown(database: Database, store_id: int) -> None:
    def answer(message: Message) -> Outcome:
        return Ambiguous("No answer")

    channel = telling_channel()
    channel.answer = answer
    told = await send_campaign(database, store_id, 4, channel)
    assert await told.stats() == Stats(4, unknown=4)
    await told.tell(
        told.receipt(1, Kind.ACCEPTED), told.receipt(2, Kind.DELIVERED), told.receipt(3, Kind.FAILED, reason="spam")
    )
    await told.fold()
    assert await told.states() == {
        1: ("SENT", None), 2: ("DELIVERED", None), 3: ("FAILED", "spam"), 4: ("UNKNOWN", "No answer")
    }  # fmt: skip
    assert await told.stats() == Stats(4, sent=2, failed=1, unknown=1, delivered=1)
    sent = [customer_id for customer_id, verb, _ in await told.events() if verb == "sent"]
    assert sent == [1, 2]
    async with database.read() as tx:
        rows = (await tx.execute(select(deliveries.c.sent_at).order_by(deliveries.c.customer_id))).all()
        assert [row.sent_at for row in rows] == [NOW, NOW, None, None]
        assert (await tx.execute(counts.miscounted(store_id))).all() == []


async def test_a_message_in_doubt_that_has_arrived_is_not_sent_again(database: Database, store_id: int) -> None:
    channel = telling_channel(idempotency=timedelta(hours=24))
    channel.answer = lambda message: Ambiguous("No answer")
    told = await send_campaign(database, store_id, 1, channel)
    assert (await told.states())[1] == ("PENDING", "No answer")
    # Refused for good it might be by another attempt alone.
    await told.tell(told.receipt(1, Kind.DELIVERED))
    await told.fold()
    channel.answer = lambda message: Accepted("id")
    async with database.write() as tx:
        await tx.execute(update(deliveries).values(not_before=None))
    await told.worker.work()
    assert (await told.states())[1] == ("DELIVERED", None)
    assert len(channel.sent) == 1


async def test_what_comes_before_its_outcome_waits_for_it(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 2)
    async with database.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 1).values(status="SENDING"))
    early = told.receipt(1, Kind.DELIVERED)
    strange = Receipt(Kind.DELIVERED, NOW, provider_id="of another system")
    await told.tell(early, strange)
    result = await told.fold()
    assert (len(result.folded), len(result.waiting)) == (0, 2)
    # Neither is looked at again at once.
    assert (await told.fold()).looked_at == 0
    async with database.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 1).values(status="SENT"))
    await told.make_due(HOUR)
    assert len((await told.fold()).folded) == 1
    assert (await told.states())[1] == ("DELIVERED", None)
    await told.make_due(73 * HOUR)
    assert len((await told.fold()).dropped) == 1
    assert await told.waiting() == 0


async def test_who_wants_no_more_gets_no_more(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 3)
    await told.tell(told.receipt(1, Kind.UNSUBSCRIBED), told.receipt(2, Kind.COMPLAINED), told.receipt(3, Kind.BOUNCED))
    await told.fold(now=NOW + HOUR)
    assert await told.objections() == {
        ("c1@shop.example", "UNSUBSCRIBED"),
        ("c2@shop.example", "COMPLAINED"),
        ("c3@shop.example", "BOUNCED"),
    }
    async with database.read() as tx:
        rows = await tx.execute(select(contacts.c.customer_id, contacts.c.consent, contacts.c.invalid))
        assert {tuple(row) for row in rows} == {
            (1, "UNSUBSCRIBED", False),
            (2, "SUBSCRIBED", False),
            (3, "SUBSCRIBED", True),
        }


async def test_a_consent_since_then_stays(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 2)
    for consent in (Consent.UNSUBSCRIBED, Consent.SUBSCRIBED):
        async with database.write() as tx:
            change = ContactChange("recording", consent=consent)
            for customer_id in (1, 2):
                await consent_update(tx, store_id, customer_id, change, NOW + HOUR)
    await told.tell(told.receipt(1, Kind.UNSUBSCRIBED), told.receipt(2, Kind.COMPLAINED))
    await told.fold(now=NOW + 2 * HOUR)
    async with database.read() as tx:
        assert set((await tx.execute(select(contacts.c.consent))).scalars()) == {"SUBSCRIBED"}
    assert {address for address, reason in await told.objections() if reason == "COMPLAINED"} == set()
    assert (await told.stats()).unsubscribed == 1


async def test_an_address_that_was_corrected_is_not_taken_for_the_one_that_failed(
    database: Database, store_id: int
) -> None:
    told = await send_campaign(database, store_id, 1)
    async with database.write() as tx:
        await tx.execute(update(customers).values(external_id="c1"))
        await upsert(tx, store_id, CustomerChange(external_id="c1", email="new@shop.example"), NOW)
    await told.tell(told.receipt(1, Kind.BOUNCED))
    await told.fold()
    assert await told.objections() == {("c1@shop.example", "BOUNCED")}
    async with database.read() as tx:
        assert (await tx.execute(select(contacts.c.invalid))).scalars().all() == [False]


async def test_of_who_was_erased_only_the_state_is_kept(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 2)
    services = make_services(database)
    await told.tell(told.receipt(1, Kind.BOUNCED, reason="550 Ann is gone"))
    async with database.write() as tx:
        await erasure.erase(tx, SUPPRESSION_KEY, store_id, 1, NOW)
    # Between the erasure and its job there is a name by which the message is found.
    await told.fold()
    assert "c1@shop.example" not in {address for address, _ in await told.objections()}
    assert {verb for customer_id, verb, _ in await told.events() if customer_id == 1} == {"sent"}
    notices = await told.worker.due()
    for notice in notices:
        async with database.write() as tx:
            job = await jobs.claim(tx, store_id, notice.job_id, "worker")
        assert job is not None
        await erasure.run(services, job)
    async with database.read() as tx:
        named = (await tx.execute(select(message_references.c.customer_id))).scalars().all()
        assert set(named) == {2}
    assert (await told.states())[1] == ("FAILED", None)


async def test_who_follows_a_link_is_counted_with_its_message(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 2, telling_channel(MessageReference.NONE))
    async with database.write() as tx:
        await intake.take_unsubscription(tx, store_id, "recording", told.campaign.id, 1, NOW)
    assert len((await told.fold()).folded) == 1
    stats = await told.stats()
    assert (stats.sent, stats.delivered, stats.unsubscribed) == (2, 1, 1)


async def test_late_evidence_corrects_the_campaign_and_ends_nothing_twice(database: Database, store_id: int) -> None:
    told = await send_campaign(database, store_id, 2)
    before = await reload(database, told.campaign)
    await told.tell(told.receipt(1, Kind.FAILED, 10 * 24 * 60, reason="late"))
    await told.fold()
    after = await reload(database, told.campaign)
    assert (after.status, after.finished_at) == (before.status, before.finished_at)
    assert (before.problem, after.problem) == (None, "Of 2 messages, 1 failed: its deliveries say why")
