"""Work of channels that is due by itself, such as renewing a token: done for each store by one worker at a time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from muster_sdk import ContentInvalid, Unreachable
from sqlalchemy import and_, or_, select

from domain import jobs
from domain.channels.calls import call_channel, find_channel
from domain.channels.tables import channel_works
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.kit.db.portable import database_later, database_now, insert_into
from domain.kit.errors import DomainError
from domain.services import Services
from domain.sessions import calls
from domain.sessions.session import ChannelBroken
from domain.stores.channels import ChannelUnavailable, CheckedSettings
from domain.stores.tables import channel_installations

log = structlog.get_logger(__name__)

# Work that failed is tried again within this time, however rarely it is due.
_RETRY_SECONDS = 300.0
_AT_ONCE = 1_000
_LONGEST_PROBLEM = 1_000


@dataclass(frozen=True, slots=True)
class DueWork:
    store_id: int
    channel: str


async def due(tx: Transaction, channels: Collection[str], limit: int = _AT_ONCE) -> list[DueWork]:
    """Return stores with settings of one of these channels whose work is due, by the database's clock."""
    installed, works = channel_installations.c, channel_works.c
    same = and_(works.store_id == installed.store_id, works.channel == installed.channel)
    is_due = or_(works.due_at.is_(None), works.due_at <= database_now(tx.dialect))
    statement = (
        select(installed.store_id, installed.channel)
        .select_from(channel_installations.outerjoin(channel_works, same))
        .where(installed.channel.in_(channels), installed.settings.is_not(None), is_due)
        .order_by(works.due_at.asc().nulls_first(), installed.store_id, installed.channel)
        .limit(limit)
    )
    return [DueWork(row.store_id, row.channel) for row in await tx.execute(statement)]


async def problems(tx: Transaction, store_id: int) -> dict[str, str]:
    """Return why the work of the store's channels fails, by channel."""
    works = channel_works.c
    rows = await tx.execute(
        select(works.channel, works.problem).where(works.store_id == store_id, works.problem.is_not(None))
    )
    return {row.channel: row.problem for row in rows}


async def schedule_due(services: Services) -> None:
    """Have workers do what is due; a job that waits or runs already is that one."""
    periodic = [key for key, able in services.channels.capabilities.items() if able.periodic is not None]
    if not periodic:
        return
    async with services.database.read() as tx:
        works = await due(tx, periodic)
    for work in works:
        async with services.database.write() as tx:
            await jobs.add_once(tx, work.store_id, WORK.name, queue=WORK.queue, about={"channel": work.channel})


async def do_work(services: Services, job: Job) -> None:
    """Have the channel work, and store what it answers; or what is wrong, until it works again."""
    store_id, key = job.store_id, str(job.payload["channel"])
    capabilities = services.channels.capabilities.get(key)
    interval = None if capabilities is None or capabilities.periodic is None else capabilities.periodic.total_seconds()
    if interval is None:
        async with services.database.write() as tx:
            await jobs.finish(tx, job)
        return

    checked: CheckedSettings | None = None

    async def check(changed: Mapping[str, Any] | None) -> None:
        nonlocal checked
        if changed:
            async with services.database.read() as tx:
                settings = (await find_channel(tx, services, store_id, key)).settings or {}
            checked = await services.channels.check(services.database, store_id, key, {**settings, **changed})

    async def record(tx: Transaction, changed: Mapping[str, Any] | None) -> None:
        if changed:
            # Merged into what is stored now: staff may have changed something meanwhile.
            settings = (await find_channel(tx, services, store_id, key)).settings or {}
            merged = {**settings, **changed}
            known = checked if checked is not None and checked.given == merged else merged
            await services.channels.configure(tx, store_id, key, known, services.clock())
        await _note(tx, store_id, key, interval, None)
        await jobs.finish(tx, job)

    try:
        await call_channel(services, store_id, key, calls.work(), record, check)
    except (Unreachable, ContentInvalid, ChannelBroken, DomainError) as error:
        problem = _problem_of(error)
        log.warning("channel_work_failed", channel=key, store=store_id, problem=problem)
        async with services.database.write() as tx:
            gone = isinstance(error, ChannelUnavailable) and await services.channels.find(tx, store_id, key) is None
            if not gone:
                await _note(tx, store_id, key, min(interval, _RETRY_SECONDS), problem)
            await jobs.finish(tx, job)


async def give_up(tx: Transaction, services: Services, job: Job) -> None:  # noqa: ARG001 - as every kind of job has it
    """Record that the work killed its workers again and again."""
    await _note(
        tx, job.store_id, str(job.payload["channel"]), _RETRY_SECONDS, "Its work was given up: the workers died"
    )


def _problem_of(error: Exception) -> str:
    text = str(error)
    if isinstance(error, DomainError) and not isinstance(error, ChannelUnavailable):
        text = f"Its work answered settings that it refuses itself: {text}"
    return text[:_LONGEST_PROBLEM].replace("\0", "")


async def _note(tx: Transaction, store_id: int, key: str, seconds: float, problem: str | None) -> None:
    """Store when the work is due again, and what is wrong with it."""
    now, later = database_now(tx.dialect), database_later(seconds, tx.dialect)
    row = (await tx.execute(select(now.label("now"), later.label("later")))).one()
    values: dict[str, Any] = {"due_at": row.later, "problem": problem}
    if problem is None:
        values["worked_at"] = row.now
    statement = insert_into(channel_works, tx.dialect).values(store_id=store_id, channel=key, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id", "channel"], set_=values))


WORK = JobKind("channel.work", Queue.DEFAULT, do_work, give_up, time_limit=300)
