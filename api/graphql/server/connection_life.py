"""The life of a long-lived connection: while its token is valid, and its client answers and keeps up."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from api.database_errors import log_unavailable


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds between checks of the token and signs of life, and for an answer of the client."""

    recheck: float = 2.0
    keepalive: float = 12.0
    send_within: float = 30.0
    init_within: float = 10.0


async def until_revoked(allowed: Callable[[], Awaitable[bool]], every: float) -> None:
    """Return once the token is no longer valid, which it was just now."""
    valid = True
    while valid:
        await asyncio.sleep(every)
        # Not cut off when the connection ends meanwhile: half-way out of the pool, a database connection would be lost.
        try:
            valid = await asyncio.shield(asyncio.ensure_future(allowed()))
        except Exception as error:
            # Nobody can revoke a token either while the database does not answer.
            if log_unavailable(error) is None:
                raise


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have cleaned up."""
    cancelled = list(tasks)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)
