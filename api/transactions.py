"""Write transactions of requests and commands: one that lost a race to another is run again."""

import asyncio
from collections.abc import Awaitable, Callable
from secrets import randbelow
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from domain.kit.db import Database, Transaction
from domain.kit.db.faults import is_conflict

_ATTEMPTS = 3
_PAUSE_MS = 100

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def write(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Return what `work` returns, in a write transaction; after a deadlock or a lost race, in another one.

    `work` has no effect outside its transaction. Raise DBAPIError once three attempts have lost.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            async with database.write() as tx:
                return await work(tx)
        except DBAPIError as error:
            if not is_conflict(error):
                raise
            log.info("transaction_retried", attempt=attempt, error=type(error.orig).__name__)
        # Those who met here do not meet again at once.
        await asyncio.sleep(randbelow(_PAUSE_MS) / 1000)
    async with database.write() as tx:
        return await work(tx)
