"""A job is done by one worker at a time, however workers die, and given up when it kills them."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain import jobs
from domain.jobs import Job, LeaseLost, Queue, QueueCounts
from domain.jobs.model import MAX_DEATHS, JobStatus
from domain.jobs.tables import jobs as job_rows
from domain.kit import ids
from domain.kit.db import AnyRow, Database, JobNotice, Transaction
from domain.kit.db.portable import database_later
from tests.factories import add_store

# A lease that has run out by the time that anybody looks.
EXPIRED = -1.0


@pytest.fixture
async def job_id(database: Database, store_id: int) -> UUID:
    async with database.write() as tx:
        return await jobs.add(tx, store_id, "sweep", {"floor": 1})


async def claimed(tx: Transaction, store_id: int, job_id: UUID, owner: str = "w1", lease: float = 60) -> Job:
    job = await jobs.claim(tx, store_id, job_id, owner, lease)
    assert job is not None
    return job


async def stored(tx: Transaction, job_id: UUID) -> AnyRow:
    return (await tx.execute(select(job_rows).where(job_rows.c.id == job_id))).one()


async def test_workers_are_notified_of_jobs_that_are_due_at_once(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        now = await jobs.add_all(tx, store_id, "sweep", [{"floor": 1}, {"floor": 2}], queue=Queue.LISTS)
        await jobs.add(tx, store_id, "sweep", {}, delay=60)
        assert await jobs.add_all(tx, store_id, "sweep", []) == []
        assert tx.notices == [JobNotice("lists", store_id, job_id) for job_id in now]


async def test_jobs_that_are_added_together_are_due_in_their_order(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        added = await jobs.add_all(tx, store_id, "sweep", [{"floor": floor} for floor in range(20)])
        due = [notice.job_id for notice in await jobs.due(tx, 20)]
        payloads = [(await claimed(tx, store_id, job_id)).payload for job_id in due]
    assert due == added
    assert payloads == [{"floor": floor} for floor in range(20)]


async def test_a_job_is_claimed_by_one_worker(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        job = await jobs.claim(tx, store_id, job_id, "w1")
        assert job == Job(store_id, job_id, Queue.DEFAULT, "sweep", {"floor": 1}, "w1", 1)
        assert await jobs.claim(tx, store_id, job_id, "w2") is None
        assert await jobs.lease_owners(tx) == ["w1"]


async def test_a_job_of_another_store_or_of_later_is_not_claimed(
    database: Database, store_id: int, job_id: UUID
) -> None:
    async with database.write() as tx:
        later = await jobs.add(tx, store_id, "sweep", {}, delay=60)
        assert await jobs.claim(tx, store_id + 1, job_id, "w1") is None
        assert await jobs.claim(tx, store_id, later, "w1") is None


async def test_a_job_whose_lease_ran_out_is_claimed_anew(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        await claimed(tx, store_id, job_id, "w1", EXPIRED)
        job = await claimed(tx, store_id, job_id, "w2")
        assert (job.owner, job.fence) == ("w2", 2)
        assert (await stored(tx, job_id)).deaths == 1


async def test_a_lease_that_is_renewed_holds(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        job = await claimed(tx, store_id, job_id, lease=EXPIRED)
        await jobs.renew(tx, job)
        assert await jobs.claim(tx, store_id, job_id, "w2") is None


async def test_deaths_are_forgiven_to_a_job_that_progresses(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        await claimed(tx, store_id, job_id, lease=EXPIRED)
        job = await claimed(tx, store_id, job_id)
        await jobs.renew(tx, job)
        assert (await stored(tx, job_id)).deaths == 1
        await jobs.renew(tx, job, progressed=True)
        assert (await stored(tx, job_id)).deaths == 0


async def test_a_job_that_is_finished_is_gone(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        await jobs.finish(tx, await claimed(tx, store_id, job_id))
        assert (await tx.execute(select(job_rows))).all() == []


async def test_a_job_that_is_released_is_due_again(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        await jobs.release(tx, await claimed(tx, store_id, job_id), delay=0)
        assert tx.notices == [JobNotice("default", store_id, job_id)]
        job = await claimed(tx, store_id, job_id)
        assert (await stored(tx, job_id)).deaths == 0
        await jobs.release(tx, job, delay=60, error="the provider is away")
        assert len(tx.notices) == 1
        assert await jobs.claim(tx, store_id, job_id, "w2") is None
        row = await stored(tx, job_id)
        assert (row.status, row.owner, row.lease_until, row.error) == ("queued", None, None, "the provider is away")


async def test_a_job_that_fails_is_tried_again_after_its_delay(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        await jobs.fail(tx, await claimed(tx, store_id, job_id), delay=60, error="KeyError")
        assert await jobs.claim(tx, store_id, job_id, "w2") is None
        await tx.execute(update(job_rows).values(lease_until=database_later(EXPIRED, tx.dialect)))
        job = await claimed(tx, store_id, job_id, "w2")
        row = await stored(tx, job_id)
        assert (job.fence, row.deaths, row.error) == (2, 1, "KeyError")


async def test_nothing_is_done_by_a_worker_whose_job_another_has(
    database: Database, store_id: int, job_id: UUID
) -> None:
    async with database.write() as tx:
        lost = await claimed(tx, store_id, job_id, lease=EXPIRED)
        await claimed(tx, store_id, job_id, "w2")
        before = await stored(tx, job_id)
        for attempt in (
            jobs.renew(tx, lost),
            jobs.finish(tx, lost),
            jobs.release(tx, lost, delay=0),
            jobs.fail(tx, lost, delay=0, error="KeyError"),
        ):
            with pytest.raises(LeaseLost):
                await attempt
        assert await stored(tx, job_id) == before
        assert tx.notices == []


async def test_a_job_that_kills_its_workers_is_given_up(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        for _ in range(MAX_DEATHS):
            await claimed(tx, store_id, job_id, lease=EXPIRED)
            assert await jobs.killers(tx) == []
        last = await claimed(tx, store_id, job_id)
        assert await jobs.killers(tx) == []
        assert await jobs.quarantine(tx, store_id, job_id) is None
        await jobs.expire_leases(tx, ["w1"])
        assert await jobs.killers(tx) == [JobNotice("default", store_id, job_id)]
        assert await jobs.quarantine(tx, store_id, job_id) == replace(last, fence=last.fence + 1)
        # Its last worker was only slow: what it still does is not to be stored.
        for ending in (jobs.renew(tx, last), jobs.finish(tx, last), jobs.release(tx, last, delay=0)):
            with pytest.raises(LeaseLost):
                await ending
        assert await jobs.quarantine(tx, store_id, job_id) is None
        row = await stored(tx, job_id)
        assert (row.status, row.error) == (JobStatus.FAILED, f"its worker died {MAX_DEATHS + 1} times")
        assert await jobs.due(tx, 10) == []
        assert await jobs.claim(tx, store_id, job_id, "w2") is None


async def test_leases_are_extended_together_and_lost_ones_are_told(
    database: Database, store_id: int, job_id: UUID
) -> None:
    async with database.write() as tx:
        kept = await claimed(tx, store_id, await jobs.add(tx, store_id, "sweep", {}), lease=EXPIRED)
        lost = await claimed(tx, store_id, job_id, lease=EXPIRED)
        await claimed(tx, store_id, job_id, "w2")
        finished = await claimed(tx, store_id, await jobs.add(tx, store_id, "sweep", {}))
        await jobs.finish(tx, finished)
        assert await jobs.extend(tx, [lost, kept, finished]) == [kept]
        assert await jobs.due(tx, 10) == []


async def test_leases_end_of_workers_that_are_dead(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        living = await jobs.add(tx, store_id, "sweep", {})
        await claimed(tx, store_id, job_id, "dead")
        await claimed(tx, store_id, living, "living")
        assert sorted(await jobs.lease_owners(tx)) == ["dead", "living"]
        await jobs.expire_leases(tx, ["dead", "unknown"])
        assert await jobs.due(tx, 10) == [JobNotice("default", store_id, job_id)]


async def test_a_store_has_one_job_of_a_kind(database: Database, store_id: int) -> None:
    notice = JobNotice("segments", store_id, ids.singleton(store_id, "track"))
    async with database.write() as tx:
        other_store = await add_store(tx)
        for _ in range(2):
            await jobs.add_once(tx, store_id, "track", queue=Queue.SEGMENTS)
        assert tx.notices == [notice]
        await claimed(tx, store_id, notice.job_id)
        await jobs.add_once(tx, store_id, "track", queue=Queue.SEGMENTS)
        assert tx.notices == [notice]
        await jobs.add_once(tx, other_store, "track", queue=Queue.SEGMENTS)
        assert len(tx.notices) == 2


async def test_a_stores_one_job_that_was_given_up_is_tried_again_after_a_while(
    database: Database, store_id: int
) -> None:
    job_id = ids.singleton(store_id, "track")
    async with database.write() as tx:
        await jobs.add_once(tx, store_id, "track")
        await tx.execute(
            update(job_rows).values(
                status=JobStatus.FAILED, deaths=MAX_DEATHS, lease_until=database_later(-590, tx.dialect)
            )
        )
        await jobs.add_once(tx, store_id, "track")
        assert (await stored(tx, job_id)).status == JobStatus.FAILED
        await tx.execute(update(job_rows).values(lease_until=database_later(-610, tx.dialect)))
        await jobs.add_once(tx, store_id, "track")
        row = await stored(tx, job_id)
        assert (row.status, row.deaths) == (JobStatus.QUEUED, 0)
        assert len(tx.notices) == 2


async def test_of_jobs_that_are_due_the_order_is_total(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        stores = [store_id, await add_store(tx)]
        latest = await jobs.add(tx, store_id, "sweep", {}, queue=Queue.LISTS)
        added = [(store, await jobs.add(tx, store, "sweep", {})) for store in (stores[1], stores[0]) for _ in range(3)]
        same_moment = job_rows.c.id.in_([job_id for _, job_id in added])
        await tx.execute(update(job_rows).where(same_moment).values(due_at=database_later(-60, tx.dialect)))
        moment = await tx.scalar(select(job_rows.c.due_at).where(job_rows.c.id == added[0][1]))
        await tx.execute(update(job_rows).where(same_moment).values(due_at=moment))
        in_order: Sequence[tuple[int, UUID]] = [*sorted(added), (store_id, latest)]
        assert [(notice.store_id, notice.job_id) for notice in await jobs.due(tx, 10)] == in_order
        assert [(notice.store_id, notice.job_id) for notice in await jobs.due(tx, 4)] == in_order[:4]
        assert await jobs.due(tx, 10, Queue.LISTS) == [JobNotice("lists", store_id, latest)]


async def test_what_waits_and_what_runs_is_counted_by_queue(database: Database, store_id: int, job_id: UUID) -> None:
    async with database.write() as tx:
        await claimed(tx, store_id, job_id, lease=EXPIRED)
        await jobs.add_all(tx, store_id, "list", [{"list": 1}, {"list": 2}], queue=Queue.LISTS)
        failed = await jobs.add(tx, store_id, "list", {"list": 3}, queue=Queue.LISTS)
        await tx.execute(update(job_rows).where(job_rows.c.id == failed).values(status=JobStatus.FAILED))
        counts = await jobs.count_by_queue(tx)
        assert set(counts) == set(Queue)
        assert (counts[Queue.DEFAULT], counts[Queue.LISTS]) == (QueueCounts(1, 1), QueueCounts(2, 0))
        assert counts[Queue.IMPORTS] == QueueCounts(0, 0)
        payloads = await jobs.payloads(tx, ["list", "unknown"])
        assert sorted(str(payload["list"]) for payload in payloads) == ["1", "2"]


async def test_jobs_of_a_queue_that_this_release_does_not_have_wait_for_one_that_has_it(
    database: Database, store_id: int, job_id: UUID
) -> None:
    async with database.write() as tx:
        await claimed(tx, store_id, job_id, lease=EXPIRED)
        later = job_rows.c.id == job_id
        await tx.execute(update(job_rows).where(later).values(queue="a_later_release", deaths=MAX_DEATHS))
        assert set((await jobs.count_by_queue(tx)).values()) == {QueueCounts(0, 0)}
        assert await jobs.killers(tx) == []
        assert (await stored(tx, job_id)).status == JobStatus.RUNNING
