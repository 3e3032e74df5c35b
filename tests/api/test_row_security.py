"""What `muster doctor` and /readyz say of row security: of users without rights, of roles with too many (S1)."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from api.doctor import CheckResult, run_checks
from api.http.health import readiness_of
from api.row_security import row_security
from api.settings import Settings
from api.wiring import build
from domain.kit.db import Database
from domain.kit.db.portable import refresh_statistics
from domain.migrations import is_current, migrate, request_role
from domain.stores.tables import stores
from tests.factories import add_store
from tests.services import POSTGRES

pytestmark = [pytest.mark.slow]
OWNER = f"muster_test_{os.getpid()}_owner"
ROLE = f"{OWNER}_request"
CLERK = f"muster_test_{os.getpid()}_clerk"
DATABASES = (f"muster_test_{os.getpid()}_one", f"muster_test_{os.getpid()}_two")


def url_of(user: str, database: str = DATABASES[0]) -> str:
    return make_url(POSTGRES.url).set(username=user, database=database).render_as_string(hide_password=False)


async def administer(*statements: str, url: str = POSTGRES.url) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


@asynccontextmanager
async def opened(user: str, database: str = DATABASES[0]) -> AsyncGenerator[Database]:
    """The database as that user has it, by one connection."""
    one = Database(url_of(user, database), pool_size=1, row_security=True)
    yield one
    await one.close()


@pytest.fixture
async def owner() -> AsyncGenerator[str]:
    """A user who owns two databases and may create no role."""
    POSTGRES.require()
    await administer(
        f"CREATE ROLE {OWNER} LOGIN",
        f"CREATE ROLE {CLERK} LOGIN",
        *(f"CREATE DATABASE {name} OWNER {OWNER}" for name in DATABASES),
    )
    yield OWNER
    await administer(
        *(f"DROP DATABASE {name} WITH (FORCE)" for name in DATABASES),
        f"DROP ROLE IF EXISTS {ROLE}",
        f"DROP ROLE {CLERK}",
        f"DROP ROLE {OWNER}",
    )


async def problems(user: str, *, is_on: bool = True) -> list[str]:
    async with opened(user) as database, database.read() as tx:
        return (await row_security(tx, is_on=is_on)).problems


async def test_a_user_who_may_create_no_role_is_told_what_to_run(owner: str) -> None:
    async with opened(owner) as database:
        await migrate(database)
        assert await is_current(database)
        [missing] = await problems(owner)
        grant = f"GRANT {ROLE} TO {OWNER}"
        assert f"the role '{ROLE}' is missing" in missing
        assert f"`CREATE ROLE {ROLE} NOLOGIN; {grant}`" in missing
        assert await problems(owner, is_on=False) == []
        # Without its role a request gets nothing, and leaves a connection that others can use.
        with pytest.raises(DBAPIError, match="does not exist"):
            async with database.of_store(1).read() as tx:
                await tx.scalar(text("SELECT 1"))
        async with database.read() as tx:
            assert await tx.scalar(text("SELECT 1")) == 1

        await administer(f"CREATE ROLE {ROLE} NOLOGIN")
        [refused] = await problems(owner)
        assert f"may not take on the role '{ROLE}'" in refused
        assert f"`{grant}`" in refused
        await administer(grant)
        without_rights = await problems(owner)
        assert f"the role '{ROLE}' has no right to the table customers: run `muster migrate`" in without_rights
        await migrate(database)
        assert await problems(owner) == []
        async with database.write() as tx:
            store_ids = [await add_store(tx) for _ in range(2)]
        async with database.of_store(store_ids[1]).read() as tx:
            assert list((await tx.execute(text("SELECT id FROM stores"))).scalars()) == [store_ids[1]]
            # A connection of this role's own may not be made.
            assert await tx.scalar(text("SELECT current_user")) == ROLE


async def test_databases_that_are_migrated_at_once_share_one_role(owner: str) -> None:
    async with opened(owner, DATABASES[0]) as first, opened(owner, DATABASES[1]) as second:
        await migrate(first)
        await migrate(second)
        await administer(f"ALTER ROLE {OWNER} CREATEROLE")
        async with first.engine.begin() as begun_first, second.engine.begin() as begun_second:
            await begun_first.run_sync(request_role.prepare)
            waiting = asyncio.create_task(begun_second.run_sync(request_role.prepare))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await begun_first.commit()
            await waiting
        for database in (first, second):
            async with database.read() as tx:
                found = await row_security(tx, is_on=True)
            assert (found.problems, found.warning) == ([], False)
            assert found.message == (
                f"requests run as '{ROLE}' and see one store; workers and commands, as '{OWNER}', see all"
            )


async def test_a_role_with_rights_of_its_own_and_a_table_without_policy_are_found(owner: str) -> None:
    await administer(f"ALTER ROLE {OWNER} CREATEROLE")
    async with opened(owner) as database:
        await migrate(database)
    for more, less in (
        (f"ALTER ROLE {ROLE} BYPASSRLS", f"ALTER ROLE {ROLE} NOBYPASSRLS"),
        (f"ALTER ROLE {ROLE} LOGIN", f"ALTER ROLE {ROLE} NOLOGIN"),
    ):
        await administer(more)
        [problem] = await problems(owner)
        assert problem.startswith(f"the role '{ROLE}' is more than requests may be")
        await administer(less)
        assert await problems(owner) == []
    await administer(
        "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_store ON events",
        "CREATE POLICY of_everybody ON orders USING (true)",
        url=url_of(owner),
    )
    assert await problems(owner) == [
        f"the table {name} needs the policy of_store, and no other" for name in ("customers", "events", "orders")
    ]


async def test_a_user_who_does_not_own_the_tables_is_told_so_whatever_the_setting(owner: str) -> None:
    async with opened(owner) as database:
        await migrate(database)
        async with database.write() as tx:
            await add_store(tx)
    await administer(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {CLERK}", url=url_of(owner))
    async with opened(CLERK) as database, database.read() as tx:
        assert (await tx.execute(stores.select())).all() == []
    for is_on in (False, True):
        assert await problems(CLERK, is_on=is_on) == [
            f"Muster's user '{CLERK}' sees no rows, for the tables are of '{OWNER}': `GRANT {OWNER} TO {CLERK}`"
        ]
    await administer(f"GRANT {OWNER} TO {CLERK}")
    assert await problems(CLERK, is_on=False) == []


async def test_a_member_of_the_owner_who_signs_in_as_it_counts_and_asks_as_well(owner: str) -> None:
    await administer(
        f"ALTER ROLE {OWNER} CREATEROLE", f"GRANT {OWNER} TO {CLERK}", f"ALTER ROLE {CLERK} SET role = {OWNER}"
    )
    async with opened(CLERK) as database:
        await migrate(database)
        assert await problems(CLERK) == []
        async with database.write() as tx:
            store_id = await add_store(tx)
        for view in (database, database.of_store(store_id)):
            async with view.write() as tx:
                await refresh_statistics(tx, stores)
                assert await tx.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'stores'")) == 1
        async with database.read() as tx:
            assert await tx.scalar(text("SELECT current_user")) == OWNER


async def checks(settings: Settings) -> tuple[CheckResult | None, list[str]]:
    runtime = build(settings)
    try:
        found = {check.name: check for check in await run_checks(runtime)}
        return found.get("row security"), (await readiness_of(runtime.probes)).faults
    finally:
        await runtime.close()


@pytest.mark.parametrize("is_on", [False, True])
async def test_doctor_says_whom_requests_run_as(database_url: str, is_on: bool) -> None:
    key = SecretStr("a key for tests alone")
    sqlite = database_url.startswith("sqlite")
    check, faults = await checks(Settings(database_url=database_url, secret_key=key, row_security=is_on and not sqlite))
    assert faults == []
    assert check is not None
    assert check.passed
    if is_on and not sqlite:
        assert check.message == (
            "requests run as 'postgres_request', but Muster's user 'postgres' is a superuser: to own is enough"
        )
    else:
        assert not check.findings
    assert check.warning == (is_on and not sqlite)


async def test_a_server_whose_requests_have_no_role_is_not_ready(owner: str) -> None:
    async with opened(owner) as database:
        await migrate(database)
    key = SecretStr("a key for tests alone")
    for is_on in (False, True):
        _, faults = await checks(Settings(database_url=url_of(owner), secret_key=key, row_security=is_on))
        assert len(faults) == is_on
        assert all(f"the role '{ROLE}' is missing" in fault for fault in faults)
