"""A report that takes down what becomes of messages, and each rule of reports that was broken."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import cast
from uuid import UUID

from muster_sdk.channel import Message
from muster_sdk.outcomes import Accepted, AccountRefused, Ambiguous, NotSent, Outcome, Rejected, TryAgain

__all__ = ["KitReport"]

_OUTCOMES = (Accepted, Rejected, TryAgain, AccountRefused, NotSent, Ambiguous)
_REASON_LENGTH = 1_000


@dataclass(slots=True)
class KitReport:
    """A `Report` of the messages that are handed over.

    - `allowed`: how many may begin; `seconds`: the time until `deadline`.
    - `begun`, `ended`: the moments of messages' begins and ends, by key, in seconds of `time.monotonic()`; `outcomes`.
    - `denied`: the messages that were not let begin; `account_refused`: whether a message ended so, behind which
      none may begin.
    - `faults`: the rules that were broken, a sentence each.

        report = KitReport([message], allowed=0)
        await transport.send([message], report)
        assert report.begun == {}
    """

    messages: Iterable[Message]
    allowed: float = inf
    seconds: float = 120
    begun: dict[UUID, float] = field(default_factory=dict[UUID, float])
    ended: dict[UUID, float] = field(default_factory=dict[UUID, float])
    outcomes: dict[UUID, Outcome] = field(default_factory=dict[UUID, Outcome])
    faults: list[str] = field(default_factory=list[str])
    denied: set[UUID] = field(default_factory=set[UUID])
    _keys: set[UUID] = field(init=False)
    _until: float = field(init=False)
    account_refused: bool = False

    def __post_init__(self) -> None:
        self._keys = {message.key for message in self.messages}
        self._until = monotonic() + self.seconds

    @property
    def deadline(self) -> float:
        return self._until

    def begin(self, message: Message) -> bool:
        """Note the begin of a message; return whether it may leave."""
        key = self._key(message, "begin")
        if key in self.begun:
            self._fault("begin was called twice for one message: once, right before the byte that may complete it")
        if key in self.ended:
            self._fault("begin was called for a message that had ended: begin first, then send, then end")
        if self.account_refused or len(self.begun) >= self.allowed or monotonic() >= self._until:
            self.denied.add(key)
            return False
        self.begun.setdefault(key, monotonic())
        return True

    def end(self, message: Message, outcome: Outcome) -> None:
        """Note the outcome of a message."""
        key = self._key(message, "end")
        if not isinstance(cast("object", outcome), _OUTCOMES):
            kind = type(outcome).__name__
            self._fault(f"end was given a {kind}: give it an outcome of muster_sdk, and await what computes it")
            return
        if key in self.outcomes:
            self._fault("end was called twice for one message: once, with what is known of it")
            return
        if key not in self.begun and isinstance(outcome, Accepted | Ambiguous):
            name = type(outcome).__name__
            self._fault(f"{name} was reported of a message that had not begun: only what has begun can have left")
        if not isinstance(outcome, Accepted):
            self._check_reason(outcome.reason)
        self.account_refused = self.account_refused or isinstance(outcome, AccountRefused)
        self.outcomes[key] = outcome
        self.ended[key] = monotonic()

    def _check_reason(self, reason: object) -> None:
        if not isinstance(reason, str) or not reason.strip():
            self._fault("an outcome has no reason: it is a text that tells the store's staff what happened")
        elif len(reason) > _REASON_LENGTH:
            self._fault(
                f"a reason has {len(reason):,} characters: cut what the provider says to {_REASON_LENGTH:,} at most"
            )

    def _key(self, message: Message, what: str) -> UUID:
        if message.key not in self._keys:
            self._fault(f"{what} was called for a message that was not handed over: report the messages as they came")
        return message.key

    def _fault(self, text: str) -> None:
        if text not in self.faults:
            self.faults.append(text)
