"""A channel's process: `plugins.isolation.child ENTRY_POINT CHANNEL MEMORY_MB TARGETS FILTERS`, parent at stdin."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.metadata import EntryPoint
from pathlib import Path
from time import sleep
from typing import Any
from uuid import UUID

import pluggy
from muster_sdk import Channel, ContentInvalid, Outcome, Recipient, Unreachable, WebhookRefused, hookspecs
from muster_sdk.aiohttp_client import open_client
from muster_sdk.hookspecs import PROJECT

from domain.deliveries.local_session import LocalSession, LocalSessions
from domain.kit.errors import DomainError
from domain.sessions import outcomes
from domain.sessions.calls import OBSERVER, CallContext, ChannelCall, account_limits
from domain.sessions.journal import JournalUnwritable
from domain.sessions.session import ChannelBroken
from domain.sessions.window import MessageWindow
from domain.templates.rendering import MinijinjaTemplates
from plugins.installation.directory import extend_import_path
from plugins.isolation.frames import (
    Call,
    CheckSettings,
    Close,
    Command,
    Connect,
    Kind,
    Open,
    Send,
    Show,
    Stop,
    commands,
    encode_report,
)
from plugins.isolation.limits import limit_memory
from plugins.isolation.targets import Targets, guard_connections
from plugins.template_filters import load_filters

_ALIVE_SECONDS = 5.0
# For the messages that have begun when the parent dies; their outcomes go into the journal.
_FINISH_SECONDS = 12.0


def load_channel(entry_point: str, key: str) -> Channel:
    """Return the channel, or the observer, that the plugin brings. Raise LookupError when it does not."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(EntryPoint(key, entry_point, PROJECT).load())
    is_observer = key.startswith(OBSERVER)
    hook = manager.hook.register_observers if is_observer else manager.hook.register_channels
    for brought in hook():
        for one in brought:
            if one.key == key.removeprefix(OBSERVER):
                # An observer has its key, and one method that is called: no more is asked of a channel for that.
                found: Channel = one
                return found
    raise LookupError(f"{entry_point} brings no channel {key!r}")


class ReportingWindow(MessageWindow):
    """Tells the parent what it notes; several notes of one moment go out together."""

    __slots__ = ("_child",)

    def __init__(self, send: Send, child: "ChannelHost") -> None:
        super().__init__(send.deadline, spread=send.spread)
        self._child = child

    def note_begun(self, key: UUID) -> None:
        super().note_begun(key)
        self._child.tell_soon(encode_report(Kind.BEGUN, key=key.hex))

    def note_ended(self, key: UUID, outcome: Outcome) -> None:
        super().note_ended(key, outcome)
        shown = self.shown.get(key)
        self._child.tell_soon(encode_report(Kind.ENDED, key=key.hex, outcome=outcomes.as_values(outcome), shown=shown))


class ChannelHost:
    def __init__(
        self, connection: socket.socket, channel: Channel, templates: MinijinjaTemplates, telling: threading.Lock
    ) -> None:
        self._connection, self._channel, self._telling = connection, channel, telling
        self._templates = templates
        self._loop = asyncio.new_event_loop()
        self._sessions: LocalSessions
        self._session: LocalSession | None = None
        self._open = AsyncExitStack()
        self._commands = asyncio.Queue[Command]()
        self._untold: list[bytes] = []

    def run(self) -> None:
        threading.Thread(target=self._read, name="parent", daemon=True).start()
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            except (SystemExit, KeyboardInterrupt) as error:
                self._end_broken(f"raised {type(error).__name__}")

    def tell_soon(self, report: bytes) -> None:
        if not self._untold:
            self._loop.call_soon_threadsafe(self.tell)
        self._untold.append(report)

    def tell(self, report: bytes = b"") -> None:
        with self._telling:
            untold, self._untold = self._untold, []
            self._connection.sendall(b"".join([*untold, report]))

    def _end_broken(self, reason: str) -> None:
        self.tell(encode_report(Kind.BROKEN, reason=reason))
        os._exit(1)

    def _read(self) -> None:
        """Take commands, on a thread that no channel's code blocks; end this process when the parent is gone."""
        for command in commands(self._connection):
            if isinstance(command, Stop) and self._session is not None:
                self._session.stop()
            else:
                self._loop.call_soon_threadsafe(self._commands.put_nowait, command)
        if self._session is not None:
            self._session.stop()
            sleep(_FINISH_SECONDS)
        os._exit(0)

    async def _serve(self) -> None:
        async with open_client() as http:
            self._sessions = LocalSessions(self._templates, http, [self._channel])
            await self._serve_commands()

    async def _serve_commands(self) -> None:
        alive = asyncio.create_task(self._stay_alive())
        while True:
            command = await self._commands.get()
            try:
                self.tell(await self._do(command))
            except ChannelBroken as error:
                self.tell(encode_report(Kind.BROKEN, reason=str(error)))
                alive.cancel()
                return

    async def _stay_alive(self) -> None:
        while True:
            self.tell(encode_report(Kind.ALIVE))
            await asyncio.sleep(_ALIVE_SECONDS)

    async def _do(self, command: Command) -> bytes:  # noqa: PLR0911 - a return a command
        match command:
            case Call(call, context):
                return await self._call(call, context)
            case Open():
                return await self._prepare(command)
            case CheckSettings(settings):
                return await self._check(settings)
            case Show(recipient):
                return await self._show(recipient)
            case Connect(journal):
                return await self._connect(journal)
            case Send(recipients):
                window = ReportingWindow(command, self)
                await self._opened.send(recipients, window)
                return encode_report(Kind.SENT, fault=window.fault, state_changes=window.state_changes)
            case Close():
                self._session = None
                await self._open.aclose()
                return encode_report(Kind.CLOSED)
            case Stop():
                return b""  # it came before its session

    async def _call(self, call: ChannelCall[Any], context: CallContext) -> bytes:
        try:
            result = await self._sessions.call(call, context)
        except Unreachable as error:
            return encode_report(Kind.UNREACHABLE, reason=error.reason, cause=_cause(error))
        except ContentInvalid as error:
            return encode_report(Kind.CALL_REFUSED, error="content", reason=error.message, path=error.path)
        except WebhookRefused as error:
            return encode_report(Kind.CALL_REFUSED, error="webhook", reason=str(error))
        return encode_report(Kind.ANSWERED, answer=call.encode(result.value), state_changes=result.state_changes)

    @property
    def _opened(self) -> LocalSession:
        assert self._session is not None
        return self._session

    async def _prepare(self, command: Open) -> bytes:
        try:
            host = self._sessions.host(command.state, command.webhook_url)
            session = self._sessions.open_channel(self._channel, command.settings, command.content, host)
            self._session = await self._open.enter_async_context(session)
        except DomainError as error:
            return _refused(error)
        limits = self._session.limits
        return encode_report(
            Kind.OPENED,
            reads_properties=self._session.reads_properties,
            limits=None if limits is None else account_limits().encode(limits),
        )

    async def _check(self, settings: Mapping[str, object]) -> bytes:
        try:
            return encode_report(
                Kind.CHECKED, settings=await self._sessions.check_settings(self._channel.key, settings)
            )
        except DomainError as error:
            return _refused(error)

    async def _show(self, recipient: Recipient) -> bytes:
        try:
            shown = await self._opened.show(recipient)
        except DomainError as error:
            return _refused(error)
        return encode_report(Kind.SHOWN, preview=shown.encode().decode())

    async def _connect(self, journal: str | None) -> bytes:
        try:
            await self._opened.connect(None if journal is None else Path(journal))
        except Unreachable as error:
            return encode_report(Kind.UNREACHABLE, reason=error.reason, cause=_cause(error))
        except JournalUnwritable as error:
            return encode_report(Kind.NO_JOURNAL, reason=error.reason)
        return encode_report(Kind.CONNECTED)


def _cause(error: Unreachable) -> str | None:
    """Return for the log what the store's staff are not told."""
    cause = error.__cause__
    return None if cause is None else f"{type(cause).__name__}: {cause}"


def _refused(error: DomainError) -> bytes:
    errors = [{"message": one.message, "field": list(one.field), "code": one.code.value} for one in error.errors]
    return encode_report(Kind.REFUSED, errors=errors)


def main(entry_point: str, key: str, memory_mb: int, allowed: str, filters: str) -> None:
    connection = socket.socket(fileno=os.dup(0))
    # What a channel reads from its standard input or prints is none of the parent's.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    limit_memory(memory_mb)
    telling = threading.Lock()

    def report_refused(address: str) -> None:
        with telling:
            connection.sendall(encode_report(Kind.TARGET_REFUSED, address=address))

    extend_import_path()
    guard_connections(Targets(tuple(filter(None, allowed.split(",")))), report_refused)
    try:
        channel = load_channel(entry_point, key)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code, and this process is for it
        connection.sendall(encode_report(Kind.BROKEN, reason=f"could not be loaded: {type(error).__name__}"))
        return
    templates = MinijinjaTemplates(load_filters(list(filter(None, filters.split(",")))))
    ChannelHost(connection, channel, templates, telling).run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
