"""A channel's process, as its parent sees it: started, asked, watched and ended."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog

from domain.sessions.session import ChannelBroken
from plugins.isolation.exit_status import how_it_ended
from plugins.isolation.frames import Close, Command, Kind, Report, encode_command, read_report

log = structlog.get_logger(__name__)

# A process whose loop does not turn for so long is blocked by the channel's code.
BLOCKED_SECONDS = 30.0
# Seconds that a process has to load its channel: the first time, its modules are compiled.
_LOAD_SECONDS = 60.0
_LOOK = 0.5


@dataclass(frozen=True, slots=True)
class ChannelSource:
    """The channel that a process runs, and what it may have."""

    key: str
    entry_point: str
    package: str
    version: str
    environment: Mapping[str, str]
    memory_mb: int
    # Networks that are not public, and that it may connect to all the same.
    private_targets: Sequence[str]
    # Entry points of the plugins whose filters its templates have.
    filters: Sequence[str] = ()

    def broken(self, reason: str) -> ChannelBroken:
        kind, _, name = self.key.rpartition(":")
        # What its own session says names it, but not its package, and takes all that is called for a channel.
        reason = reason.removeprefix(f"The channel {name} ")
        return ChannelBroken(f"The {kind or 'channel'} {name} ({self.package} {self.version}) {reason}")


class ChannelProcess:
    """One process, with one session at a time. It belongs to the event loop that has started it."""

    def __init__(self, source: ChannelSource) -> None:
        self.source = source
        self.idle_since = monotonic()
        self._process: subprocess.Popen[bytes]
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def start(self) -> None:
        """Start the process. Raise ChannelBroken when the channel cannot be loaded there."""
        source = self.source
        # -P keeps the working directory out of the import path.
        command = [sys.executable, "-P", "-m", "plugins.isolation.child", source.entry_point, source.key]
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.to_thread(
                subprocess.Popen[bytes],
                [*command, str(source.memory_mb), ",".join(source.private_targets), ",".join(source.filters)],
                stdin=theirs.fileno(),
                env=dict(source.environment),
                process_group=0,
            )
        ours.setblocking(False)
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        await self.next_report(Kind.ALIVE, patience=_LOAD_SECONDS)

    def tell(self, command: Command) -> None:
        self._writer.write(encode_command(command))

    async def ask(self, command: Command, *kinds: Kind) -> Report:
        """Send the command, and return the first report of these kinds. Raise ChannelBroken."""
        self.tell(command)
        return await self.next_report(*kinds)

    async def next_report(self, *kinds: Kind, patience: float | None = None) -> Report:
        """Return the next report of these kinds. Raise ChannelBroken when the process ends, breaks or is blocked.

        It is blocked when nothing at all is heard of it for `patience` seconds, usually BLOCKED_SECONDS.
        """
        while True:
            report = await self._read(patience or BLOCKED_SECONDS)
            if report is None:
                raise self.source.broken(await self._end())
            if report["kind"] == Kind.TARGET_REFUSED:
                log.warning("channel_target_refused", channel=self.source.key, address=report["address"])
            if report["kind"] in kinds:
                return report
            if report["kind"] == Kind.BROKEN:
                reason: str = report["reason"]
                await self.kill()
                raise self.source.broken(reason)

    async def _read(self, patience: float) -> Report | None:
        """Return the next report, None at the end. Raise ChannelBroken when the process is blocked."""
        reading = asyncio.ensure_future(read_report(self._reader))
        listened = 0.0
        try:
            while not (await asyncio.wait({reading}, timeout=_LOOK))[0]:
                # Counted, not timed: while this process stands still, as both do on a machine that does, it is deaf.
                listened += _LOOK
                if listened > patience:
                    await self.kill()
                    raise self.source.broken(f"was blocked by its code for {patience:.0f} seconds")
            return reading.result()
        except ValueError:
            await self.kill()
            raise self.source.broken("reported what is no report") from None
        finally:
            reading.cancel()

    async def release(self) -> bool:
        """End the session; return whether the process can have another."""
        try:
            async with asyncio.timeout(_LOAD_SECONDS):
                await self.ask(Close(), Kind.CLOSED)
        except (ChannelBroken, TimeoutError, ConnectionError):
            await self.kill()
            return False
        self.idle_since = monotonic()
        return True

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    async def kill(self) -> None:
        """End the process with all that it has started, and wait for its end."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._end()

    async def _end(self) -> str:
        """Wait for the end of the process, which closed its side, and return how it ended."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        try:
            status = await asyncio.to_thread(self._process.wait, 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = await asyncio.to_thread(self._process.wait)
        return how_it_ended(status)
