"""Batches: outcomes are recorded under their claim's fence, and what is left is resolved and counted."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import update

from domain.customers.tables import customers
from domain.deliveries import batches
from domain.deliveries.intents import commit_intents
from domain.deliveries.model import BatchKey, ClaimedDelivery, DeliveryResult, DeliveryStatus, Stats
from domain.deliveries.retry import NOT_BEGUN
from domain.deliveries.settlement import resolve_interrupted
from domain.deliveries.tables import deliveries
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import database_later
from domain.sessions.journal import JournalDirectory
from tests.domain.deliveries.stage import Notice, make_notice

NOWHERE = JournalDirectory(None)
FAILED = DeliveryResult(DeliveryStatus.FAILED, error="no")
SENT = DeliveryResult(DeliveryStatus.SENT, provider_message_id="x")


def of_claim(fence: int, results: Mapping[int, DeliveryResult]) -> dict[ClaimedDelivery, DeliveryResult]:
    return {ClaimedDelivery(customer_id, fence): result for customer_id, result in results.items()}


async def begin(tx: Transaction, notice: Notice, fence: int) -> None:
    """Commit to sending every delivery that is pending."""
    batch, channel = await notice.batch(), notice.channel
    await commit_intents(tx, batch, fence, notice.mailing, channel.address, 100)


async def test_outcomes_are_recorded_as_they_were(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 4)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
    results = {
        1: SENT,
        2: DeliveryResult(DeliveryStatus.FAILED, error="no 'mailbox'"),
        3: DeliveryResult(DeliveryStatus.PENDING, error="busy", retry_in=timedelta(minutes=2)),
    }
    async with database.write() as tx:
        await batches.record_outcomes(tx, batch, of_claim(1, results))
        assert await batches.recount(tx, batch) == Stats(recipients=4, pending=2, sent=1, failed=1)
        assert 60 < await batches.next_due_in(tx, batch) <= 120
    rows = await notice.rows()
    assert {number: (row.status, row.error) for number, row in rows.items()} == {
        1: ("SENT", None),
        2: ("FAILED", "no 'mailbox'"),
        3: ("PENDING", "busy"),
        4: ("SENDING", None),
    }
    assert [rows[number].sent_at is not None for number in (1, 2, 3, 4)] == [True, False, False, False]
    assert rows[1].provider_message_id == "x"


async def test_outcomes_of_an_older_claim_are_taken_until_a_later_one_begins_again(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 2)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, batch, 2, idempotent=False)
    assert await notice.statuses() == {1: "UNKNOWN", 2: "UNKNOWN"}
    async with database.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 2).values(status="SENDING", fence=2))
        await batches.record_outcomes(tx, batch, of_claim(1, {1: SENT, 2: SENT}))
    assert await notice.statuses() == {1: "SENT", 2: "SENDING"}


async def test_what_was_accepted_is_sent_though_it_was_to_be_tried_again_by_its_key(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 2)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, batch, 2, idempotent=True)
        await batches.record_outcomes(tx, batch, of_claim(1, {1: SENT}))
    assert await notice.statuses() == {1: "SENT", 2: "PENDING"}


async def test_the_doubt_of_an_attempt_goes_when_it_turns_out_that_it_never_began(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 2)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, batch, 2, idempotent=True)
        await tx.execute(update(customers).where(customers.c.id == 1).values(blacklisted=True))
        await begin(tx, notice, 2)
        assert (await batches.recount(tx, batch)).unknown == 1
        await batches.record_outcomes(tx, batch, of_claim(1, {1: FAILED}))
        # It has an attempt behind it that may have brought it out.
        await batches.record_outcomes(tx, batch, of_claim(2, {2: FAILED}))
    assert await notice.statuses() == {1: "FAILED", 2: "UNKNOWN"}


async def test_an_attempt_is_taken_back_once(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 1)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, batch, 2, idempotent=True)
        await begin(tx, notice, 2)
        for _ in range(2):
            await batches.record_outcomes(tx, batch, of_claim(2, {1: NOT_BEGUN}))
        await batches.abandon(tx, batch, "given up")
        # Its first attempt may have brought it out, whatever becomes of the second.
        await batches.record_outcomes(tx, batch, of_claim(2, {1: FAILED}))
    row = (await notice.rows())[1]
    assert (row.status, row.attempts) == ("UNKNOWN", 1)


async def test_what_a_dead_claim_was_sending_is_pending_again_where_messages_have_keys(
    database: Database, store_id: int
) -> None:
    notice = await make_notice(database, store_id, 2)
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, await notice.batch(), 1, idempotent=True)
    assert set((await notice.statuses()).values()) == {"SENDING"}, "a claim does not resolve its own"
    async with database.write() as tx:
        await resolve_interrupted(tx, NOWHERE, notice.mailing, await notice.batch(), 2, idempotent=True)
    assert set((await notice.statuses()).values()) == {"PENDING"}


@pytest.mark.parametrize("status", [DeliveryStatus.FAILED, DeliveryStatus.SKIPPED])
async def test_what_an_earlier_attempt_may_have_brought_out_does_not_end_as_failed(
    database: Database, store_id: int, status: DeliveryStatus
) -> None:
    notice = await make_notice(database, store_id, 3)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, batch, 2, idempotent=True)
        await commit_intents(tx, batch, 2, notice.mailing, notice.channel.address, 2)
        refused = DeliveryResult(status, error="no mailbox")
        await batches.record_outcomes(tx, batch, of_claim(2, {1: refused, 2: SENT}))
        await batches.abandon(tx, batch, "Given up")
    assert await notice.statuses() == {1: "UNKNOWN", 2: "SENT", 3: "UNKNOWN"}


async def test_what_is_left_out_though_it_may_have_gone_out_is_unknown(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 2)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, batch, 2, idempotent=True)
        await tx.execute(update(customers).where(customers.c.id == 1).values(blacklisted=True))
        await begin(tx, notice, 2)
    assert await notice.statuses() == {1: "UNKNOWN", 2: "SENDING"}


async def test_a_key_that_the_provider_forgets_is_not_trusted(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 2)
    batch = await notice.batch()
    async with database.write() as tx:
        await begin(tx, notice, 1)
        await resolve_interrupted(tx, NOWHERE, notice.mailing, batch, 2, idempotent=True)
        long_ago = database_later(-100, tx.dialect)
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 1).values(in_doubt_since=long_ago))
        await batches.expire_keys(tx, batch, 99)
    assert await notice.statuses() == {1: "UNKNOWN", 2: "PENDING"}


async def test_an_abandoned_batch_fails_what_is_pending(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 2)
    batch = await notice.batch()
    async with database.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.customer_id == 1).values(status="SENT"))
        await batches.abandon(tx, batch, "Given up")
        assert await batches.recount(tx, batch) == Stats(recipients=2, sent=1, failed=1)
        assert await batches.next_due_in(tx, batch) == 0
    assert (await notice.rows())[2].error == "Given up"


async def test_a_batch_that_is_gone(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 1)
    async with database.read() as tx:
        assert await batches.by_key(tx, store_id, BatchKey(notice.mailing.id, 1)) is None
        assert await batches.by_key(tx, store_id + 1, notice.key) is None
