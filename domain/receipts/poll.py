"""Providers that have to be asked: what each tells, and up to where, is stored in one transaction."""

from datetime import timedelta

import structlog
from muster_sdk import Receipts, Unreachable

from domain import jobs
from domain.channels.calls import call_channel
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.receipts import intake, polls
from domain.services import Services
from domain.sessions import calls
from domain.sessions.session import ChannelBroken
from domain.stores.channels import ChannelUnavailable

log = structlog.get_logger(__name__)

_KIND = "receipts.poll"
# Nobody else asks for so long; a job that ends plans the next time.
_LEASE = timedelta(minutes=15)
_TIME_LIMIT = 600
# Pages of one job: what is left is asked for by the next one.
_PAGES = 50


async def schedule_due(services: Services) -> int:
    """Have workers ask the providers that are due, each once however many schedulers there are; return how many."""
    polled = [key for key, ability in services.channels.capabilities.items() if ability.polling is not None]
    if not polled:
        return 0
    async with services.database.read() as tx:
        due = await polls.due(tx, polled)
    scheduled = 0
    for store_id, channel in due:
        async with services.database.write() as tx:
            if await polls.claim(tx, store_id, channel, _LEASE):
                await jobs.add(tx, store_id, POLL.name, {"channel": channel}, queue=POLL.queue)
                scheduled += 1
    return scheduled


async def poll(services: Services, job: Job) -> None:
    """Ask a store's provider for what is new, page after page."""
    channel, problem = str(job.payload["channel"]), None
    capabilities = services.channels.capabilities.get(channel)
    interval = None if capabilities is None else capabilities.polling
    try:
        if interval is not None:
            await _poll_pages(services, job.store_id, channel)
    except ChannelUnavailable as error:
        problem = error.message
    except (Unreachable, ChannelBroken) as error:
        problem = str(error)
    if problem is not None:
        log.warning("receipts_not_polled", store=job.store_id, channel=channel, error=problem)
    async with services.database.write() as tx:
        if interval is None:
            await polls.forget(tx, job.store_id, channel)
        else:
            await polls.plan(tx, job.store_id, channel, interval, problem)
        await jobs.finish(tx, job)


async def _poll_pages(services: Services, store_id: int, channel: str) -> None:
    async with services.database.read() as tx:
        configured = await services.channels.find(tx, store_id, channel)
    if configured is None:
        return
    plugin = configured.channel

    async def record(tx: Transaction, page: Receipts) -> None:
        intake.check_size(plugin, page.receipts, page.inbound)
        taken = await intake.take(tx, store_id, plugin, page.receipts, page.inbound)
        if taken.nameless:
            log.warning("receipts_nameless", channel=channel, store=store_id, number=taken.nameless)

    for _ in range(_PAGES):
        page = await call_channel(services, store_id, channel, calls.poll_receipts(), record)
        if not page.more:
            return


POLL = JobKind(_KIND, Queue.DEFAULT, poll, time_limit=_TIME_LIMIT)
