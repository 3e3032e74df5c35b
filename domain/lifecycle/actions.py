"""Scores are made once a day of each store's, by a worker, a range of customers at a time."""

from datetime import datetime

from domain import jobs
from domain.jobs import Job, JobKind, Queue
from domain.kit.clock import day_of
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import refresh_statistics
from domain.lifecycle import cycle, queries
from domain.lifecycle.model import Chosen, Standing, check_chosen, settle
from domain.lifecycle.scoring import Scoring
from domain.lifecycle.tables import customer_scores
from domain.services import Services
from domain.stores import queries as stores
from domain.stores.model import Store

_AT_ONCE = 20_000
# As many rows of an import are worth a count of their own.
MANY_ROWS = 1_000


async def schedule_due(database: Database, now: datetime) -> None:
    """From 0:00 of each store's day on; of several schedulers, one adds the day's job."""
    async with database.read() as tx:
        known = await queries.due(tx)
    for store_id, timezone, scheduled in known:
        today = day_of(now, timezone)
        if scheduled is not None and scheduled >= today:
            continue
        async with database.write() as tx:
            if await queries.schedule(tx, store_id, today):
                await request(tx, store_id)


async def request(tx: Transaction, store_id: int) -> None:
    """Have the store's customers scored again, whatever was done today."""
    await jobs.add(tx, store_id, SCORE.name, {}, queue=SCORE.queue)


async def choose(tx: Transaction, store_id: int, wanted: Chosen) -> None:
    """Sets the thresholds, and has everyone scored by them."""
    check_chosen(wanted)
    await queries.choose(tx, store_id, wanted)
    await request(tx, store_id)


async def standing(tx: Transaction, store_id: int) -> tuple[Chosen, Standing]:
    return await queries.chosen(tx, store_id), await queries.standing(tx, store_id)


async def score(services: Services, job: Job) -> None:
    """What is written twice is written once: a worker that takes over begins again."""
    now = services.clock()
    async with services.database.read() as tx:
        shop = await stores.by_id(tx, job.store_id)
        assert shop is not None
        scoring, measured = await _prepare(tx, shop, now)
        last = await queries.last_customer(tx, job.store_id)
    for first in range(1, last + 1, _AT_ONCE):
        async with services.database.write() as tx:
            await jobs.renew(tx, job, progressed=True)
            await scoring.score(tx, first, first + _AT_ONCE - 1)
    async with services.database.write() as tx:
        await queries.settle(tx, job.store_id, scoring.today, scoring.used, measured=measured)
        await refresh_statistics(tx, customer_scores)
        await jobs.finish(tx, job)


SCORE = JobKind("lifecycle.score", Queue.REPORTS, score)


async def _prepare(tx: Transaction, shop: Store, now: datetime) -> tuple[Scoring, bool]:
    found = await cycle.measure(tx, shop.id, shop.timezone, now)
    cuts = await queries.cuts(tx, shop.id)
    used = settle(await queries.chosen(tx, shop.id), cuts, found)
    return Scoring(shop.id, shop.timezone, day_of(now, shop.timezone), cuts, used), found is not None
