"""Jobs on every broker and both databases."""

import asyncio
from uuid import UUID

import pytest

from api.workers import consumers, leases, runner
from api.workers.scheduler import sweep
from domain import jobs
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Database
from domain.services import Services
from tests.api.workers.conftest import Works, until, working_at
from tests.fakes import make_services


async def test_a_job_is_done_once_it_is_committed(works: Works, store_id: int) -> None:
    done: list[object] = []

    async def note(services: Services, job: Job) -> None:
        done.append(job.payload["queue"])

    works.on("note", note)
    works.start()
    database = works.database()
    async with database.write() as tx:
        for queue in Queue:
            await jobs.add(tx, store_id, "note", {"queue": queue.value}, queue=queue)
        await asyncio.sleep(0.1)
        assert done == []
    await until(lambda: len(done) == len(Queue))
    await asyncio.to_thread(works.stop)
    async with database.read() as tx:
        assert set((await jobs.count_by_queue(tx)).values()) == {jobs.QueueCounts(0, 0)}
    await database.close()
    assert set(done) == {queue.value for queue in Queue}


async def test_a_message_that_comes_twice_is_work_done_once(works: Works, store_id: int) -> None:
    done: list[UUID] = []

    async def note(services: Services, job: Job) -> None:
        await asyncio.sleep(0.2)
        done.append(job.id)

    works.on("note", note)
    works.start()
    database = works.database()
    async with database.write() as tx:
        await jobs.add(tx, store_id, "note", {})
        tx.notices *= 5
    await until(lambda: bool(done))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(works.stop)
    await database.close()
    assert len(done) == 1


async def test_work_that_the_broker_lost_is_found(works: Works, database: Database, store_id: int) -> None:
    done: list[UUID] = []

    async def note(services: Services, job: Job) -> None:
        done.append(job.id)

    works.on("note", note)
    async with database.write() as tx:  # this database has no notifier: nobody is notified
        await jobs.add_all(tx, store_id, "note", [{"n": n} for n in range(30)], queue=Queue.DELIVERIES)
    works.start()
    await until(lambda: len(done) == 30)
    await asyncio.to_thread(works.stop)
    assert len(set(done)) == 30


@pytest.mark.slow
async def test_one_queue_full_of_slow_work_starves_no_other(works: Works, store_id: int) -> None:
    done: list[str] = []

    async def slow(services: Services, job: Job) -> None:
        await asyncio.sleep(30)

    async def quick(services: Services, job: Job) -> None:
        done.append(job.kind)

    works.on("slow", slow)
    works.on("quick", quick)
    works.start()
    database = works.database()
    async with database.write() as tx:
        await jobs.add_all(tx, store_id, "slow", [{"n": n} for n in range(20)], queue=Queue.DELIVERIES)
        await jobs.add(tx, store_id, "quick", {}, queue=Queue.LISTS)
    await until(lambda: done == ["quick"], seconds=10)
    await asyncio.to_thread(works.stop, 0.1)
    await database.close()


async def test_stopping_gives_unfinished_jobs_back_at_once(works: Works, store_id: int) -> None:
    began: list[UUID] = []

    async def endless(services: Services, job: Job) -> None:
        began.append(job.id)
        await asyncio.sleep(60)

    works.on("endless", endless)
    works.start()
    database = works.database()
    async with database.write() as tx:
        job_id = await jobs.add(tx, store_id, "endless", {})
    await until(lambda: bool(began))
    await asyncio.to_thread(works.stop, 0.2)
    async with database.write() as tx:
        assert [notice.job_id for notice in await jobs.due(tx, 10)] == [job_id]
    await database.close()


@pytest.mark.slow
@pytest.mark.parametrize("broker_url", ["memory"], indirect=True)
async def test_a_handler_that_breaks_again_and_again_is_given_up(
    works: Works, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY_AFTER", 0.0)
    monkeypatch.setattr(consumers, "POLL", 0.1)
    monkeypatch.setattr(consumers, "_JITTER", 0)
    tries: list[UUID] = []
    given_up: list[UUID] = []

    async def broken(services: Services, job: Job) -> None:
        tries.append(job.id)
        raise RuntimeError("broken")

    async def give_up(_tx: object, _services: object, job: jobs.Job) -> None:
        given_up.append(job.id)

    works.kinds["broken"] = JobKind("broken", Queue.DEFAULT, broken, give_up)
    works.start()
    database = works.database()
    async with database.write() as tx:
        job_id = await jobs.add(tx, store_id, "broken", {})
    while not given_up:
        assert len(tries) <= 5
        await sweep(make_services(database), works.kinds)
        await asyncio.sleep(0.1)
    await asyncio.to_thread(works.stop)
    async with database.read() as tx:
        assert await jobs.due(tx, 10) == []
    await database.close()
    assert given_up == [job_id]
    assert len(tries) >= 4


@pytest.mark.parametrize("broker_url", ["memory"], indirect=True)
async def test_a_lost_lease_ends_the_handler_and_keeps_nothing(
    works: Works, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT", 0.2)
    began: list[Job] = []
    ended: list[str] = []

    async def long(services: Services, job: Job) -> None:
        began.append(job)
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("ended")

    works.on("long", long)
    works.start()
    database = works.database()
    async with database.write() as tx:
        await jobs.add(tx, store_id, "long", {})
    await until(lambda: bool(began))
    async with database.write() as tx:  # as another worker does, whose claim counts the fence up
        await jobs.release(tx, began[0], delay=0)
        tx.notices.clear()
    async with database.write() as tx:
        other = await jobs.claim(tx, store_id, began[0].id, "other", 60)
        assert other is not None
    await until(lambda: ended == ["ended"])
    await asyncio.to_thread(works.stop)
    async with database.write() as tx:
        await jobs.finish(tx, other)
    await database.close()


@pytest.mark.parametrize("broker_url", ["memory"], indirect=True)
async def test_a_handler_past_its_time_is_ended(works: Works, store_id: int) -> None:
    ended: list[str] = []

    async def long(services: Services, job: Job) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("ended")

    works.on("long", long, time_limit=0.3)
    works.start()
    database = works.database()
    async with database.write() as tx:
        await jobs.add(tx, store_id, "long", {})
    await until(lambda: ended == ["ended"])
    await asyncio.to_thread(works.stop)
    async with database.read() as tx:
        assert (await jobs.count_by_queue(tx))[Queue.DEFAULT].open == 1
    await database.close()


@pytest.mark.slow
@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1"])
async def test_work_goes_on_while_the_broker_is_away(
    database: Database, database_url: str, store_id: int, url: str
) -> None:
    done: list[UUID] = []

    async def note(services: Services, job: Job) -> None:
        done.append(job.id)

    with working_at(url, database_url) as works:
        works.on("note", note)
        works.start()
        notifying = works.database()
        async with notifying.write() as tx:
            await jobs.add_all(tx, store_id, "note", [{"n": n} for n in range(30)], queue=Queue.DELIVERIES)
        await until(lambda: len(done) == 30)
        await asyncio.to_thread(works.stop)
        await notifying.close()
    assert len(set(done)) == 30
