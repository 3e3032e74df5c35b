from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.api.graphql.topics.stage import Shop, Stage, open_stage


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncGenerator[Stage]:
    opened = open_stage(database_url, tmp_path / "files")
    yield opened
    await opened.runtime.close()


@pytest.fixture
async def shop(stage: Stage) -> Shop:
    return await stage.shop()
