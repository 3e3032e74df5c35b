"""A process's way to the history's database, on which everything goes wrong that can."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiosqlite
from sqlalchemy import Dialect
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kit.db import Database, Transaction
from tests.simulation.faults import Fault, Point
from tests.simulation.world import Over, Process, World


def lost(reason: str) -> OperationalError:
    """Return the error of a connection that is gone."""
    return OperationalError(None, None, Exception(reason), connection_invalidated=True)


def locked() -> OperationalError:
    """Return the error of a database that others write to for too long."""
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorname = "SQLITE_BUSY"
    return OperationalError("BEGIN IMMEDIATE", (), cause)


class _Driver(aiosqlite.Connection):
    """The driver's own connection, as far as the domain speaks to it."""

    def __init__(self) -> None:
        """Open nothing, and begin no thread."""
        self._connection = None

    async def set_progress_handler(self, handler: Any, n: int) -> None:
        return None

    async def rollback(self) -> None:
        return None


class _RawConnection:
    driver_connection = _Driver()


class SimulatedConnection:
    """Runs statements at once. Between those of a reader others may write, unless it reads a snapshot."""

    def __init__(self, world: World, process: Process, *, reading: bool) -> None:
        self._world, self._process = world, process
        self._reading, self._first = reading, True
        self.invalidated = False

    @property
    def dialect(self) -> Dialect:
        return self._world.storage.connection.dialect

    async def get_raw_connection(self) -> _RawConnection:
        return _RawConnection()

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        await self._wait()
        return self._world.storage.connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any:
        if statement == "BEGIN":
            self._reading = False
            return None
        await self._wait()
        return self._world.storage.connection.exec_driver_sql(statement, parameters)

    async def _wait(self) -> None:
        if self._world.over:
            raise Over
        if self._reading and not self._first:
            await self._world.pass_time(self._world.chance.random() * 0.01)
        self._first = False


class SimulatedDatabase(Database):
    """The database as one process sees it."""

    def __init__(self, world: World, process: Process) -> None:
        self.url = "sqlite+simulated://"
        self.notify = world.broker.notify
        self._world, self._process = world, process

    @property
    def dialect(self) -> str:
        return "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        await self._reach(Point.READ)
        yield self._transaction(reading=True)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Transaction]:
        world, process = self._world, self._process
        await self._reach(Point.BEGIN)
        world.writing = process
        world.storage.begin()
        transaction = self._transaction(reading=False)
        try:
            yield transaction
            await self._commit()
        except BaseException:
            if not world.over and process.alive:
                world.storage.undo()
            raise
        finally:
            if not world.over and process.alive:
                world.writing = None
        world.note(process, "commit")
        for look in world.on_commit:
            look(process)
        if await world.gate(process, Point.COMMITTED) is Fault.ANSWER_LOST:
            raise lost("the commit's answer was lost")
        if transaction.notices:
            world.broker.notify(transaction.notices)

    async def close(self) -> None:
        return None

    async def _reach(self, point: Point) -> None:
        fault = await self._world.gate(self._process, point)
        if fault is Fault.LOCKED:
            raise locked()
        if fault in {Fault.CONNECTION_LOST, Fault.AWAY} or self._world.away_until > self._world.loop.now:
            raise lost(f"the connection was lost: {fault}")
        # A writer that waits for something in the midst of its transaction is waited for.
        while self._world.writing is not None:
            await self._world.pass_time(self._world.chance.random() * 0.01)

    async def _commit(self) -> None:
        fault = self._world.faults.at(Point.COMMIT, spared=self._process.spared)
        if fault is None:
            self._world.storage.commit()
            return
        self._world.note(self._process, f"{fault} {Point.COMMIT}")
        if fault is Fault.CRASH:
            await self._world.crash(self._process)
        raise lost(f"the connection was lost: {fault}")

    def _transaction(self, *, reading: bool) -> Transaction:
        connection = SimulatedConnection(self._world, self._process, reading=reading)
        return Transaction(cast("AsyncConnection", connection))  # a stand-in, as far as transactions ask
