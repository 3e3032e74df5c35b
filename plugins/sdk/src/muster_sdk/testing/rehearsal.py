"""Rehearsals: what a channel does when its provider does the worst, done once and looked at by many tests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from muster_sdk.channel import Recipient
from muster_sdk.testing.acts import Act
from muster_sdk.testing.failure import fail, leave_out
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.trial import Sending, Trial, TrialPlan, compose, composer_of

__all__ = ["ACTS", "Rehearsals", "rehearsals_of"]

T = TypeVar("T")
_COUNT = 3
ACTS = [act for act in Act if act is not Act.SLOW]
"""The acts of which every rule is checked."""


@dataclass(slots=True)
class Rehearsals:
    """The rehearsals of a class of tests, each done when it is first asked for.

    `recipients` are those of all of them but the batch; of the second, REFUSE_RECIPIENT and DEFER_RECIPIENT are about.
    """

    subject: ContractSubject
    _done: dict[str, Sending] = field(default_factory=dict[str, Sending])

    def recipients(self, count: int = _COUNT) -> list[Recipient]:
        return [self.subject.recipient(number) for number in range(1, count + 1)]

    def act(self, act: Act) -> Sending:
        """Return what came of this act. Skip the test if the protocol has no such act."""
        if act not in self.subject.provider().acts:
            leave_out(f"the provider's double has no {act}")
        if act in {Act.REFUSE_RECIPIENT, Act.DEFER_RECIPIENT}:
            plan = TrialPlan(acts={self.recipients()[1].address: act})
        else:
            plan = TrialPlan(act)
        # Each is waited for: the more, the longer.
        count = 1 if act in {Act.SILENCE, Act.SLOW} else _COUNT
        return self.of(act.value, plan, self.recipients(count))

    def away(self) -> Sending:
        return self.of("away", TrialPlan(reach="away"), self.recipients())

    def silent(self) -> Sending:
        return self.of("silent", TrialPlan(reach="silent"), self.recipients(1))

    def denied(self) -> Sending:
        """Return what came of five messages of which one may begin."""
        return self.of("denied", TrialPlan(allowed=1), self.recipients(5))

    def unauthorized(self) -> Sending:
        return self.of("unauthorized", TrialPlan(credentials=False), self.recipients())

    def repeated(self) -> Sending:
        return self.of("repeated", TrialPlan(times=2), self.recipients())

    def cancelled(self) -> Sending:
        return self.of("cancelled", TrialPlan(Act.SILENCE, cancelled=0.2), self.recipients(1))

    def all(self) -> Iterator[Sending]:
        """Return what came of every act that the protocol has, and of the rest."""
        acts = self.subject.provider().acts
        yield from (self.act(act) for act in ACTS if act in acts)
        yield from (self.away(), self.denied(), self.repeated(), self.unauthorized())

    def of(self, name: str, plan: TrialPlan, recipients: Sequence[Recipient]) -> Sending:
        """Return what comes of a plan; it is done once by its name. Fail when the messages cannot be composed."""
        if name not in self._done:
            sending = self._send(plan, recipients)
            if sending.blocks:
                # On a busy machine, a thread may wait for another's sake: what happens again is the channel's.
                again = {_where(block) for block in self._send(plan, recipients).blocks}
                sending.blocks = [block for block in sending.blocks if _where(block) in again]
            self._done[name] = sending
        return self._done[name]

    def _send(self, plan: TrialPlan, recipients: Sequence[Recipient]) -> Sending:
        trial = Trial(self.subject, plan)
        with trial.opened():
            messages = _prepared(lambda: compose(composer_of(self.subject, trial.settings), recipients))
            sending = trial.send(messages)
        sending.blocks, sending.left_open = trial.blocks, trial.left_open
        return sending


def _where(block: str) -> str:
    return block.partition(" (")[0]


def _prepared(prepare: Callable[[], T]) -> T:
    try:
        return prepare()
    except Exception as error:  # noqa: BLE001 - an author's code: the test says so
        fail(f"Composing raised {type(error).__name__}: {error}", "Good content becomes a message for every recipient")


_REHEARSALS: dict[type[ContractSubject], Rehearsals] = {}


def rehearsals_of(subject: ContractSubject) -> Rehearsals:
    """Return the rehearsals of the subject's class."""
    return _REHEARSALS.setdefault(type(subject), Rehearsals(subject))
