"""A batch is sent: intent committed, messages handed over, outcomes committed, a window at a time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from muster_sdk import Unreachable

from domain import jobs
from domain.accounts import actions as accounts
from domain.channels import states
from domain.deliveries import batches, evidence, notices, settlement
from domain.deliveries.account_gate import AccountGate
from domain.deliveries.batch_sender import BatchSender
from domain.deliveries.mailing import Mailing, MailingSource, MailingState, MessageNames
from domain.deliveries.model import Batch, BatchKey, Hold
from domain.jobs import Job
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.services import Services
from domain.sessions.journal import JournalUnwritable
from domain.sessions.session import ChannelBroken
from domain.stores.channels import ChannelUnavailable, ConfiguredChannel

_UNREACHABLE_SECONDS = 30
_PAUSED_SECONDS = 15


async def deliver(services: Services, job: Job, source: MailingSource, key: BatchKey) -> None:
    """Send the batch as far as it is due, and end its job or give it back.

    Wherever that is interrupted, the next claim knows what was being sent. Raise LeaseLost when another worker has the
    job by now, ChannelBroken when the channel's code broke: that is a death of the job's worker.
    """
    configured: ConfiguredChannel | None = None
    hold: Hold | None = None
    state: Mapping[str, Any] = {}
    async with services.database.read() as tx:
        mailing = await source.load(tx, job.store_id, key.mailing_id)
        batch = await batches.by_key(tx, job.store_id, key)
        if mailing is not None:
            try:
                configured = await services.channels.find(tx, job.store_id, mailing.channel)
                state = await states.load(tx, job.store_id, mailing.channel)
            except ChannelUnavailable as error:
                hold = Hold(_UNREACHABLE_SECONDS, error.message)
    if mailing is None or batch is None:
        async with services.database.write() as tx:
            await jobs.finish(tx, job)
        return
    if configured is not None:
        mailing = replace(mailing, names=MessageNames.of(configured.channel))
    if configured is None:
        hold = hold or Hold(_UNREACHABLE_SECONDS, f"The channel {mailing.channel} is not installed")
    else:
        try:
            hold = await _send(services, job, source, mailing, batch, configured, state)
        except (DomainError, Unreachable) as error:
            hold = Hold(_UNREACHABLE_SECONDS, str(error))
        except ChannelBroken as error:
            async with services.database.write() as tx:
                await source.note_problem(tx, mailing, str(error))
            raise
    if hold is None:
        await _close(services, job, source, mailing, batch)
        return
    async with services.database.write() as tx:
        if hold.problem is not None:
            await source.note_problem(tx, mailing, hold.problem)
        delay = hold.seconds if hold.account is None else await accounts.queue_up(tx, hold.account, hold.seconds)
        await jobs.release(tx, job, delay=delay, error=hold.problem)


async def give_up(tx: Transaction, services: Services, job: Job, source: MailingSource, key: BatchKey) -> None:
    """Resolve the deliveries of a batch whose workers died again and again, as far as they are known."""
    mailing = await source.load(tx, job.store_id, key.mailing_id)
    batch = await batches.by_key(tx, job.store_id, key)
    if mailing is None or batch is None:
        return
    await source.lock(tx, mailing)
    mailing, _ = await settlement.with_channel(tx, services, mailing)
    await settlement.resolve_interrupted(tx, services.journals, mailing, batch, job.fence + 1, idempotent=False)
    reason = f"Given up: {mailing.problem or 'its workers died'}"
    await batches.abandon(tx, batch, reason)
    await batches.recount(tx, batch)
    await evidence.record_sent(tx, batch, mailing.channel, services.clock())
    await notices.request(tx, services.extensions.observers, batch, mailing.channel)
    await source.close(tx, mailing, services.clock())


async def _send(  # noqa: PLR0913, PLR0917 - as many things make a claim
    services: Services,
    job: Job,
    source: MailingSource,
    mailing: Mailing,
    batch: Batch,
    configured: ConfiguredChannel,
    state: Mapping[str, Any],
) -> Hold | None:
    """Send what is due of the batch, and return what keeps the rest from going out."""
    idempotent = configured.channel.capabilities.idempotent
    if job.fence > 1:
        async with services.database.write() as tx:
            claims = await settlement.resolve_interrupted(
                tx, services.journals, mailing, batch, job.fence, idempotent=idempotent
            )
        for claim in claims:
            services.journals.discard(claim)
    claim = settlement.claim_of(batch, job.fence)
    links = await services.links()
    if configured.channel.capabilities.webhooks:
        addresses = await services.webhook_addresses()
        configured = replace(configured, webhook_url=addresses.url(job.store_id, mailing.channel))
    async with services.sessions.open(configured, mailing.content, state) as session:
        gate = AccountGate.of(job, mailing.channel, session.limits)
        if not await gate.enter(services.database):
            return gate.hold
        try:
            await session.connect(services.journals.path(claim))
        except JournalUnwritable as error:
            return Hold(_UNREACHABLE_SECONDS, str(error))
        sender = BatchSender(services, job, source, mailing, batch, configured.channel, session, links, gate)
        try:
            await sender.run()
        finally:
            if sender.settled:
                services.journals.close(claim)
    return gate.hold if sender.problem is None else Hold(_UNREACHABLE_SECONDS, sender.problem)


async def _close(services: Services, job: Job, source: MailingSource, mailing: Mailing, batch: Batch) -> None:
    """End the job, and the mailing with the last of its batches; or have the batch tried again when it is due."""
    async with services.database.write() as tx:
        state = await source.lock(tx, mailing)
        stats = await batches.recount(tx, batch)
        await evidence.record_sent(tx, batch, mailing.channel, services.clock())
        if stats.pending and state is not MailingState.CLOSED:
            paused = state is MailingState.PAUSED
            delay = _PAUSED_SECONDS if paused else await batches.next_due_in(tx, batch)
            await jobs.release(tx, job, delay=delay)
        else:
            await notices.request(tx, services.extensions.observers, batch, mailing.channel)
            await source.close(tx, mailing, services.clock())
            await jobs.finish(tx, job)
