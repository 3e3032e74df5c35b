# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
# asyncpg ships no types.
"""Databases and brokers that tests run on: real ones, each test by itself."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.kit.db import Database
from domain.migrations import migrate
from domain.migrations.tables import metadata
from tests.compiled_statements import share_compiled_statements
from tests.factories import add_store
from tests.leaks import LeakGuard
from tests.properties import register_profiles
from tests.services import POSTGRES, RABBITMQ, REDIS, broker_turn, left_out
from tests.store_scope import StoreScopeGuard

# Where files are kept in memory, and how much of it has to be free for those of a run.
MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 << 30

register_profiles()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeakGuard())
    config.pluginmanager.register(StoreScopeGuard())
    share_compiled_statements()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    # SQLite waits for the disk at every commit: for a memory that is read as files, it need not.
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # A developer's own settings must not reach the tests.
    for name in [name for name in os.environ if name.startswith("MUSTER_") and "TEST" not in name]:
        if name != "MUSTER_REQUIRE_SERVICES":
            del os.environ[name]


# Before pytest-xdist looks at the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a broker's queues run one after another, in one process; what both databases do is marked."""
    names = {item.nodeid for item in items}
    for item in items:
        if "postgresql" in item.name and item.nodeid.replace("postgresql", "sqlite") in names:
            item.add_marker(pytest.mark.again)
        if {"broker_url", "rabbitmq_url", "redis_url"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("broker"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if lines := left_out(terminalreporter.getreports("skipped")):
        terminalreporter.section("services that are missing")
        for line in lines:
            terminalreporter.line(line)
    for report in terminalreporter.getreports("passed"):
        for name, line in report.user_properties:
            if name in {"simulation", "scopes"}:
                terminalreporter.section(name)
                terminalreporter.line(str(line))


@pytest.fixture(autouse=True)
def journals_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each test's journals, files and plugins lie where no other looks for them."""
    monkeypatch.setenv("MUSTER_PLUGINS_DIR", str(tmp_path / "plugins"))
    monkeypatch.setenv("MUSTER_JOURNALS_DIR", str(tmp_path / "journals"))
    monkeypatch.setenv("MUSTER_FILES_DIR", str(tmp_path / "files"))


@pytest.fixture(autouse=True)
def mail_servers_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have channels reach the servers that tests start on this machine."""
    monkeypatch.setenv("MUSTER_PRIVATE_TARGETS", "127.0.0.0/8,::1")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    asyncio.run(migrate_at(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def emptied_postgres_url() -> Iterator[Callable[[], str]]:
    """A database of this test process alone, made by the migrations, emptied when asked for, and dropped at the end."""
    deletes = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
    terminates = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with postgres_database(f"muster_test_{os.getpid()}") as url, asyncio.Runner() as runner:
        runner.run(migrate_at(url))
        # One connection empties it before every test: to connect would take longer than to delete.
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        connection = runner.run(_connect(engine))

        def empty() -> str:
            # What a test's killed workers left running would meet the deletes in a deadlock; 5,000 ms to end.
            runner.run(connection.exec_driver_sql(terminates))
            # In this role of the session no trigger keeps an entry of the audit log from being deleted.
            runner.run(
                connection.exec_driver_sql(
                    f"DO $$ BEGIN SET LOCAL session_replication_role = replica; {deletes}; END $$"
                )
            )
            return url

        yield empty
        runner.run(connection.close())
        runner.run(engine.dispose())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a migrated database without a row is."""
    if request.param == "sqlite":
        path = tmp_path / "muster.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite+aiosqlite:///{path}"
    empty: Callable[[], str] = request.getfixturevalue("emptied_postgres_url")
    return empty()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database without a table is."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    with postgres_database(f"muster_test_{os.getpid()}_empty") as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def store_id(database: Database) -> int:
    async with database.write() as tx:
        return await add_store(tx)


@pytest.fixture
def turn() -> Iterator[None]:
    with broker_turn():
        yield


@pytest.fixture
def redis_url(turn: None) -> str:
    REDIS.require()
    return f"{REDIS.url}/9"


@pytest.fixture
def rabbitmq_url(turn: None) -> str:
    RABBITMQ.require()
    return RABBITMQ.url


@pytest.fixture(params=["memory", "redis", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory://"
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@contextmanager
def postgres_database(name: str) -> Generator[str]:
    POSTGRES.require()
    asyncio.run(_administer(f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET synchronous_commit = off"))
    yield make_url(POSTGRES.url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(_administer(f"DROP DATABASE {name} WITH (FORCE)"))


async def migrate_at(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


async def _administer(*statements: str) -> None:
    engine = create_async_engine(POSTGRES.url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()
