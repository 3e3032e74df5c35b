"""A batch's way to the account that it sends through, which all workers share."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from muster_sdk import Accepted, AccountLimits, AccountRefused, Outcome, Rejected, TryAgain

from domain.accounts import actions, queries
from domain.accounts.model import AccountKey, AccountWait, Rate
from domain.deliveries.model import Hold
from domain.jobs import Job
from domain.kit.db import Database, Transaction

# A batch that waits longer makes way for others.
MOMENT_SECONDS = 0.5
# When the slot of another batch may be free.
_SLOT_SECONDS = 1.0


@dataclass(slots=True)
class AccountGate:
    """The account of one claim of a batch: what it permits, and what its provider has said in the last window.

    `wait` says why nothing may go out now.
    """

    job: Job
    key: AccountKey
    limits: AccountLimits | None
    wait: AccountWait | None = None
    refusal: AccountRefused | None = None
    rate: Rate | None = field(init=False)
    _recovered: bool = False
    # Whether permits have to be taken: the account has a rate, or it is tried after a refusal.
    _guarded: bool = False
    _probe: bool = False

    def __post_init__(self) -> None:
        self.rate = Rate.of(self.limits)

    @classmethod
    def of(cls, job: Job, channel: str, limits: AccountLimits | None) -> "AccountGate":
        return cls(job, AccountKey(job.store_id, channel, "" if limits is None else limits.account), limits)

    @property
    def hold(self) -> Hold | None:
        """Return what keeps the batch from going on; None where its account does not."""
        return None if self.wait is None else Hold(self.wait.seconds, self.wait.reason, self.key)

    @property
    def spread(self) -> float | None:
        return None if self.rate is None else self.rate.spread

    async def enter(self, database: Database) -> bool:
        """Return whether the batch may connect now, and take the slot that it sends in."""
        async with database.read() as tx:
            permits = await actions.look(tx, self.key, self.rate, 1)
        wait = None if permits is None else permits.wait
        if wait is not None and (wait.reason is not None or wait.seconds > MOMENT_SECONDS):
            self.wait = wait
        elif self.limits is not None and self.limits.concurrency is not None:
            async with database.write() as tx:
                await queries.lock(tx, self.key)
                if not await queries.take_slot(tx, self.key, self.job, self.limits.concurrency):
                    self.wait = AccountWait(_SLOT_SECONDS)
        return self.wait is None

    async def room(self, tx: Transaction, wanted: int) -> int:
        """Return about how many messages may go out; nothing is locked or taken."""
        permits = await actions.look(tx, self.key, self.rate, wanted, has_recovered=self._recovered)
        self._guarded = self.rate is not None or (permits is not None and permits.probe)
        self.wait = None if permits is None else permits.wait
        return wanted if permits is None else permits.count

    async def take(self, tx: Transaction, wanted: int) -> int:
        """Return how many of the messages may go out, and take permits for them: the transaction locks no more."""
        self._probe = False
        if wanted and (self._guarded or self._recovered):
            permits = await actions.take(tx, self.key, self.rate, wanted, has_recovered=self._recovered)
            self.wait, self._probe = permits.wait, permits.probe
            return permits.count
        await self.note(tx)
        return wanted

    def hear(self, outcomes: Collection[Outcome]) -> None:
        """Keep what outcomes that came from the provider say of the account."""
        refusals = [outcome for outcome in outcomes if isinstance(outcome, AccountRefused)]
        self.refusal = max(refusals, key=lambda refusal: refusal.after or timedelta(), default=None)
        answered = any(isinstance(outcome, Accepted | Rejected | TryAgain) for outcome in outcomes)
        self._recovered = self._probe and answered and self.refusal is None

    async def note(self, tx: Transaction) -> None:
        """Tell all workers of what was heard: the transaction locks no more."""
        if self.refusal is not None:
            refusal = self.refusal
            self.wait = await actions.note_refusal(tx, self.key, refusal.reason, refusal.after, probe=self._probe)
        elif self._recovered:
            await actions.note_recovery(tx, self.key)

    def noted(self) -> None:
        """Forget what was heard, which is committed."""
        self._recovered = False
