"""Admits so many requests at a time as the server can serve, and refuses at once those that would wait too long.

A server that takes on all that comes answers none in time. Dear work has a gate of its own, so that previews keep
nobody from a page; files have another, for they come as slowly as their senders are.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from secrets import randbelow
from time import monotonic

from api.graphql.kit.errors import UNAVAILABLE, refusal
from api.graphql.server.negotiation import Outcome, Refused

# Seconds that a request takes before any was measured, and the weight of each in the average.
_FIRST_GUESS = 0.05
_WEIGHT = 0.1
# A request that takes longer has too many beside it; each such makes a gate narrower, each other one wider again.
_LONG = 0.8
_NARROWER, _WIDER = 0.95, 0.1


def overloaded() -> Refused:
    # Those who were refused at one moment do not come back at one.
    seconds = 2 + randbelow(3)
    message = "The server has more to do than it can. Try again in a moment."
    return Refused(
        Outcome.UNAVAILABLE, [refusal(message, UNAVAILABLE, retryAfter=seconds)], {"Retry-After": str(seconds)}
    )


class Gate:
    """Lets in so many at a time; others wait in line, unless they would for longer than `patience` seconds.

    It is `width` wide, and down to `least` while those inside keep one another from being served soon.
    """

    def __init__(self, width: int, patience: float, *, least: int | None = None) -> None:
        self._most = width
        self._least = width if least is None else least
        self._width = float(width)
        self._patience = patience
        self._inside = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._seconds_inside = _FIRST_GUESS

    @asynccontextmanager
    async def passed(self) -> AsyncGenerator["Place"]:
        """Hold a place inside during the block. Raise Refused when there is none in time."""
        place = Place()
        await place.take(self)
        try:
            yield place
        finally:
            place.leave()

    async def enter(self) -> None:
        if self._has_room:
            self._inside += 1
            return
        if (len(self._line) + 1) * self._seconds_inside / self._width > self._patience:
            raise overloaded()
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.cancelled():
                with suppress(ValueError):  # taken out of the line meanwhile
                    self._line.remove(turn)
            else:
                self._give_up()  # it had its turn at the very moment
            if isinstance(error, TimeoutError):
                raise overloaded() from None
            raise

    def leave(self, seconds: float) -> None:
        """Give the place up, which was held for so long."""
        self._seconds_inside += (seconds - self._seconds_inside) * _WEIGHT
        wanted = self._width * _NARROWER if seconds > _LONG else self._width + _WIDER
        self._width = min(max(wanted, self._least), self._most)
        self._give_up()

    @property
    def _has_room(self) -> bool:
        return self._inside < int(self._width)

    def _give_up(self) -> None:
        self._inside -= 1
        while self._line and self._has_room:
            turn = self._line.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)


class Place:
    """A place behind a gate, which may be given up for a while, or for one behind another gate."""

    def __init__(self) -> None:
        self._gate: Gate | None = None
        self._entered_at = 0.0

    async def take(self, gate: Gate) -> None:
        """Have a place behind this gate, and behind no other. Raise Refused when there is none in time."""
        if self._gate is not gate:
            self.leave()
            await gate.enter()
            self._gate, self._entered_at = gate, monotonic()

    def leave(self) -> None:
        if self._gate is not None:
            self._gate.leave(monotonic() - self._entered_at)
            self._gate = None


def _plain() -> Gate:
    return Gate(8, 1.0, least=2)


def _dear() -> Gate:
    return Gate(2, 1.5)


def _files() -> Gate:
    return Gate(8, 0)


@dataclass(frozen=True, slots=True)
class Admission:
    """The gates of a server process. Requests, dear ones too, use no more than its pool has of connections."""

    plain: Gate = field(default_factory=_plain)
    dear: Gate = field(default_factory=_dear)
    files: Gate = field(default_factory=_files)

    def gate(self, *, dear: bool) -> Gate:
        return self.dear if dear else self.plain
