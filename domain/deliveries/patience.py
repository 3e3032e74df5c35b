"""Waiting for messages that are being sent: as long as something is heard of them, and as long as is due to them."""

import asyncio
from contextlib import suppress
from time import monotonic

from domain.sessions.session import ChannelSession
from domain.sessions.window import MessageWindow

# A channel that reports nothing for so long is taken for hung: it bounds its own waits to 120 seconds.
_SILENCE_SECONDS = 150.0
# What is left of the silence can be too little for a clock to move on.
_LEAST_SECONDS = 0.01
_LOOK_SECONDS = 10.0
# For the messages that have begun when a worker is stopped or loses its lease.
_FINISH_SECONDS = 12.0


async def let_finish(sending: "asyncio.Task[None]") -> None:
    """Wait for the end of a sending as long as is due to it, however often this is cancelled meanwhile."""
    deadline = monotonic() + _FINISH_SECONDS
    while not sending.done() and (seconds := deadline - monotonic()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.wait({sending}, timeout=seconds)


async def wait_to_the_end(task: "asyncio.Future[None]") -> None:
    """Wait until the task has ended, and only then raise CancelledError if this was cancelled meanwhile."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    await task
    if cancelled:
        raise asyncio.CancelledError


async def watch(sending: "asyncio.Task[None]", window: MessageWindow, session: ChannelSession) -> None:
    """Wait for the end of the sending. Raise what it raises, and ChannelBroken when nothing is heard of it any more."""
    while True:
        asked_at = monotonic()
        seconds = min(max(window.heard_at + _SILENCE_SECONDS - asked_at, _LEAST_SECONDS), _LOOK_SECONDS)
        if (await asyncio.wait({sending}, timeout=seconds))[0]:
            return await sending
        if monotonic() - asked_at > seconds + _LOOK_SECONDS:
            # It was this process that stood still: what the channel has to say has yet to be heard.
            window.heard_at = monotonic()
        elif monotonic() >= window.heard_at + _SILENCE_SECONDS:
            raise session.broken(f"hangs: it reported nothing for {_SILENCE_SECONDS:.0f} s")
