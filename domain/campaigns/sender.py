"""How a batch is sent: intent committed, messages handed over, outcomes committed, a window at a time."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from muster_sdk import (
    Accepted,
    Ambiguous,
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
from domain.campaigns import queries
from domain.campaigns.audience import audience_of
from domain.campaigns.model import Campaign, CampaignStatus
from domain.deliveries import batches, evidence
from domain.deliveries.intents import Intended, intend
from domain.deliveries.model import BATCH, WINDOW, Batch, Verdict, judge
from domain.deliveries.recipients import recipients
from domain.deliveries.template_variables import template_variables
from domain.jobs import Job, JobKind, LeaseLost, Queue
from domain.kit import ids
from domain.kit.db import Transaction
from domain.services import Services
from domain.stores import queries as stores
from domain.stores.channels import ChannelUnavailable, ConfiguredChannel
from domain.stores.model import Store

# A channel bounds its own waits; this bounds the channel.
_SEND_SECONDS = 300
_UNREACHABLE_SECONDS = 30
_PAUSED_SECONDS = 15


async def deliver(services: Services, job: Job) -> None:
    """Send a batch, as far as it is due. Whatever breaks off in between, the next claim knows what was under way."""
    async with services.database.read() as tx:
        work = await _open(tx, job)
        found = None if work is None else await _find_channel(tx, services, work.campaign)
    if work is None:
        await _leave(services, job)
    elif isinstance(found, ConfiguredChannel):
        await _send(services, job, work, found)
    else:
        await _put_off(services, job, work, found or f"the channel {work.campaign.channel} is not installed")


async def _find_channel(tx: Transaction, services: Services, campaign: Campaign) -> ConfiguredChannel | str | None:
    """The channel, or why it cannot be used."""
    try:
        return await services.channels.find(tx, campaign.store_id, campaign.channel)
    except ChannelUnavailable as error:
        return str(error)


@dataclass(frozen=True, slots=True)
class _Work:
    store: Store
    campaign: Campaign
    part: Batch

    @property
    def asks_for_properties(self) -> bool:
        return "property" in str(self.campaign.content)


async def _open(tx: Transaction, job: Job) -> _Work | None:
    campaign_id, number = UUID(str(job.payload["campaign"])), int(str(job.payload["batch"]))
    shop = await stores.by_id(tx, job.store_id)
    campaign = await queries.by_id(tx, job.store_id, campaign_id)
    part = await batches.batch(tx, job.store_id, campaign_id, number)
    return None if shop is None or campaign is None or part is None else _Work(shop, campaign, part)


async def _send(services: Services, job: Job, work: _Work, configured: ConfiguredChannel) -> None:
    try:
        composer = configured.prepare(work.campaign.content, services.templates)
        async with _transport(configured, composer) as transport:
            await _Sender(services, job, work, configured, composer, transport).run()
    except (ContentInvalid, Unreachable) as error:
        await _put_off(services, job, work, str(error))
    else:
        await _close(services, job, work)


@dataclass(slots=True)
class _Sender:
    """One claim of one batch."""

    services: Services
    job: Job
    work: _Work
    configured: ConfiguredChannel
    composer: Composer
    transport: Transport
    verdicts: Mapping[int, Verdict] = field(default_factory=dict[int, Verdict])

    async def run(self) -> None:
        await self._break_off()
        while intended := await self._turn():
            await self._hand_over(*intended)

    async def _break_off(self) -> None:
        if self.job.fence > 1:
            async with self.services.database.write() as tx:
                await batches.resolve_interrupted(tx, self.work.part, self.job.fence, idempotent=self._idempotent)

    async def _turn(self) -> tuple[list[Intended], list[Recipient]] | None:
        """Commit the outcomes of the window that is over together with the intents of the next one."""
        job, part = self.job, self.work.part
        async with self.services.database.write() as tx:
            lost: LeaseLost | None = None
            try:
                await jobs.renew(tx, job, progressed=bool(self.verdicts))
            except LeaseLost as error:
                # What is known is written all the same; the fence keeps it from what another claim has begun.
                lost = error
            await batches.record_outcomes(tx, part, job.fence, self.verdicts)
            await self._keep_shown(tx)
            if self.verdicts:
                await batches.recount(tx, part)
            intended = [] if lost else await self._intend(tx)
            addressed = await self._address(tx, intended)
        self.verdicts = {}
        if lost:
            raise lost
        return (intended, addressed) if intended else None

    async def _intend(self, tx: Transaction) -> list[Intended]:
        campaign = self.work.campaign
        if await queries.status_of(tx, campaign.store_id, campaign.id) is not CampaignStatus.SENDING:
            return []
        capabilities = self.configured.channel.capabilities
        window = min(BATCH if self._idempotent else WINDOW, capabilities.max_batch)
        audience = audience_of(campaign, self.configured.channel)
        return await intend(tx, self.work.part, self.job.fence, audience, window)

    async def _address(self, tx: Transaction, intended: Sequence[Intended]) -> list[Recipient]:
        if not intended:
            return []
        campaign = self.work.campaign
        wanted = [one.customer_id for one in intended]
        known = await template_variables(tx, self.work.store, wanted, with_properties=self.work.asks_for_properties)
        return recipients(intended, known, self.services.links, campaign.store_id, campaign.id, campaign.channel)

    async def _hand_over(self, intended: Sequence[Intended], addressed: Sequence[Recipient]) -> None:
        outcomes: dict[UUID, Outcome] = {}
        messages: list[Message] = []
        for recipient in addressed:
            try:
                messages.append(self.composer.compose(recipient))
            except (ContentInvalid, TemplateInvalid) as error:
                outcomes[recipient.key] = Rejected(str(error))
        answers = await self._answers(messages)
        outcomes |= {message.key: answer for message, answer in zip(messages, answers, strict=True)}
        self.verdicts = {
            one.customer_id: judge(outcomes[recipient.key], one.attempts, idempotent=self._idempotent)
            for one, recipient in zip(intended, addressed, strict=True)
        }

    async def _answers(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        if not messages:
            return []
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                answers = await self.transport.send(messages)
        except Exception as error:  # noqa: BLE001 - a stranger's code: whatever it raises, the messages may be out
            return [Ambiguous(f"the channel broke off: {type(error).__name__}")] * len(messages)
        if len(answers) != len(messages):
            return [Ambiguous("the channel did not say what became of each message")] * len(messages)
        return answers

    async def _keep_shown(self, tx: Transaction) -> None:
        if isinstance(self.transport, _Sandbox) and self.verdicts:
            shown = self.transport.take()
            campaign = self.work.campaign
            keys = {one: ids.delivery_key(campaign.store_id, campaign.id, one) for one in self.verdicts}
            kept = {one: shown[key] for one, key in keys.items() if key in shown}
            await batches.keep_messages(tx, self.work.part, kept)

    @property
    def _idempotent(self) -> bool:
        return self.configured.channel.capabilities.idempotent


class _Sandbox:
    """The way of a channel without settings: messages are made and kept, and go nowhere."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._shown: dict[UUID, Mapping[str, object]] = {}

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        for message in messages:
            shown = self._composer.show(message)
            self._shown[message.key] = {
                "subject": shown.subject,
                "html": shown.html,
                "text": shown.text,
                "payload": shown.payload,
            }
        return [Accepted("sandbox") for _ in messages]

    def take(self) -> Mapping[UUID, Mapping[str, object]]:
        shown, self._shown = self._shown, {}
        return shown


@asynccontextmanager
async def _transport(configured: ConfiguredChannel, composer: Composer) -> AsyncGenerator[Transport]:
    if configured.settings is None:
        yield _Sandbox(composer)
        return
    async with configured.channel.connect(configured.settings) as transport:
        yield transport


async def give_up(tx: Transaction, job: Job, now: datetime) -> None:
    """The batch's workers died again and again: its deliveries are settled as far as they are known."""
    work = await _open(tx, job)
    if work is None:
        return
    await queries.lock(tx, job.store_id, work.campaign.id)
    await batches.resolve_interrupted(tx, work.part, job.fence + 1, idempotent=False)
    await batches.abandon(tx, work.part, "given up: its workers died")
    await batches.recount(tx, work.part)
    await evidence.record_sent(tx, work.part, work.campaign.channel, now)
    await queries.complete(tx, job.store_id, work.campaign.id, now)


async def _close(services: Services, job: Job, work: _Work) -> None:
    """End the job; the campaign ends with the last of its batches, whose workers meet at its lock."""
    async with services.database.write() as tx:
        campaign = await queries.lock(tx, job.store_id, work.campaign.id)
        stats = await batches.recount(tx, work.part)
        await evidence.record_sent(tx, work.part, work.campaign.channel, services.clock())
        if stats.pending and campaign is not None and campaign.status is not CampaignStatus.CANCELLED:
            paused = campaign.status is CampaignStatus.PAUSED
            wait = _PAUSED_SECONDS if paused else await batches.next_due_in(tx, work.part)
            await jobs.release(tx, job, delay=wait)
        else:
            await queries.complete(tx, job.store_id, work.campaign.id, services.clock())
            await jobs.finish(tx, job)


async def _put_off(services: Services, job: Job, work: _Work, problem: str) -> None:
    """Nothing can go out now: the campaign says why, and the batch is tried again."""
    async with services.database.write() as tx:
        await queries.note_problem(tx, job.store_id, work.campaign.id, problem)
        await jobs.release(tx, job, delay=_UNREACHABLE_SECONDS, error=problem)


async def _leave(services: Services, job: Job) -> None:
    """The campaign is gone, and its batch with it."""
    async with services.database.write() as tx:
        await jobs.finish(tx, job)


DELIVER = JobKind("campaign.deliver", Queue.DELIVERIES, deliver, give_up, time_limit=900)
