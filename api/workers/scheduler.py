"""Work by the clock: what is due is begun, and jobs that kill their workers are given up."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from api import metrics
from api.workers.liveness import dead
from api.workers.runner import JobKinds
from domain import jobs
from domain.audit import actions as audit
from domain.campaigns import launch
from domain.campaigns.mailing import check_continuity, recover_journals
from domain.campaigns.restoration import keep_life
from domain.channels import authorizations, periodic
from domain.jobs import Job
from domain.kit.db import Transaction
from domain.lifecycle import actions as lifecycle
from domain.lists.schedule import build_due
from domain.memberships import tracking
from domain.operations.actions import delete_expired_files
from domain.orphans.actions import delete_old_reports, end_orphans
from domain.receipts import fold, poll, retention
from domain.services import Services

log = structlog.get_logger(__name__)

EVERY = 8.0
LIFE = "life"
_JITTER = 2.0
_TIDY_EVERY = 300.0
_CHANNELS_EVERY = 15.0
_ORPHANS_EVERY = 60.0
_CONTINUITY_EVERY = 1.0
_FIRST_LOOK_SECONDS = 10.0
# Seconds for which journals are kept: longer than a standby ever lags behind.
_KEEP_JOURNALS = 600.0
# Seconds that a chore may take; it is broken off then, and begun anew in the next round.
_TIME_LIMIT = 120.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that is done every few seconds, by any number of processes at a time."""

    name: str
    run: Callable[[], Awaitable[object]]
    every: float = EVERY
    time_limit: float = _TIME_LIMIT


async def keep_schedule(chores: Sequence[Chore], stop: asyncio.Event) -> None:
    """Do each chore at once, then every few seconds until stopped; one that hangs or fails ends no other."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            group.create_task(_repeat(chore, stop))


async def _repeat(chore: Chore, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with asyncio.timeout(chore.time_limit):
                await chore.run()
        except Exception as error:  # noqa: BLE001 - the next round may find the database back
            log.warning("chore_failed", chore=chore.name, error=f"{type(error).__name__}: {error}")
        with suppress(TimeoutError):
            # Apart from each other, whenever they were started.
            await asyncio.wait_for(stop.wait(), chore.every + random.uniform(0, _JITTER))  # noqa: S311


def chores_of(services: Services, kinds: JobKinds) -> list[Chore]:
    database, clock = services.database, services.clock
    make_files = frozenset(kind.name for kind in kinds.values() if kind.makes_files)
    return [
        Chore("campaigns", lambda: launch.start_due(services)),
        Chore("lists", lambda: make_lists(services)),
        Chore("memberships", lambda: tracking.schedule_due(database, clock())),
        Chore("journals", lambda: recover_journals(services)),
        Chore("continuity", lambda: check_continuity(services), _CONTINUITY_EVERY),
        life_chore(services),
        Chore("closed journals", lambda: delete_closed_journals(services), _TIDY_EVERY),
        Chore("sweep", lambda: sweep(services, kinds)),
        Chore("lifecycle", lambda: lifecycle.schedule_due(database, clock())),
        Chore("channels", lambda: periodic.schedule_due(services), _CHANNELS_EVERY),
        Chore("authorizations", lambda: delete_authorizations(services), _TIDY_EVERY),
        Chore("orphans", lambda: end_orphans(services, kinds), _ORPHANS_EVERY),
        Chore("receipts", lambda: fold.schedule_due(database)),
        Chore("polls", lambda: poll.schedule_due(services)),
        Chore("old receipts", lambda: retention.delete_old(database), _TIDY_EVERY),
        Chore("reports", lambda: delete_old_reports(database), _TIDY_EVERY),
        Chore("files", lambda: delete_expired_files(database, services.files, make_files, clock()), _TIDY_EVERY),
        Chore("audit", lambda: audit.delete_expired(database), _TIDY_EVERY),
    ]


def life_chore(services: Services) -> Chore:
    """Return the chore of every process that works: it lets the database live on, or says why nothing is sent."""
    problem: str | None = None

    async def keep() -> None:
        nonlocal problem
        before, problem = problem, await keep_life(services)
        if problem is not None and problem != before:
            log.error("sending_held", problem=problem)
        if problem is None and before is not None:
            log.warning("sending_goes_on")

    return Chore(LIFE, keep, _CONTINUITY_EVERY)


async def look_at_database(services: Services) -> None:
    """Have a process that starts know whether it may send; where the database is away, the chore finds it out."""
    services.continuity.compared = False
    with suppress(Exception):
        async with asyncio.timeout(_FIRST_LOOK_SECONDS):
            await keep_life(services)


async def delete_closed_journals(services: Services) -> None:
    async with services.database.read() as tx:
        if await services.continuity.held(tx) is not None:
            # They are all that is known of what a backup does not know.
            return
    # The clock of the services may stand still.
    services.journals.delete_closed(time.time() - _KEEP_JOURNALS)  # noqa: TID251


async def make_lists(services: Services) -> None:
    """Begin the lists that are due by the store's days; one that cannot be begun stays due, and is logged."""
    for failed in (await build_due(services.database, services.clock())).failed:
        error = f"{type(failed.error).__name__}: {failed.error}"
        log.error("list_not_started", store=failed.store_id, segment=str(failed.segment_id), error=error)


async def delete_authorizations(services: Services) -> None:
    async with services.database.write() as tx:
        await authorizations.delete_expired(tx, services.clock())


async def sweep(services: Services, kinds: JobKinds) -> None:
    """End the leases of dead processes, and give up jobs that killed their workers again and again."""
    async with services.database.read() as tx:
        dead_owners = dead(await jobs.lease_owners(tx))
        killers = await jobs.killers(tx)
    if dead_owners:
        async with services.database.write() as tx:
            await jobs.expire_leases(tx, dead_owners)
    for notice in killers:
        try:
            async with services.database.write() as tx:
                job = await jobs.quarantine(tx, notice.store_id, notice.job_id)
                if job is not None:
                    await _give_up(tx, services, kinds, job)
        except Exception:  # one job that cannot be given up keeps no other
            log.exception("job_not_given_up", job=str(notice.job_id), store=notice.store_id)


async def _give_up(tx: Transaction, services: Services, kinds: JobKinds, job: Job) -> None:
    kind = kinds.get(job.kind)
    if kind is not None and kind.give_up is not None:
        await kind.give_up(tx, services, job)
    metrics.jobs.labels(job.kind, "given_up").inc()
    log.error("job_given_up", kind=job.kind, job=str(job.id), store=job.store_id)
