import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import migrate_at, postgres_database
from tests.hostile.target import Target, target

HERE = Path(__file__).parent


# Before pytest-xdist looks at the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all that attack one server: what they compute is told apart by the time."""
    for item in items:
        if HERE in item.path.parents:
            callspec = getattr(item, "callspec", None)
            database = callspec.params.get("hostile_url") if callspec else None
            if database is not None:
                item.add_marker(pytest.mark.xdist_group(f"hostile-{database}"))
                item.add_marker(pytest.mark.slow)
                if sys.platform != "linux":
                    item.add_marker(pytest.mark.skip(reason="reads the figures of processes in /proc"))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def hostile_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a migrated database without a row is, for the whole run."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("hostile") / "muster.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    with postgres_database(f"muster_test_{os.getpid()}_hostile") as url:
        asyncio.run(migrate_at(url))
        yield url


@pytest.fixture(scope="session")
def target_server(hostile_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(hostile_url, tmp_path_factory.mktemp("server")) as attacked:
        yield attacked
