"""A batch is sent: intent committed, messages handed over, outcomes committed, a window at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from muster_sdk import (
    Accepted,
    Ambiguous,
    Channel,
    Composer,
    ContentInvalid,
    Message,
    Outcome,
    Recipient,
    Rejected,
    TemplateInvalid,
    Transport,
    Unreachable,
)

from domain import jobs
from domain.consents.links import UnsubscribeToken
from domain.deliveries import batches, evidence
from domain.deliveries.intents import Intent, commit_intents
from domain.deliveries.mailing import Mailing, MailingSource, MailingState
from domain.deliveries.model import BATCH_SIZE, WINDOW_SIZE, Batch, BatchKey, DeliveryResult
from domain.deliveries.retry import result_of
from domain.deliveries.template_variables import template_variables
from domain.jobs import Job
from domain.kit import ids
from domain.kit.db import Transaction
from domain.services import Services
from domain.stores.channels import ChannelUnavailable, ConfiguredChannel
from domain.templates.usage import TemplateUsage

# A channel bounds its own waits; this bounds the channel.
_SEND_SECONDS = 300
_UNREACHABLE_SECONDS = 30
_PAUSED_SECONDS = 15


async def deliver(services: Services, job: Job, source: MailingSource, key: BatchKey) -> None:
    """Send the batch as far as it is due, and end its job or give it back.

    Wherever that is interrupted, the next claim knows what was being sent. Raise LeaseLost when another worker has the
    job by now.
    """
    configured: ConfiguredChannel | None = None
    problem: str | None = None
    async with services.database.read() as tx:
        mailing = await source.load(tx, job.store_id, key.mailing_id)
        batch = await batches.by_key(tx, job.store_id, key)
        if mailing is not None:
            try:
                configured = await services.channels.find(tx, job.store_id, mailing.channel)
            except ChannelUnavailable as error:
                problem = error.message
    if mailing is None or batch is None:
        async with services.database.write() as tx:
            await jobs.finish(tx, job)
        return
    if configured is None:
        problem = problem or f"The channel {mailing.channel} is not installed"
    else:
        try:
            templates = TemplateUsage(services.templates)
            composer = configured.prepare(mailing.content, templates)
            with_properties = templates.reads("customer.property")
            async with (
                _Sandbox(composer)
                if configured.settings is None
                else configured.channel.connect(configured.settings) as transport
            ):
                await _BatchSender(
                    services, job, source, mailing, batch, configured.channel, composer, transport, with_properties
                ).run()
        except (ContentInvalid, Unreachable) as error:
            problem = str(error)
    if problem is None:
        await _close(services, job, source, mailing, batch)
        return
    async with services.database.write() as tx:
        await source.note_problem(tx, mailing, problem)
        await jobs.release(tx, job, delay=_UNREACHABLE_SECONDS, error=problem)


async def give_up(tx: Transaction, job: Job, source: MailingSource, key: BatchKey, now: datetime) -> None:
    """Resolve the deliveries of a batch whose workers died again and again, as far as they are known."""
    mailing = await source.load(tx, job.store_id, key.mailing_id)
    batch = await batches.by_key(tx, job.store_id, key)
    if mailing is None or batch is None:
        return
    await source.lock(tx, mailing)
    await batches.resolve_interrupted(tx, batch, job.fence + 1, idempotent=False)
    await batches.abandon(tx, batch, "Given up: its workers died")
    await batches.recount(tx, batch)
    await evidence.record_sent(tx, batch, mailing.channel, now)
    await source.close(tx, mailing, now)


@dataclass(slots=True)
class _BatchSender:
    """One claim of one batch."""

    services: Services
    job: Job
    source: MailingSource
    mailing: Mailing
    batch: Batch
    channel: Channel
    composer: Composer
    transport: Transport
    with_properties: bool
    # What is known and not recorded yet, by customer.
    results: dict[int, DeliveryResult] = field(default_factory=dict[int, DeliveryResult])

    async def run(self) -> None:
        if self.job.fence > 1:
            async with self.services.database.write() as tx:
                await batches.resolve_interrupted(tx, self.batch, self.job.fence, idempotent=self._idempotent)
        try:
            while window := await self._next_window():
                await self._hand_over(window)
        finally:
            # The lease is lost, the worker is stopped, or the database went away for a moment: what is known is not
            # forgotten for that. The fence keeps it from deliveries that another claim has begun.
            if self.results:
                async with self.services.database.write() as tx:
                    await self._record_results(tx)

    async def _next_window(self) -> list[tuple[Intent, Recipient]]:
        """Commit the results of the window that is over together with the intents of the next one, and return that."""
        mailing, channel = self.mailing, self.channel
        intents: list[Intent] = []
        variables: Mapping[int, Mapping[str, object]] = {}
        async with self.services.database.write() as tx:
            await jobs.renew(tx, self.job, progressed=bool(self.results))
            await self._record_results(tx)
            if await self.source.state(tx, mailing) is MailingState.OPEN:
                limit = min(BATCH_SIZE if self._idempotent else WINDOW_SIZE, channel.capabilities.max_batch)
                intents = await commit_intents(tx, self.batch, self.job.fence, mailing, channel.address, limit)
            if intents:
                customer_ids = [intent.customer_id for intent in intents]
                variables = await template_variables(
                    tx, mailing.store, customer_ids, with_properties=self.with_properties
                )
        self.results = {}
        window: list[tuple[Intent, Recipient]] = []
        for intent in intents:
            token = UnsubscribeToken(mailing.store.id, intent.customer_id, mailing.id, mailing.channel)
            recipient = Recipient(
                key=self._key(intent.customer_id),
                address=intent.address,
                variables=variables.get(intent.customer_id, {}),
                unsubscribe_url=self.services.links.url(token),
            )
            window.append((intent, recipient))
        return window

    async def _record_results(self, tx: Transaction) -> None:
        if not self.results:
            return
        await batches.record_outcomes(tx, self.batch, self.job.fence, self.results)
        if isinstance(self.transport, _Sandbox):
            messages = self.transport.messages
            keys = {customer_id: self._key(customer_id) for customer_id in self.results}
            by_customer = {customer_id: messages[key] for customer_id, key in keys.items() if key in messages}
            await batches.store_messages(tx, self.batch, by_customer)
        await batches.recount(tx, self.batch)

    async def _hand_over(self, window: Sequence[tuple[Intent, Recipient]]) -> None:
        """Compose and send the messages; each result is in `results` as soon as it is known."""
        composed: list[tuple[Intent, Message]] = []
        for intent, recipient in window:
            try:
                composed.append((intent, self.composer.compose(recipient)))
            except (ContentInvalid, TemplateInvalid) as error:
                self._add_result(intent, Rejected(str(error)))
        if not composed:
            return
        outcomes: Sequence[Outcome]
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                outcomes = await self.transport.send([message for _, message in composed])
        except Exception as error:  # noqa: BLE001 - a stranger's code: whatever it raises, the messages may be out
            outcomes = [Ambiguous(f"The channel failed: {type(error).__name__}")] * len(composed)
        if len(outcomes) != len(composed):
            outcomes = [Ambiguous("The channel did not return an outcome for each message")] * len(composed)
        for (intent, _), outcome in zip(composed, outcomes, strict=True):
            self._add_result(intent, outcome)

    def _add_result(self, intent: Intent, outcome: Outcome) -> None:
        self.results[intent.customer_id] = result_of(outcome, intent.attempts, idempotent=self._idempotent)

    def _key(self, customer_id: int) -> UUID:
        return ids.delivery_key(self.mailing.store.id, self.mailing.id, customer_id)

    @property
    def _idempotent(self) -> bool:
        return self.channel.capabilities.idempotent


class _Sandbox:
    """Transport of a channel without settings: messages are made and stored, and go nowhere."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        # Those of the last window.
        self.messages: dict[UUID, Mapping[str, object]] = {}

    async def __aenter__(self) -> "_Sandbox":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        self.messages.clear()
        for message in messages:
            preview = self._composer.show(message)
            self.messages[message.key] = {
                "subject": preview.subject,
                "html": preview.html,
                "text": preview.text,
                "payload": preview.payload,
            }
        return [Accepted("sandbox") for _ in messages]


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
            await source.close(tx, mailing, services.clock())
            await jobs.finish(tx, job)
