"""Score customers once a day of each store's, by a worker, a range of customers at a time."""

from datetime import datetime

from domain import jobs
from domain.jobs import Job, JobKind, Queue
from domain.kit.clock import day_of
from domain.kit.db import Database, Transaction
from domain.kit.db.portable import refresh_statistics
from domain.lifecycle import cycle, queries
from domain.lifecycle.model import ChosenThresholds, LastScoring, check_chosen, thresholds_of
from domain.lifecycle.scoring import Scoring
from domain.lifecycle.tables import customer_scores
from domain.services import Services
from domain.stores import queries as stores

_AT_ONCE = 20_000
# Scores are computed again after an import of so many rows.
MANY_ROWS = 1_000


async def schedule_due(database: Database, now: datetime) -> None:
    """Add each store's job from 0:00 of its day on; of several schedulers, one adds the day's job."""
    async with database.read() as tx:
        scheduled = await queries.scheduled_days(tx)
    for store in scheduled:
        today = day_of(now, store.timezone)
        if store.scheduled_on is not None and store.scheduled_on >= today:
            continue
        async with database.write() as tx:
            if await queries.schedule(tx, store.store_id, today):
                await request_scoring(tx, store.store_id)


async def request_scoring(tx: Transaction, store_id: int) -> None:
    """Have the store's customers scored again, even when they were scored today."""
    await jobs.add(tx, store_id, SCORE.name, {}, queue=SCORE.queue)


async def set_thresholds(tx: Transaction, store_id: int, chosen: ChosenThresholds) -> None:
    """Store the thresholds, and have everyone scored by them. Raise DomainErrors when they are out of range."""
    check_chosen(chosen)
    await queries.save_chosen(tx, store_id, chosen)
    await request_scoring(tx, store_id)


async def scoring_state(tx: Transaction, store_id: int) -> tuple[ChosenThresholds, LastScoring]:
    return await queries.chosen_thresholds(tx, store_id), await queries.last_scoring(tx, store_id)


async def score(services: Services, job: Job) -> None:
    """Score the store's customers. Raise LeaseLost when another worker has taken the job over.

    A row written twice is the same row: whoever takes over begins again.
    """
    now = services.clock()
    async with services.database.read() as tx:
        store = await stores.by_id(tx, job.store_id)
        assert store is not None
        measured = await cycle.measure(tx, store.id, store.timezone, now)
        cuts = await queries.load_cuts(tx, store.id)
        thresholds = thresholds_of(await queries.chosen_thresholds(tx, store.id), cuts, measured)
        scoring = Scoring(store.id, store.timezone, day_of(now, store.timezone), cuts, thresholds)
        last = await queries.last_customer(tx, job.store_id)
    for first in range(1, last + 1, _AT_ONCE):
        async with services.database.write() as tx:
            await jobs.renew(tx, job, progressed=True)
            await scoring.score(tx, first, first + _AT_ONCE - 1)
    async with services.database.write() as tx:
        await queries.record_scoring(tx, job.store_id, scoring.today, thresholds, measured=measured is not None)
        await refresh_statistics(tx, customer_scores)
        await jobs.finish(tx, job)


SCORE = JobKind("lifecycle.score", Queue.REPORTS, score)
