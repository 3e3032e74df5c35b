"""Failpoints: a process dies before or behind each of its commits, and another one ends what it began."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from domain.kit.db import Database, Transaction
from domain.sessions.journal import Claim, JournalDirectory
from tests.domain.campaigns.stage import Killed


class MortalDatabase(Database):
    """The database as a process sees it that dies at a failpoint: there is one before and one behind each commit."""

    def __init__(self, url: str, dies_at: int) -> None:
        super().__init__(url)
        self._dies_at = dies_at
        self._passed = 0
        self.dead = False

    def pass_failpoint(self) -> None:
        """Die here, where it is the one."""
        self._passed += 1
        self.dead = self.dead or self._passed == self._dies_at
        self._check_alive()

    def _check_alive(self) -> None:
        if self.dead:
            raise Killed

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        self._check_alive()
        async with super().read() as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Transaction]:
        self._check_alive()
        async with super().write() as tx:
            yield tx
            self.pass_failpoint()
        self.pass_failpoint()


class MortalJournals(JournalDirectory):
    """The journals as a process sees them that lays none aside once it is dead."""

    def __init__(self, path: Path, database: MortalDatabase) -> None:
        super().__init__(path)
        self._database = database

    def close(self, claim: Claim) -> None:
        if not self._database.dead:
            super().close(claim)


async def die_at(url: str, failpoint: int, work: Callable[[MortalDatabase], Awaitable[object]]) -> MortalDatabase:
    """Do the work with a death at the failpoint; return the database, which says whether it came so far."""
    database = MortalDatabase(url, failpoint)
    try:
        with suppress(Killed):
            await work(database)
    finally:
        await database.close()
    return database
