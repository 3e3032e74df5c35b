"""The sender's side of a product that sends: a mailing, and what is asked of its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from muster_sdk import MessageReference

from domain.deliveries.model import AcceptMarketing
from domain.kit.db import Transaction
from domain.stores.channel_description import ChannelDescription
from domain.stores.model import Store


class MailingState(StrEnum):
    OPEN = "OPEN"
    # Nothing goes out until it is open again.
    PAUSED = "PAUSED"
    # Nothing goes out any more: it was cancelled or deleted.
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class MessageNames:
    """By what receipts of a channel name messages; one without receipts names none."""

    by_key: bool = False
    by_provider_id: bool = False

    @classmethod
    def of(cls, channel: ChannelDescription) -> "MessageNames":
        reference = channel.capabilities.reference
        return cls(
            reference in {MessageReference.KEY, MessageReference.BOTH},
            reference in {MessageReference.PROVIDER_ID, MessageReference.BOTH},
        )


NO_NAMES = MessageNames()


@dataclass(frozen=True, slots=True)
class Mailing:
    """Content that goes out through a channel, to recipients who are frozen already."""

    store: Store
    id: UUID
    channel: str
    content: Mapping[str, object]
    accept_marketing: AcceptMarketing
    # Why nothing could go out when it was loaded.
    problem: str | None = None
    # As the channel's plugin says, once it is found.
    names: MessageNames = NO_NAMES


class MailingSource(Protocol):
    """The product that mailings belong to."""

    async def load(self, tx: Transaction, store_id: int, mailing_id: UUID) -> Mailing | None:
        """Return the mailing, or None when it is gone."""
        ...

    async def state(self, tx: Transaction, mailing: Mailing) -> MailingState:
        """Return the state as it is now; asked before each window of messages."""
        ...

    async def lock(self, tx: Transaction, mailing: Mailing) -> MailingState:
        """Return the state, which nobody changes until the transaction ends: workers of its batches meet here."""
        ...

    async def note_problem(self, tx: Transaction, mailing: Mailing, problem: str | None) -> None:
        """Show why nothing can go out now, though it is tried again; None when something does."""
        ...

    async def note_correction(self, tx: Transaction, mailing: Mailing) -> None:
        """Show what deliveries have become after the mailing's end. It is locked."""
        ...

    async def close(self, tx: Transaction, mailing: Mailing, now: datetime) -> None:
        """End one batch of the mailing, and with the last of them the mailing. It is locked."""
        ...
