"""A session with a channel's code, wherever that runs: content is prepared, messages are shown or sent."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from muster_sdk import AccountLimits, ContentWarning, Estimate, Recipient, Shown
from pydantic import TypeAdapter

from domain.sessions.calls import CallContext, CallResult, ChannelCall
from domain.sessions.window import MessageWindow
from domain.stores.channels import ConfiguredChannel

T = TypeVar("T")


class ChannelBroken(Exception):
    """The channel's code broke: it raised what it must not, did not end in time, or ended its process.

    The text is for the store's staff and the operator: it names the channel, its package and what happened.
    """


@dataclass(frozen=True, slots=True)
class MessagePreview:
    """A message as staff see it, what its channel remarks on it, and what it takes; None where that is not told."""

    shown: Shown
    warnings: Sequence[ContentWarning] = ()
    estimate: Estimate | None = None

    def encode(self) -> bytes:
        """Return this as JSON. Raise ValueError where a channel has made it of what JSON does not have."""
        return _PREVIEW.dump_json(self, warnings="error")

    @classmethod
    def decode(cls, encoded: str | bytes) -> "MessagePreview":
        """Return what was encoded. Raise ValueError for anything else."""
        return _PREVIEW.validate_json(encoded)


_PREVIEW = TypeAdapter(MessagePreview)


class ChannelSession(Protocol):
    """Prepared content, and the way out for it."""

    @property
    def reads_properties(self) -> bool:
        """Return whether the content's templates may read customers' properties."""
        ...

    @property
    def limits(self) -> AccountLimits | None:
        """Return the limits of the account that it sends through, where the channel says some."""
        ...

    async def show(self, recipient: Recipient) -> MessagePreview:
        """Return the recipient's message as staff see it before it goes out. Raise DomainError, ChannelBroken."""
        ...

    async def connect(self, journal: Path | None) -> None:
        """Connect to the provider, and begin a journal there. Raise Unreachable, ChannelBroken, JournalUnwritable.

        A channel without settings is a sandbox: messages are made and kept, and go nowhere.
        """
        ...

    async def send(self, recipients: Sequence[Recipient], window: MessageWindow) -> None:
        """Compose and send messages; the window shows what is known of them meanwhile, and when this ends.

        What the window does not show as begun or ended did not begin. Raise ChannelBroken. A cancelled sending is
        broken off: `stop` before it leaves fewer messages in doubt.
        """
        ...

    def broken(self, reason: str) -> ChannelBroken:
        """Return the error that names the channel, and its package where that is known, with the reason."""
        ...

    def stop(self) -> None:
        """Have nothing more begin; what has begun goes on to its end."""
        ...


class Sessions(Protocol):
    """Opens sessions, which belong to the event loop that opened them."""

    def open(
        self, configured: ConfiguredChannel, content: Mapping[str, object], state: Mapping[str, Any] | None = None
    ) -> AbstractAsyncContextManager[ChannelSession]:
        """Return a session for the content; `state` is the channel's in its store.

        Entering raises DomainErrors with paths into the content, ChannelBroken, and ChannelUnavailable where the
        channel does not take its stored settings any more.
        """
        ...

    async def check_settings(self, channel: str, settings: Mapping[str, object]) -> Mapping[str, Any]:
        """Return the settings as they are stored: by alias and with secrets. Raise DomainErrors, ChannelBroken."""
        ...

    async def call(self, call: ChannelCall[T], context: CallContext) -> CallResult[T]:
        """Call a method of the channel, outside of a session.

        Raise what the SDK lets it raise, Unreachable, ContentInvalid or WebhookRefused, and ChannelBroken for whatever
        else goes wrong: an exception, an answer of another type, a process that hangs or ends.
        """
        ...

    async def close(self) -> None:
        """End what is kept for further sessions of this event loop."""
        ...
