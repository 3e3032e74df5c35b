"""What was interrupted is settled by what is known of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from muster_sdk import Accepted, Message, Rejected, Report
from sqlalchemy import update

from domain.deliveries import batches
from domain.deliveries.model import ClaimedDelivery, DeliveryResult, DeliveryStatus, Stats
from domain.deliveries.settlement import recover, restore, settle
from domain.deliveries.tables import deliveries
from domain.kit.db import Database
from domain.sessions.journal import JournalDirectory
from tests.domain.campaigns.stage import Killed, fix_windows, make_due
from tests.domain.deliveries.stage import Notice, make_notice
from tests.fakes import RecordingChannel


class Dying(RecordingChannel):
    """Sends two messages of each window, begins a third one, and dies."""

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for number, message in enumerate(messages):
            assert report.begin(message)
            if number == 2:
                raise Killed
            self.sent.append(message)
            report.end(message, Rejected("no") if number == 1 else Accepted("id"))


@pytest.fixture
async def notice(database: Database, store_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notice:
    """A notice to ten customers, whose worker was killed in a window of six, with a journal."""
    fix_windows(monkeypatch, 6)
    notice = await make_notice(database, store_id, 10)
    notice.journals = JournalDirectory(tmp_path / "journals")
    notice.channel = Dying()
    with pytest.raises(Killed):
        await notice.deliver()
    counts = list((await notice.statuses()).values())
    assert (counts.count("SENDING"), counts.count("PENDING")) == (6, 4)
    return notice


async def test_a_death_leaves_in_doubt_what_was_under_way_and_not_a_window(notice: Notice) -> None:
    dead, notice.channel = notice.channel, RecordingChannel()
    await make_due(notice.database)
    job_id = (await notice.due())[0].job_id
    await notice.deliver(await notice.claim(job_id))
    statuses = await notice.statuses()
    assert [statuses[n] for n in range(1, 11)] == ["SENT", "FAILED", "UNKNOWN", *["SENT"] * 7]
    assert sorted([*dead.addresses, *notice.channel.addresses]) == sorted(
        f"c{n}@shop.example" for n in range(1, 11) if n != 3
    )
    assert {row.attempts for row in (await notice.rows()).values()} == {1}
    assert not list(notice.journals.abandoned())


async def test_a_neighbour_settles_the_journals_of_dead_processes(notice: Notice) -> None:
    (claim,) = notice.journals.abandoned()
    await recover(notice.services, notice.source, claim)
    statuses = await notice.statuses()
    assert [statuses[n] for n in range(1, 11)] == ["SENT", "FAILED", "UNKNOWN", *["PENDING"] * 7]
    assert not list(notice.journals.abandoned())
    async with notice.database.write() as tx:
        assert await batches.recount(tx, await notice.batch()) == Stats(10, pending=7, sent=1, failed=1, unknown=1)


async def test_what_comes_to_light_after_the_end_is_told(notice: Notice) -> None:
    away, notice.journals = notice.journals, JournalDirectory(None)
    notice.channel = RecordingChannel()
    await make_due(notice.database)
    await notice.deliver(await notice.claim((await notice.due())[0].job_id))
    assert list((await notice.statuses()).values()).count("UNKNOWN") == 6
    notice.journals = away
    (claim,) = notice.journals.abandoned()
    await recover(notice.services, notice.source, claim)
    statuses = await notice.statuses()
    assert [statuses[n] for n in range(1, 7)] == ["SENT", "FAILED", "UNKNOWN", "FAILED", "FAILED", "FAILED"]
    assert (await notice.rows())[4].error.startswith("It was not sent")
    assert notice.source.corrected == [notice.mailing.id]
    assert len(notice.channel.sent) == 4


async def test_a_late_result_counts_for_its_own_claim_alone(database: Database, store_id: int) -> None:
    notice = await make_notice(database, store_id, 2)
    await notice.deliver()
    failed = DeliveryResult(DeliveryStatus.FAILED)
    late = {ClaimedDelivery(1, 1): failed, ClaimedDelivery(2, 9): failed}
    async with database.write() as tx:
        await settle(tx, notice.services, notice.source, notice.mailing, await notice.batch(), late)
    assert set((await notice.statuses()).values()) == {"SENT"}


async def test_a_database_that_went_back_gets_again_what_it_had_lost(
    database: Database, store_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_windows(monkeypatch, 6)
    notice = await make_notice(database, store_id, 10)
    notice.journals = JournalDirectory(tmp_path / "journals")
    await notice.deliver()
    sent = list(notice.channel.sent)
    # As if the standby had only got the first window's intents.
    async with database.write() as tx:
        lost = update(deliveries).values(status="PENDING", fence=0, attempts=0, provider_message_id=None)
        await tx.execute(lost.where(deliveries.c.customer_id > 6))
        await tx.execute(update(deliveries).where(deliveries.c.customer_id <= 3).values(status="SENDING", fence=0))
        await batches.recount(tx, await notice.batch())
    told = list(notice.journals.all())
    assert [await restore(notice.services, notice.source, claim, evidence) for claim, evidence in told] == [7]
    assert [await restore(notice.services, notice.source, claim, evidence) for claim, evidence in told] == [0]
    rows = await notice.rows()
    assert {(row.status, row.attempts, row.fence) for row in rows.values()} >= {("SENT", 1, 1)}
    assert {row.status for row in rows.values()} == {"SENT"}
    await notice.deliver(await notice.claim(await notice.add_job()))
    assert notice.channel.sent == sent
