"""Sessions with channels in processes of their own, which are kept for further sessions."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

import structlog
from muster_sdk import AccountLimits, ContentInvalid, Recipient, Unreachable, WebhookRefused

from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.sessions import calls, outcomes
from domain.sessions.calls import CallContext, CallResult, ChannelCall
from domain.sessions.journal import JournalUnwritable, revoke
from domain.sessions.session import ChannelBroken, MessagePreview
from domain.sessions.window import MessageWindow
from domain.stores.channels import ChannelUnavailable, ConfiguredChannel
from plugins.contributions import Plugins
from plugins.isolation.frames import Call, CheckSettings, Command, Connect, Kind, Open, Report, Send, Show, Stop
from plugins.isolation.process import ChannelProcess, ChannelSource

T = TypeVar("T")
log = structlog.get_logger(__name__)

_IDLE_SECONDS = 60.0
# A preview or a check that takes longer is a fault of the channel: somebody waits for it.
_SHOW_SECONDS = 10.0


class IsolatedSessions:
    """Opens sessions in processes of the channels, each of which serves one session at a time."""

    def __init__(
        self,
        plugins: Plugins,
        environment: Mapping[str, str],
        memory_mb: int,
        private_targets: Sequence[str] = (),
    ) -> None:
        filters = tuple(dict.fromkeys(added.entry_point for added in plugins.template_filters.values()))
        self._sources = {
            key: ChannelSource(
                key,
                channel.entry_point,
                channel.package,
                channel.version,
                environment,
                memory_mb,
                private_targets,
                filters,
            )
            for key, channel in plugins.channels.items()
        }
        self._sources |= {
            f"{calls.OBSERVER}{observer.key}": ChannelSource(
                f"{calls.OBSERVER}{observer.key}",
                observer.entry_point,
                observer.package,
                observer.version,
                environment,
                memory_mb,
                private_targets,
            )
            for observer in plugins.observers.values()
        }
        self._idle: dict[asyncio.AbstractEventLoop, list[ChannelProcess]] = {}

    @asynccontextmanager
    async def open(
        self, configured: ConfiguredChannel, content: Mapping[str, object], state: Mapping[str, Any] | None = None
    ) -> "AsyncGenerator[IsolatedSession]":
        process = await self._take(configured.channel.key)
        session = IsolatedSession(process)
        try:
            await session.prepare(configured, content, state or {})
            yield session
        except (ChannelBroken, asyncio.CancelledError):
            # Whatever it was at, another session must not find it so.
            await process.kill()
            raise
        finally:
            if not process.ended and await process.release():
                self._keep(process)

    async def call(self, call: ChannelCall[T], context: CallContext) -> CallResult[T]:
        """Call a method of the channel, as `Sessions.call` says, in a process that serves nobody else meanwhile."""
        kinds = Kind.ANSWERED, Kind.CALL_REFUSED, Kind.UNREACHABLE
        report = await self._ask(context.channel, Call(call, context), f"answer {call.method}", call.seconds, *kinds)
        return _result(self._sources[context.channel], call, report)

    async def check_settings(self, channel: str, settings: Mapping[str, object]) -> Mapping[str, Any]:
        kinds = Kind.CHECKED, Kind.REFUSED
        report = await self._ask(channel, CheckSettings(settings), "check settings", _SHOW_SECONDS, *kinds)
        _raise_refusal(report)
        checked: Mapping[str, Any] = report["settings"]
        return checked

    async def _ask(self, channel: str, command: Command, deed: str, seconds: float, *kinds: Kind) -> Report:
        """Return the answer of a process that serves nobody else meanwhile. Raise ChannelBroken."""
        process = await self._take(channel)
        try:
            async with asyncio.timeout(seconds):
                report = await process.ask(command, *kinds)
        except TimeoutError:
            await process.kill()
            raise process.source.broken(f"did not {deed} in {seconds:g} seconds") from None
        except BaseException:
            await process.kill()
            raise
        self._keep(process)
        return report

    def _keep(self, process: ChannelProcess) -> None:
        process.idle_since = monotonic()
        self._idle.setdefault(asyncio.get_running_loop(), []).append(process)

    async def close(self) -> None:
        for process in self._idle.pop(asyncio.get_running_loop(), []):
            await process.kill()

    async def _take(self, key: str) -> ChannelProcess:
        idle = self._idle.get(asyncio.get_running_loop(), [])
        now = monotonic()
        for process in [process for process in idle if process.ended or now - process.idle_since > _IDLE_SECONDS]:
            idle.remove(process)
            await process.kill()
        for process in idle:
            if process.source.key == key:
                idle.remove(process)
                return process
        process = ChannelProcess(self._sources[key])
        try:
            await process.start()
        except asyncio.CancelledError:
            await process.kill()
            raise
        return process


@dataclass(slots=True)
class IsolatedSession:
    """A session in a channel's process; when that dies, its journal tells what became of the messages."""

    process: ChannelProcess
    reads_properties: bool = True
    limits: AccountLimits | None = None
    _journal: Path | None = field(default=None, init=False)

    async def prepare(
        self, configured: ConfiguredChannel, content: Mapping[str, object], state: Mapping[str, Any]
    ) -> None:
        """Prepare the content. Raise DomainErrors, ChannelBroken."""
        command = Open(configured.settings, content, state, configured.webhook_url)
        report = await self._ask_soon(command, Kind.OPENED, Kind.REFUSED)
        _raise_refusal(report)
        self.reads_properties = report["reads_properties"]
        self.limits = None if report["limits"] is None else calls.account_limits().decode(report["limits"])

    async def show(self, recipient: Recipient) -> MessagePreview:
        report = await self._ask_soon(Show(recipient), Kind.SHOWN, Kind.REFUSED)
        _raise_refusal(report)
        try:
            return MessagePreview.decode(report["preview"])
        except ValueError:
            raise self.process.source.broken("showed what is no message") from None

    async def connect(self, journal: Path | None) -> None:
        command = Connect(None if journal is None else str(journal))
        report = await self.process.ask(command, Kind.CONNECTED, Kind.UNREACHABLE, Kind.NO_JOURNAL)
        if report["kind"] == Kind.UNREACHABLE:
            log.info("channel_unreachable", channel=self.process.source.key, cause=report["cause"])
            raise Unreachable(report["reason"])
        if report["kind"] == Kind.NO_JOURNAL:
            raise JournalUnwritable(report["reason"])
        self._journal = journal

    async def send(self, recipients: Sequence[Recipient], window: MessageWindow) -> None:
        self.process.tell(Send(tuple(recipients), window.deadline, window.spread))
        keys = frozenset(recipient.key for recipient in recipients)
        try:
            while (report := await self.process.next_report(Kind.BEGUN, Kind.ENDED, Kind.SENT))["kind"] != Kind.SENT:
                _note(report, window, keys)
            window.fault = report["fault"]
            window.state_changes.update(report["state_changes"])
        except BaseException:
            # Its last reports may not have arrived, and it must not begin what is taken for never begun.
            await self.process.kill()
            self._learn(recipients, window)
            raise

    def broken(self, reason: str) -> ChannelBroken:
        return self.process.source.broken(reason)

    def stop(self) -> None:
        self.process.tell(Stop())

    async def _ask_soon(self, command: Open | Show, *kinds: Kind) -> Report:
        try:
            async with asyncio.timeout(_SHOW_SECONDS):
                return await self.process.ask(command, *kinds)
        except TimeoutError:
            raise self.process.source.broken(f"did not prepare its content in {_SHOW_SECONDS:.0f} seconds") from None

    def _learn(self, recipients: Sequence[Recipient], window: MessageWindow) -> None:
        """Complete the window by the journal of the process, which is dead; without one, anything may have begun."""
        told = None if self._journal is None else revoke(self._journal)
        for recipient in recipients:
            key = recipient.key
            if told is None or not told.never_began(key):
                window.note_begun(key)
            if told is not None and key in told.outcomes:
                window.note_ended(key, told.outcomes[key])


def _note(report: Report, window: MessageWindow, keys: frozenset[UUID]) -> None:
    key = UUID(hex=report["key"])
    if key not in keys:
        # Of a message that it was not handed: nobody's.
        return
    if report["kind"] == Kind.BEGUN:
        window.note_begun(key)
        return
    shown: Any = report["shown"]
    if shown is not None:
        window.shown[key] = shown
    window.note_ended(key, outcomes.of_values(report["outcome"]))


def _result(source: ChannelSource, call: ChannelCall[T], report: Report) -> CallResult[T]:
    """Return what the call has answered. Raise what it was refused with."""
    if report["kind"] == Kind.UNREACHABLE:
        log.info("channel_unreachable", channel=source.key, call=call.method, cause=report["cause"])
        raise Unreachable(report["reason"])
    if report["kind"] == Kind.CALL_REFUSED:
        if report["error"] == "webhook":
            raise WebhookRefused(report["reason"])
        raise ContentInvalid(report["reason"], tuple(report["path"]))
    try:
        return CallResult(call.decode(report["answer"]), report["state_changes"])
    except ValueError:
        raise source.broken(f"answered {call.method} with what is none of its answers") from None


def _raise_refusal(report: Report) -> None:
    if report["kind"] != Kind.REFUSED:
        return
    errors = [
        DomainError(error["message"], field=tuple(error["field"]), code=ErrorCode(error["code"]))
        for error in report["errors"]
    ]
    for error in errors:
        if error.code is ErrorCode.CHANNEL_UNAVAILABLE:
            raise ChannelUnavailable(error.message, field=error.field)
    raise DomainErrors(errors)
