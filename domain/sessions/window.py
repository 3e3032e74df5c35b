"""A window of messages, and what is known of each as soon as it is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

from muster_sdk import AccountRefused, Outcome


@dataclass(slots=True)
class MessageWindow:
    """Messages that are handed over together, by their keys: those that began, and those that ended."""

    # In seconds of `monotonic()`: none begins later.
    deadline: float
    begun: set[UUID] = field(default_factory=set[UUID])
    outcomes: dict[UUID, Outcome] = field(default_factory=dict[UUID, Outcome])
    # Messages of a sandbox, as they would have been sent.
    shown: dict[UUID, Mapping[str, object]] = field(default_factory=dict[UUID, Mapping[str, object]])
    # Why none begins any more, where that is a fault of this machine.
    fault: str | None = None
    # What the channel has put into its state, once it has come to its end: None is deleted.
    state_changes: dict[str, Any] = field(default_factory=dict[str, Any])
    # Seconds from the first message's begin within which the others begin, where their number is limited by time.
    spread: float | None = None
    # Whether the provider takes nothing from the account any more: none begins then.
    refused: bool = False
    # When something was heard of it last.
    heard_at: float = field(default_factory=monotonic)

    def note_begun(self, key: UUID) -> None:
        self.heard_at = monotonic()
        if self.spread is not None and not self.begun:
            self.deadline = min(self.deadline, self.heard_at + self.spread)
        self.begun.add(key)

    def note_ended(self, key: UUID, outcome: Outcome) -> None:
        """Keep a message's outcome: the first one, whatever a channel reports behind it."""
        self.heard_at = monotonic()
        self.refused = self.refused or isinstance(outcome, AccountRefused)
        self.outcomes.setdefault(key, outcome)
