"""What bounds a long-lived connection: its token, a sign of life, a reader that keeps up."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds."""

    recheck: float = 2.0
    keepalive: float = 12.0
    send_within: float = 30.0
    init_within: float = 10.0


async def until_revoked(allowed: Callable[[], Awaitable[bool]], every: float) -> None:
    """Return once the token is no longer good, which it was just now."""
    good = True
    while good:
        await asyncio.sleep(every)
        # Not cut off when the connection ends meanwhile: half-way out of the pool, a database connection would be lost.
        good = await asyncio.shield(asyncio.ensure_future(allowed()))


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have cleaned up."""
    stopped = list(tasks)
    for task in stopped:
        task.cancel()
    await asyncio.gather(*stopped, return_exceptions=True)
