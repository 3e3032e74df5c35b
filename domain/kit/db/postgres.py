# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# asyncpg ships no types.
"""Connections to PostgreSQL: none waits for ever on a host that is gone; a pooler or several hosts may be there."""

import os
import socket
from asyncio import BaseTransport
from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson
from asyncpg.transaction import Transaction
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from domain.kit.db.time_limits import TimeLimits

_CONNECT_SECONDS = 5.0
# What the server does by itself about a client that is gone: it ends the transaction, and so releases its locks.
_IDLE_IN_TRANSACTION = "20s"
_SERVER_KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "15000",
}
# The execution option that names the store whose rows alone a transaction may see.
STORE_OPTION = "muster_store"
# Whoever owns the tables sees all stores' rows. Requests have a role of their own, whose name follows from the owner's:
# roles are the server's, and an installation must not take on the role of another one.
REQUEST_ROLE = "pg_get_userbyid(relowner) || '_request'"
# What to ask pg_has_role whether a user may take a role on. Before PostgreSQL 16, every member may.
SET_OPTION = "CASE WHEN CAST(current_setting('server_version_num') AS integer) < 160000 THEN 'MEMBER' ELSE 'SET' END"
_FIND_ROLE = f"SELECT quote_ident({REQUEST_ROLE}) FROM pg_class WHERE oid = CAST('stores' AS regclass)"  # noqa: S608
# A server that is asked to cut a statement short, and does not within these seconds, is given up.
_CANCEL_SECONDS = 3.0


def create_engine(url: str, pool_size: int, limits: TimeLimits, *, pooler: bool) -> AsyncEngine:
    """Return an engine whose connections follow the limits.

    Behind a `pooler` in transaction mode, statements have no names and nothing is set for the session: each transaction
    begins with its settings. With the option `muster_store` it begins as the role of requests too, in that store.
    """
    settings = _local_settings(limits) if pooler else ""
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=limits.pool,
        hide_parameters=True,
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        connect_args={
            "async_creator_fn": _Connector(limits),
            "command_timeout": limits.statement + _CANCEL_SECONDS if limits.statement else None,
            **(_WITHOUT_SESSION if pooler else {"server_settings": _session_settings(limits)}),
        },
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def refuse_closed(_: DBAPIConnection, entry: ConnectionPoolEntry, __: object) -> None:
        driver: Any = entry.driver_connection
        if driver.is_closed():
            raise DisconnectionError

    @event.listens_for(engine.sync_engine, "begin")
    def prepare_transaction(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.prepare_transaction(settings, connection.get_execution_options().get(STORE_OPTION))

    @event.listens_for(engine.sync_engine, "checkin")
    def close_unless_ended(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        # The next user would inherit a transaction that failed, or was cancelled, while it began or ended.
        driver: Any = entry.driver_connection
        if driver is not None and driver.may_be_in_transaction:
            driver.terminate()

    @event.listens_for(engine.sync_engine, "handle_error")
    def give_up_silent(context: ExceptionContext) -> None:
        # A connection that did not answer in time would make its next user wait as long again.
        if isinstance(context.original_exception, OSError):
            context.is_disconnect = True

    return engine


def _local_settings(limits: TimeLimits) -> str:
    return "".join(f"; SET LOCAL {name} = '{value}'" for name, value in _statement_settings(limits).items())


def _statement_settings(limits: TimeLimits) -> Mapping[str, str]:
    return {
        # Segment statements are wide and short: compiling them costs more than running them.
        "jit": "off",
        "statement_timeout": str(int(limits.statement * 1000)),
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION,
    }


def _session_settings(limits: TimeLimits) -> Mapping[str, str]:
    return {"application_name": "muster", **_SERVER_KEEPALIVE, **_statement_settings(limits)}


_WITHOUT_SESSION: Mapping[str, object] = {
    "server_settings": {"application_name": "muster"},
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,  # no name: another client's transaction on the connection has none either
}


class _Connector:
    """Connects to the first of the hosts that can write, each in its share of the time."""

    def __init__(self, limits: TimeLimits) -> None:
        self._connection_class = _connection_class(limits.silence)
        self._last_host = 0

    async def __call__(
        self, *, host: str | list[str] | None = None, port: int | list[int] | None = None, **options: Any
    ) -> Any:
        hosts, ports = (host, port) if isinstance(host, list) and isinstance(port, list) else ([host], [port])
        options.setdefault("target_session_attrs", "read-write")
        # The driver itself would spend all the time on the first host.
        options.setdefault("timeout", _CONNECT_SECONDS / len(hosts))
        failure: Exception | None = None
        for number in range(len(hosts)):
            index = (self._last_host + number) % len(hosts)
            try:
                connection = await asyncpg.connect(
                    host=hosts[index], port=ports[index], connection_class=self._connection_class, **options
                )
            except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError) as error:
                failure = error
                continue
            self._last_host = index
            return connection
        assert failure is not None
        raise failure


def _connection_class(silence: float) -> type[Any]:
    class Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg ships no types
        """Begins each transaction together with its settings, in one round trip."""

        def __init__(self, protocol: object, transport: BaseTransport, *arguments: Any) -> None:
            super().__init__(protocol, transport, *arguments)
            _end_after_silence(transport, silence)
            # From before BEGIN until the server has said that the transaction has ended.
            self.may_be_in_transaction = False
            self._settings = ""
            self._store_id: int | None = None
            self._role: str | None = None

        def prepare_transaction(self, settings: str, store_id: int | None) -> None:
            self._settings = settings
            self._store_id = store_id

        def transaction(self, **_: object) -> "_Transaction":
            return _Transaction(self, None, False, False)

        async def begin(self) -> None:
            self.may_be_in_transaction = True
            of_store = "" if self._store_id is None else await self._as_request(self._store_id)
            await self.execute(f"BEGIN{self._settings}{of_store}")

        async def end(self, statement: str) -> None:
            await self.execute(statement)
            self.may_be_in_transaction = False

        async def _as_request(self, store_id: int) -> str:
            if self._role is None:
                # In a transaction, for the sake of poolers; one of its own, which may yet choose its isolation.
                await self.execute("BEGIN")
                self._role = await self.fetchval(_FIND_ROLE)
                await self.execute("COMMIT")
            # LOCAL settings are those that no later user of the connection finds.
            return f"; SET LOCAL ROLE {self._role}; SET LOCAL muster.store_id = {store_id:d}"

    return Connection


class _Transaction(Transaction):  # type: ignore[misc] # asyncpg ships no types
    """A transaction that begins and ends by what its connection says."""

    async def start(self) -> None:
        await self._connection.begin()

    async def commit(self) -> None:
        await self._connection.end("COMMIT")

    async def rollback(self) -> None:
        await self._connection.end("ROLLBACK")


def _end_after_silence(transport: BaseTransport, seconds: float) -> None:
    """Have the kernel close the connection once the other host has not answered for so long."""
    step = max(1, round(seconds / 3))
    # uvloop's own sockets have no options.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as ours:
        if ours.family not in (socket.AF_INET, socket.AF_INET6):
            return
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", step),
            ("TCP_KEEPINTVL", step),
            ("TCP_KEEPCNT", 2),
            ("TCP_USER_TIMEOUT", int(seconds * 1000)),
        ):
            # Each system has some of them.
            if hasattr(socket, name):
                ours.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _dump_json(value: object) -> str:
    return orjson.dumps(value).decode()
