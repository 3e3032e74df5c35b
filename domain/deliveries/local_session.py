"""Sessions with channels' code in this very process, which it may block or end: one of its own should run it so."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar, cast

from muster_sdk import (
    Accepted,
    AccountLimiter,
    AccountLimits,
    Channel,
    Composer,
    ContentInvalid,
    CostEstimator,
    HttpClient,
    Message,
    MessageReviewer,
    Outcome,
    Recipient,
    Rejected,
    TemplateInvalid,
    Templates,
    Transport,
    Unreachable,
)
from pydantic import BaseModel, ValidationError

from domain.kit.errors import DomainError, DomainErrors
from domain.sessions import outcomes
from domain.sessions.calls import OBSERVER, CallContext, CallResult, ChannelCall, account_limits
from domain.sessions.host import CallHost, CallState, NoHttp
from domain.sessions.journal import Journal, JournalUnwritable
from domain.sessions.local_calls import call_locally
from domain.sessions.local_settings import check_settings, model_of
from domain.sessions.session import ChannelBroken, MessagePreview
from domain.sessions.window import MessageWindow
from domain.stores.channels import ConfiguredChannel
from domain.templates.usage import TemplateUsage

T = TypeVar("T")


class LocalSessions:
    """Opens sessions in this process, and calls these channels there."""

    def __init__(self, templates: Templates, http: HttpClient | None = None, channels: Iterable[Channel] = ()) -> None:
        self._templates = templates
        self._http = http or NoHttp()
        self._channels = {channel.key: channel for channel in channels}

    @asynccontextmanager
    async def open(
        self, configured: ConfiguredChannel, content: Mapping[str, object], state: Mapping[str, Any] | None = None
    ) -> "AsyncGenerator[LocalSession]":
        channel = self._channels[configured.channel.key]
        host = self.host(state or {}, configured.webhook_url)
        async with self.open_channel(channel, configured.settings, content, host) as session:
            yield session

    def host(self, state: Mapping[str, Any], webhook_url: str | None) -> CallHost:
        """Return what a session's channel is given."""
        return CallHost(self._http, CallState(state), webhook_url)

    @asynccontextmanager
    async def open_channel(
        self,
        channel: Channel,
        settings: Mapping[str, object] | None,
        content: Mapping[str, object],
        host: CallHost,
    ) -> "AsyncGenerator[LocalSession]":
        usage = TemplateUsage(self._templates)
        model = None if settings is None else model_of(channel, settings)
        composer = _prepare(channel, model, content, usage)
        reads_properties, limits = usage.reads("customer.property"), _limits(channel, model)
        session = LocalSession(channel, model, composer, host, reads_properties=reads_properties, limits=limits)
        try:
            yield session
        finally:
            await session.close()

    async def call(self, call: ChannelCall[T], context: CallContext) -> CallResult[T]:
        return await call_locally(self._channels[context.channel.removeprefix(OBSERVER)], call, context, self._http)

    async def check_settings(self, channel: str, settings: Mapping[str, object]) -> Mapping[str, Any]:
        return check_settings(self._channels[channel], settings)

    async def close(self) -> None:
        return None


def _prepare(
    channel: Channel, settings: BaseModel | None, content: Mapping[str, object], templates: Templates
) -> Composer:
    try:
        return channel.prepare(channel.content.model_validate(content), settings, templates)
    except ValidationError as error:
        raise DomainErrors(DomainError(fault["msg"], field=tuple(fault["loc"])) for fault in error.errors()) from None
    except ContentInvalid as error:
        raise DomainErrors([DomainError(str(error), field=error.path)]) from None
    except TemplateInvalid as error:
        raise DomainErrors([DomainError(str(error))]) from None
    except Exception as error:
        raise _broken(channel, error) from error


def _limits(channel: Channel, settings: BaseModel | None) -> AccountLimits | None:
    if settings is None or not channel.capabilities.account_limits:
        return None
    try:
        return account_limits().check(cast("AccountLimiter", channel).account_limits(settings))
    except Exception as error:
        raise _broken(channel, error) from error


@dataclass(slots=True)
class LocalSession:
    channel: Channel
    settings: BaseModel | None
    composer: Composer
    host: CallHost
    reads_properties: bool
    limits: AccountLimits | None = None
    _connection: AbstractAsyncContextManager[Transport] | None = None
    _transport: Transport | None = None
    _journal: Journal | None = None
    _stopped: bool = False

    async def show(self, recipient: Recipient) -> MessagePreview:
        try:
            # What a channel answers is what it should be only behind this.
            return MessagePreview.decode(self._preview(self.composer.compose(recipient)).encode())
        except (ContentInvalid, TemplateInvalid) as error:
            raise DomainError(str(error)) from None
        except Exception as error:
            raise _broken(self.channel, error) from error

    def _preview(self, message: Message) -> MessagePreview:
        capabilities, composer = self.channel.capabilities, self.composer
        return MessagePreview(
            composer.show(message),
            cast("MessageReviewer", composer).review(message) if capabilities.content_review else (),
            cast("CostEstimator", composer).estimate(message) if capabilities.estimates else None,
        )

    async def connect(self, journal: Path | None) -> None:
        if self.settings is not None:
            connection = self.channel.connect(self.settings, self.host)
            try:
                self._transport = await connection.__aenter__()
            except Unreachable:
                raise
            except Exception as error:
                raise _broken(self.channel, error) from error
            self._connection = connection
        # Behind the connection, so that a provider who is away leaves no files.
        self._journal = None if journal is None else Journal(journal)

    async def send(self, recipients: Sequence[Recipient], window: MessageWindow) -> None:
        messages: list[Message] = []
        for recipient in recipients:
            try:
                messages.append(self.composer.compose(recipient))
            except (ContentInvalid, TemplateInvalid) as error:
                window.note_ended(recipient.key, Rejected(str(error)))
            except Exception as error:
                raise _broken(self.channel, error) from error
        if self._transport is None:
            self._keep(messages, window)
            return
        report = MessageReport(window, self._journal, lambda: self._stopped)
        try:
            await self._transport.send(messages, report)
        except Exception as error:
            raise _broken(self.channel, error) from error
        finally:
            # What a channel leaves running behind itself begins nothing.
            report.closed = True
        window.state_changes.update(self.host.state.take())
        if report.lied:
            # Not one message more: of each, nothing would be known.
            raise self.broken("reported outcomes that are none")

    def broken(self, reason: str) -> ChannelBroken:
        return ChannelBroken(f"The channel {self.channel.key} {reason}")

    def stop(self) -> None:
        self._stopped = True

    async def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
        if self._connection is not None:
            await self._connection.__aexit__(None, None, None)

    def _keep(self, messages: Sequence[Message], window: MessageWindow) -> None:
        for message in messages:
            shown = self.composer.show(message)
            window.shown[message.key] = {
                "subject": shown.subject,
                "html": shown.html,
                "text": shown.text,
                "payload": shown.payload,
            }
            window.note_ended(message.key, Accepted("sandbox"))


@dataclass(slots=True)
class MessageReport:
    """Takes a channel's reports, as the SDK's `Report`: first into the journal, then into the window."""

    window: MessageWindow
    journal: Journal | None
    stopped: Callable[[], bool]
    closed: bool = False
    # Whether an outcome was none.
    lied: bool = False

    @property
    def deadline(self) -> float:
        return self.window.deadline

    def begin(self, message: Message) -> bool:
        key = message.key
        window = self.window
        if self.closed or self.stopped() or window.refused or monotonic() >= window.deadline or key in window.begun:
            return False
        try:
            if self.journal is not None and not self.journal.begin(key):
                return False
        except JournalUnwritable as error:
            self.window.fault = str(error)
            return False
        self.window.note_begun(key)
        return True

    def end(self, message: Message, outcome: Outcome) -> None:
        # What is stored, shown and kept in journals names nobody.
        checked = outcomes.checked(outcome)
        self.lied = self.lied or checked is outcomes.NONE
        outcome = outcomes.without(checked, message.address)
        self.window.note_ended(message.key, outcome)
        if self.journal is not None and message.key in self.window.begun:
            # Without its line the outcome is known as long as this process lives.
            with suppress(JournalUnwritable):
                self.journal.end(message.key, outcome)


def _broken(channel: Channel, error: Exception) -> ChannelBroken:
    # Without its text, which may hold a customer's data.
    return ChannelBroken(f"The channel {channel.key} failed: {type(error).__name__}")
