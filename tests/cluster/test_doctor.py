"""The doctor sees what is around PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from api import doctor
from api.settings import Settings
from api.wiring import build
from tests.cluster import programs
from tests.cluster.pgbouncer import IGNORED, pgbouncer
from tests.cluster.postgres import Server
from tests.journeys.processes import wait_for

KEY = SecretStr("a key for tests alone")


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def check(closing: AsyncExitStack, settings: Settings, name: str) -> doctor.CheckResult:
    runtime = build(settings)
    closing.push_async_callback(runtime.close)
    (result,) = [result for result in await doctor.run_checks(runtime) if result.name == name]
    return result


@pytest.mark.parametrize("ignored", ["", IGNORED], ids=["refuses", "ignores"])
async def test_a_pooler_without_the_setting_is_seen(
    closing: AsyncExitStack, postgres_server: Server, folder: Path, ignored: str
) -> None:
    programs.require("pgbouncer")
    with pgbouncer(postgres_server, folder, ignored=ignored) as url:
        without = await check(closing, Settings(database_url=url, secret_key=KEY), "settings")
        with_it = Settings(database_url=url, database_pooler="transaction", secret_key=KEY)
        assert (await check(closing, with_it, "settings")).passed
        assert (await check(closing, with_it, "connections")).passed
    assert not without.passed
    assert "set MUSTER_DATABASE_POOLER=transaction" in without.message
    assert (await check(closing, Settings(database_url=postgres_server.url, secret_key=KEY), "settings")).passed


async def test_a_standby_that_may_lag_behind_is_a_warning(
    closing: AsyncExitStack, postgres_server: Server, folder: Path
) -> None:
    settings = Settings(database_url=postgres_server.url, secret_key=KEY)
    alone = await check(closing, settings, "replication")
    assert (alone.passed, alone.warning) == (True, False)
    with postgres_server.followed_by(folder / "standby", name="second"):
        wait_for(lambda: postgres_server.psql("SELECT count(*) FROM pg_stat_replication") == "1", "no standby")
        asynchronous = await check(closing, settings, "replication")
        assert (asynchronous.passed, asynchronous.warning) == (True, True)
        assert "'second' is asynchronous" in asynchronous.message
        postgres_server.wait_for_commits_on("second")
        assert not (await check(closing, settings, "replication")).warning
