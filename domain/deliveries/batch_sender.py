"""One claim of one batch is sent, window after window: intents, messages, results."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from muster_sdk import Ambiguous, Recipient

from domain import jobs
from domain.channels import states
from domain.consents.links import UnsubscribeLinks, UnsubscribeToken
from domain.deliveries import batches, conversations, patience, references, settlement
from domain.deliveries.account_gate import MOMENT_SECONDS, AccountGate
from domain.deliveries.intents import Intent, commit_intents
from domain.deliveries.mailing import Mailing, MailingSource, MailingState
from domain.deliveries.model import BATCH_SIZE, Batch, ClaimedDelivery, DeliveryResult, DeliveryStatus
from domain.deliveries.pace import Pace
from domain.deliveries.retry import NOT_BEGUN, result_of
from domain.deliveries.template_variables import template_variables
from domain.jobs import Job
from domain.kit import ids
from domain.kit.db import Transaction
from domain.services import Services
from domain.sessions.session import ChannelSession
from domain.sessions.window import MessageWindow
from domain.stores.channel_description import ChannelDescription

# Messages of a window begin within this time; each has as long as its channel waits for an answer.
_BEGIN_SECONDS = 60.0
# After so long the batch makes way for others.
_TURN_SECONDS = 300.0
# The part of the time for which a provider knows keys in which it is trusted to.
_KEY_LIFE = 0.8
_NO_OUTCOME = "The channel reported no outcome"


@dataclass(slots=True)
class BatchSender:
    """One claim of one batch."""

    services: Services
    job: Job
    source: MailingSource
    mailing: Mailing
    batch: Batch
    channel: ChannelDescription
    session: ChannelSession
    links: UnsubscribeLinks
    gate: AccountGate
    # What keeps the rest from going out; or, beside what went out, None.
    problem: str | None = None
    # What is known and not recorded yet, by customer, and the messages of a sandbox.
    results: dict[int, DeliveryResult] = field(default_factory=dict[int, DeliveryResult])
    shown: Mapping[UUID, Mapping[str, object]] = field(default_factory=dict[UUID, Mapping[str, object]])
    # What the channel has put into its state, and is stored with these results.
    state_changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _pace: Pace = field(init=False)
    # Whether intents of this claim may be committed of which it does not know.
    _intents_unknown: bool = False

    def __post_init__(self) -> None:
        self._pace = Pace(self.gate.spread)

    async def run(self) -> None:
        """Hand over window after window. Raise LeaseLost, ChannelBroken; what is known is recorded before that."""
        try:
            await self._hand_over_windows()
        except (Exception, asyncio.CancelledError):
            # The lease is lost, the worker is stopped, the channel broke: what is known is not forgotten for that,
            # nor when one of these follows another. The fence keeps it from deliveries that another claim has begun.
            await self._settle_results()
            raise
        await self._settle_results()

    @property
    def settled(self) -> bool:
        """Return whether the database knows all that is known here."""
        return not self.results and not self._intents_unknown

    async def _hand_over_windows(self) -> None:
        turn_ends_at = monotonic() + _TURN_SECONDS
        idle_windows, waited = 0, 0.0
        while self._goes_on and monotonic() < turn_ends_at:
            window = await self._next_window()
            if not window:
                wait = self.gate.wait
                if wait is None or wait.reason is not None or waited + wait.seconds > MOMENT_SECONDS:
                    return
                waited += wait.seconds
                await asyncio.sleep(wait.seconds)
                continue
            waited = 0
            await self._hand_over(window)
            idle_windows = 0 if any(result.attempted for result in self.results.values()) else idle_windows + 1
            if idle_windows > 1 and self._goes_on:
                raise self.session.broken("sends nothing of what it is handed")

    @property
    def _goes_on(self) -> bool:
        return self.problem is None and self.gate.refusal is None

    async def _settle_results(self) -> None:
        if not self.settled:
            await patience.wait_to_the_end(
                asyncio.ensure_future(settlement.until_written(self.services.database, self._settle))
            )
            self.results = {}
            self._intents_unknown = False

    async def _next_window(self) -> list[tuple[Intent, Recipient]]:
        """Commit the results of the window that is over together with the intents of the next one, and return that.

        Try again as long as the database is away and the lease is held.
        """
        intents: list[Intent] = []
        variables: Mapping[int, Mapping[str, object]] = {}
        open_until: Mapping[str, datetime] = {}

        async def write(tx: Transaction) -> None:
            nonlocal intents, variables, open_until
            await jobs.renew(tx, self.job, progressed=any(result.attempted for result in self.results.values()))
            await self._record_results(tx)
            if self._intents_unknown:
                # The try before may have been committed though its answer was lost.
                await batches.take_back(tx, self.batch, self.job.fence)
            self._intents_unknown = True
            intents = await self._commit_intents(tx)
            if intents:
                customer_ids = [intent.customer_id for intent in intents]
                variables = await template_variables(
                    tx, self.mailing.store, customer_ids, with_properties=self.session.reads_properties
                )
                open_until = await self._open_conversations(tx, intents)
            intents = await self._permitted(tx, intents)

        await settlement.until_written(self.services.database, write)
        self._intents_unknown = False
        self.results = {}
        self.gate.noted()
        return [
            (intent, self._recipient(intent, variables.get(intent.customer_id, {}), open_until.get(intent.address)))
            for intent in intents
        ]

    async def _commit_intents(self, tx: Transaction) -> list[Intent]:
        self.problem = await self.services.continuity.held(tx)
        if self.problem is not None:
            return []
        if await self.source.state(tx, self.mailing) is not MailingState.OPEN:
            return []
        capabilities = self.channel.capabilities
        if capabilities.idempotency is not None:
            await batches.expire_keys(tx, self.batch, capabilities.idempotency.total_seconds() * _KEY_LIFE)
        limit = await self.gate.room(tx, self._pace.window_size(min(BATCH_SIZE, capabilities.max_batch)))
        if not limit:
            return []
        intents = await commit_intents(tx, self.batch, self.job.fence, self.mailing, self.channel.address, limit)
        if self.mailing.names.by_key:
            customer_ids = [intent.customer_id for intent in intents]
            await references.add_keys(tx, self.batch, self.channel.key, customer_ids)
        return intents

    async def _permitted(self, tx: Transaction, intents: list[Intent]) -> list[Intent]:
        """Take permits for the intents, and return those that have one; of the others nothing is committed."""
        count = await self.gate.take(tx, len(intents))
        others = {ClaimedDelivery(intent.customer_id, self.job.fence): NOT_BEGUN for intent in intents[count:]}
        await batches.record_outcomes(tx, self.batch, others)
        return intents[:count]

    async def _open_conversations(self, tx: Transaction, intents: Sequence[Intent]) -> Mapping[str, datetime]:
        window = self.channel.capabilities.conversation_window
        if window is None:
            return {}
        addresses = [intent.address for intent in intents]
        return await conversations.open_until(tx, self.mailing.store.id, self.channel.key, addresses, window)

    def _recipient(
        self, intent: Intent, variables: Mapping[str, object], conversation_until: datetime | None
    ) -> Recipient:
        mailing = self.mailing
        token = UnsubscribeToken(mailing.store.id, intent.customer_id, mailing.id, mailing.channel, intent.address)
        return Recipient(
            key=self._key(intent.customer_id),
            address=intent.address,
            variables=variables,
            unsubscribe_url=self.links.url(token),
            conversation_until=conversation_until,
        )

    async def _record_results(self, tx: Transaction) -> None:
        if not self.results:
            return
        await settlement.record(tx, self.mailing, self.batch, self._claimed_results())
        await self._store_state(tx)
        await self._note_problem(tx)
        await self._store_shown(tx)
        await batches.recount(tx, self.batch)

    async def _settle(self, tx: Transaction) -> None:
        results = self._claimed_results()
        if self._intents_unknown:
            await settlement.record(tx, self.mailing, self.batch, results)
            await batches.take_back(tx, self.batch, self.job.fence)
        await settlement.settle(tx, self.services, self.source, self.mailing, self.batch, results)
        await self._store_state(tx)
        await self._store_shown(tx)
        await self.gate.note(tx)

    async def _store_state(self, tx: Transaction) -> None:
        await states.store(tx, self.mailing.store.id, self.mailing.channel, self.state_changes)

    async def _store_shown(self, tx: Transaction) -> None:
        keys = {customer_id: self._key(customer_id) for customer_id in self.results} if self.shown else {}
        by_customer = {customer_id: self.shown[key] for customer_id, key in keys.items() if key in self.shown}
        await batches.store_messages(tx, self.batch, by_customer)

    async def _note_problem(self, tx: Transaction) -> None:
        """Show what is wrong when nothing of the window went out, and that it is over when something did."""
        statuses = {result.status for result in self.results.values()}
        problem: str | None = None
        if statuses == {DeliveryStatus.PENDING} and self.gate.refusal is None:
            problem = next((result.error for result in self.results.values() if result.error), None)
        if problem is not None or (self.mailing.problem is not None and DeliveryStatus.SENT in statuses):
            await self.source.note_problem(tx, self.mailing, problem)
            self.mailing = replace(self.mailing, problem=problem)

    def _claimed_results(self) -> dict[ClaimedDelivery, DeliveryResult]:
        fence = self.job.fence
        return {ClaimedDelivery(customer_id, fence): result for customer_id, result in self.results.items()}

    async def _hand_over(self, handed: Sequence[tuple[Intent, Recipient]]) -> None:
        """Compose and send the messages; what is known of each is in `results` behind it, however it ends."""
        began = monotonic()
        window = MessageWindow(deadline=began + _BEGIN_SECONDS, spread=self.gate.spread)
        recipients = [recipient for _, recipient in handed]
        sending = asyncio.create_task(self.session.send(recipients, window))
        try:
            await patience.watch(sending, window, self.session)
        except asyncio.CancelledError:
            self.session.stop()
            await patience.let_finish(sending)
            raise
        finally:
            if not sending.done():
                sending.cancel()
                await patience.let_finish(sending)
            self.problem = window.fault
            self.gate.hear([outcome for key, outcome in window.outcomes.items() if key in window.begun])
            self.shown = window.shown
            self.state_changes = window.state_changes
            for intent, recipient in handed:
                self.results[intent.customer_id] = self._result(window, intent, recipient.key)
            self._pace.note(len(window.outcomes), monotonic() - began)

    def _result(self, window: MessageWindow, intent: Intent, key: UUID) -> DeliveryResult:
        idempotent = self.channel.capabilities.idempotent
        outcome = window.outcomes.get(key)
        if outcome is None and key not in window.begun:
            return NOT_BEGUN
        return result_of(outcome or Ambiguous(_NO_OUTCOME), intent.attempts, idempotent=idempotent)

    def _key(self, customer_id: int) -> UUID:
        return ids.delivery_key(self.mailing.store.id, self.mailing.id, customer_id)
