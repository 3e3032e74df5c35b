"""A healthy shop, made once, in each test's database; and the doctor's runtime there."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.settings import Settings
from api.wiring import Runtime, build
from domain.kit.db import Database
from tests.api.doctor import shop as shops
from tests.api.doctor.shop import Shop


@pytest.fixture(scope="session")
def made_shop(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Path]:
    folder = tmp_path_factory.mktemp("shop")
    shutil.copy(migrated_sqlite, folder / "shop.db")
    return shops.make_now(f"sqlite+aiosqlite:///{folder / 'shop.db'}", folder / "files"), folder


@pytest.fixture
async def shop(made_shop: tuple[Shop, Path], database: Database, tmp_path: Path) -> Shop:
    made, folder = made_shop
    shutil.copytree(folder / "files", tmp_path / "files")
    if database.dialect == "sqlite":
        shutil.copy(folder / "shop.db", tmp_path / "muster.db")
    else:
        await shops.fill(database, made)
    return made


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url,
        secret_key=SecretStr(shops.KEY),
        files_dir=tmp_path / "files",
        journals_dir=tmp_path / "journals",
        public_url="https://shop.example",
    )


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    runtime = build(settings)
    yield runtime
    await runtime.close()
