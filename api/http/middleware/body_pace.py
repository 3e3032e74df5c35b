"""Cuts off a body that comes too slowly: whoever sends it holds a place that others need."""

import asyncio
from time import monotonic
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAUSE_SECONDS: Final = 10.0
# From then on the body's average counts.
START_SECONDS: Final = 30.0
BYTES_A_SECOND: Final = 8_192


class BodyTooSlow(Exception):
    """The client pauses too long, or sends too little at a time."""


class BodyPace:
    """Raises BodyTooSlow to the application that reads a body."""

    def __init__(self, app: ASGIApp, *, pause: float = PAUSE_SECONDS, start: float = START_SECONDS) -> None:
        self.app = app
        self.pause = pause
        self.start = start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        complete = False
        received = 0
        begun_at: float | None = None

        async def receive_in_time() -> Message:
            nonlocal complete, received, begun_at
            if complete:
                return await receive()
            begun_at = begun_at or monotonic()
            try:
                async with asyncio.timeout(self.pause):
                    message = await receive()
            except TimeoutError:
                raise BodyTooSlow from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            seconds = monotonic() - begun_at
            if not complete and seconds > self.start and received < BYTES_A_SECOND * seconds:
                raise BodyTooSlow
            return message

        await self.app(scope, receive_in_time, send)
