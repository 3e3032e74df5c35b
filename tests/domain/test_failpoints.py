"""A worker that dies before or behind any of its commits has lost nothing, and left nothing to be done twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from muster_sdk import Accepted, Message, Report
from sqlalchemy import Table, func, select

from domain import jobs
from domain.campaigns import launch
from domain.campaigns import queries as campaigns
from domain.campaigns.mailing import recover_journals
from domain.campaigns.model import CampaignStatus
from domain.customers.model import CustomerChange
from domain.customers.tables import contacts, customers
from domain.customers.upsert import upsert_many
from domain.deliveries.model import Stats
from domain.imports import actions as import_actions
from domain.imports.model import ImportKind
from domain.imports.tables import STAGED, imports, uploads
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.lists import actions, build
from domain.lists import queries as lists
from domain.lists.model import ListStatus
from domain.lists.tables import list_members
from domain.memberships.model import StepLimits
from domain.operations import queries as operations
from domain.orders import facts
from domain.orders.tables import order_items, orders
from domain.segments.filters import AttributeCondition, Not, Operator
from domain.sessions.journal import JournalDirectory
from tests.domain.campaigns.stage import Worker, fix_windows, make_campaign, make_due, outcomes, reload, stats_of
from tests.domain.failpoints import MortalDatabase, MortalJournals, die_at
from tests.domain.imports import files
from tests.domain.memberships.tracked_store import TrackedStore, make_tracked_store, moves_between
from tests.factories import NOW, add_store
from tests.fakes import RecordingChannel, make_services

pytestmark = [pytest.mark.slow]
VIP = AttributeCondition("tag", Operator.EQ, ("VIP",))


@dataclass
class MortalChannel(RecordingChannel):
    """Sends one message after another; its process may die before each and behind it."""

    failpoint: Callable[[], None] = lambda: None
    in_flight: Message | None = None

    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            if not report.begin(message):
                return
            self.in_flight = message
            self.failpoint()
            self.sent.append(message)
            self.failpoint()
            self.in_flight = None
            report.end(message, Accepted(None))


async def make_store(database: Database) -> int:
    async with database.write() as tx:
        return await add_store(tx)


async def rows_of(database: Database, table: Table, store_id: int) -> int:
    async with database.read() as tx:
        of_store = table.c.store_id == store_id
        number: int = await tx.scalar(select(func.count()).select_from(table).where(of_store))
        return number


async def test_a_campaign_is_sent_once(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fix_windows(monkeypatch, 3)
    folder = tmp_path / "journals"
    for failpoint in count(1):
        store_id = await make_store(database)
        campaign = await make_campaign(database, store_id, 7)
        async with database.write() as tx:
            await launch.start(tx, store_id, campaign.id)
        channel = MortalChannel()

        async def work(mortal: MortalDatabase, channel: MortalChannel = channel) -> None:
            channel.failpoint = mortal.pass_failpoint
            await Worker(mortal, channel, journals=MortalJournals(folder, mortal)).work()

        mortal = await die_at(database.url, failpoint, work)
        in_doubt = channel.in_flight
        await make_due(database)
        survivor = Worker(database, healthy := RecordingChannel(), journals=JournalDirectory(folder))
        await survivor.work()
        await recover_journals(survivor.services)
        # Unknown is nothing but the message that was in flight, and nothing is sent twice.
        statuses = {number: status for number, (status, _) in (await outcomes(database, store_id)).items()}
        unknown = [f"c{number}@shop.example" for number, status in statuses.items() if status == "UNKNOWN"]
        assert unknown == ([] if in_doubt is None else [in_doubt.address])
        arrived = Counter(channel.addresses + healthy.addresses)
        assert set(arrived.values()) == {1}
        assert set(arrived) | set(unknown) == {f"c{number}@shop.example" for number in range(1, 8)}
        counted = Stats(recipients=7, sent=7 - len(unknown), unknown=len(unknown))
        assert await stats_of(database, campaign) == counted
        assert (await reload(database, campaign)).status is CampaignStatus.SENT
        assert await rows_of(database, job_rows, store_id) == 0
        assert list(folder.glob("*.journal")) == []
        if not mortal.dead:
            # Two for each message and each commit.
            assert failpoint > 2 * (7 + 8)
            return


async def test_a_list_is_built_and_deleted_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "ERASED_AT_ONCE", 2)
    kinds = {kind.name: kind.run for kind in (build.BUILD, build.erase_job(campaigns.wanted_lists))}

    async def work(mortal: Database) -> None:
        while True:
            async with mortal.read() as tx:
                notices = await jobs.due(tx, 10)
            for notice in notices:
                async with mortal.write() as tx:
                    job = await jobs.claim(tx, notice.store_id, notice.job_id, "worker")
                if job is not None:
                    await kinds[job.kind](make_services(mortal), job)
            if not notices:
                return

    async def survive(failpoint: int) -> bool:
        mortal = await die_at(database.url, failpoint, work)
        await make_due(database)
        await work(database)
        return mortal.dead

    deaths = 0
    for failpoint in count(1):
        store_id = await make_store(database)
        store = await make_tracked_store(database, store_id, NOW, 6)
        for person in range(5):
            await store.tag(person, "VIP", on=True)
        segment_id = await store.add(1, VIP)
        async with database.write() as tx:
            making = await build.request_list(tx, await store.segment(tx, segment_id), NOW)
        died_building = await survive(failpoint)
        async with database.read() as tx:
            listed = await lists.by_id(tx, store_id, making.listed.id)
            operation = await operations.by_id(tx, store_id, making.operation.id)
        assert listed is not None
        assert operation is not None
        assert (listed.status, listed.count, operation.status) == (ListStatus.READY, 5, "DONE")
        assert await rows_of(database, list_members, store_id) == 5
        async with database.write() as tx:
            await actions.delete_segment(tx, store_id, segment_id)
        died_deleting = await survive(failpoint)
        assert await rows_of(database, list_members, store_id) == 0
        assert await rows_of(database, job_rows, store_id) == 0
        deaths += died_building + died_deleting
        if not died_building and not died_deleting:
            assert deaths > 2 * (3 + 5)
            return


CUSTOMERS = "external_id,name,consent.email\n" + "".join(
    f"c{row % 40},Customer {row},SUBSCRIBED\n" for row in range(80)
)
ORDERS = "order_id,customer_external_id,placed_at,product,quantity,price\n" + "".join(
    f"o{row % 60},c{row % 4},2026-01-02T00:00:00Z,p{row},2,1.50\n" for row in range(120)
)


@pytest.mark.parametrize("kind", [ImportKind.CUSTOMERS, ImportKind.ORDERS])
async def test_a_file_is_imported_once(database: Database, kind: ImportKind, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (CUSTOMERS if kind is ImportKind.CUSTOMERS else ORDERS).encode()
    monkeypatch.setattr(import_actions, "PIECE_BYTES", len(content) // 3 + 1)
    for failpoint in count(1):
        store_id = await make_store(database)
        if kind is ImportKind.ORDERS:
            async with database.write() as tx:
                await upsert_many(tx, store_id, [CustomerChange(external_id=f"c{key}") for key in range(4)], NOW)
        operation, job_id = await files.send(database, store_id, kind, content)

        async def work(mortal: Database, store_id: int = store_id, job_id: UUID = job_id) -> None:
            await files.do(mortal, await files.claim(mortal, store_id, job_id))

        mortal = await die_at(database.url, failpoint, work)
        await make_due(database)
        if await rows_of(database, job_rows, store_id):
            await work(database)
        done = await files.outcome(database, operation)
        assert (done.status, done.done) == ("DONE", content.count(b"\n") - 1)
        assert await files.problems_of(database, operation) == []
        if kind is ImportKind.CUSTOMERS:
            assert await rows_of(database, customers, store_id) == 40
            assert await rows_of(database, contacts, store_id) == 40
        else:
            assert await rows_of(database, orders, store_id) == 60
            assert await rows_of(database, order_items, store_id) == 120
        async with database.read() as tx:
            assert await facts.mismatches(tx, store_id) == []
        for table in (imports, uploads, job_rows, *STAGED):
            assert await rows_of(database, table, store_id) == 0
        if not mortal.dead:
            assert failpoint > 2 * 6
            return


async def test_members_come_and_go_once(database: Database) -> None:
    limits = StepLimits(customers=3, marks=3, members=3)
    for failpoint in count(1):
        store = await make_tracked_store(database, await make_store(database), NOW, 6)
        await store.tag(0, "VIP", on=True)
        await store.add(1, VIP)
        await store.add(2, Not(VIP))
        await store.track_memberships()
        before = await store.members()
        for person in range(4):
            await store.tag(person, "VIP", on=person > 0)
        await store.delete(5)
        store.now += timedelta(hours=1)

        async def work(mortal: MortalDatabase, store: TrackedStore = store) -> None:
            store.database = mortal
            await store.track_memberships(limits)

        mortal = await die_at(database.url, failpoint, work)
        store.database = database
        await make_due(database)
        await store.track_memberships(limits)
        after = await store.members()
        assert after == await store.matching()
        recorded = Counter(await store.recorded_moves())
        assert recorded == Counter(moves_between(before, after))
        assert await rows_of(database, job_rows, store.store.id) == 0
        if not mortal.dead:
            assert failpoint > 2 * 4
            return
