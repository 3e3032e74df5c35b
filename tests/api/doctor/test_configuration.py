"""Settings, files and services that do not go together are found and named (P35)."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from api import doctor
from api.doctor.configuration import DiskSpace, find_full_disks, missing_database, with_key
from api.doctor.findings import Finding
from api.key_files import KEY_FILE
from api.settings import Settings
from api.wiring import Runtime, build
from domain.kit.db import Database
from domain.stores.tables import channel_installations
from plugins.contributions import Fault, Plugins
from tests.api.doctor.plant import result_of
from tests.api.doctor.shop import Shop


@dataclass(frozen=True, slots=True)
class Space:
    total: int
    free: int


async def texts(runtime: Runtime, name: str) -> list[str]:
    return [finding.text for finding in (await result_of(runtime, name)).findings]


def with_settings(runtime: Runtime, **values: object) -> Runtime:
    return replace(runtime, settings=runtime.settings.model_copy(update=values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"env": "test"}, "MUSTER_ENV=test is meant for tests"),
        ({"allowed_origins": ("*",)}, "MUSTER_ALLOWED_ORIGINS has '*', which lets the pages of strangers in"),
        ({"allowed_origins": ("https://shop.example", "null")}, "MUSTER_ALLOWED_ORIGINS has 'null'"),
        ({"allowed_origins": ("https://*.example",)}, "MUSTER_ALLOWED_ORIGINS has 'https://*.example'"),
    ],
)
async def test_settings_that_are_unsafe(runtime: Runtime, values: dict[str, object], said: str) -> None:
    assert await texts(runtime, "settings") == []
    (text,) = await texts(with_settings(runtime, **values), "settings")
    assert text.startswith(said)


async def test_several_processes_on_one_file(runtime: Runtime) -> None:
    shared = await texts(with_settings(runtime, broker_url="redis://127.0.0.1:1"), "settings")
    if runtime.database.dialect == "sqlite":
        assert shared == ["several processes share SQLite: set MUSTER_DATABASE_URL to PostgreSQL"]
    else:
        assert shared == []


async def test_a_plugin_that_is_left_out(runtime: Runtime) -> None:
    fault = Fault("pigeon", "pigeons", "2.0", "ModuleNotFoundError: pigeons")
    broken = replace(runtime, plugins=Plugins(runtime.plugins.channels, [fault]))
    assert await texts(broken, "plugins") == ["pigeon of pigeons is left out: ModuleNotFoundError: pigeons"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "working directory"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


async def test_a_key_that_others_can_read(runtime: Runtime, folder: Path) -> None:
    key = folder / "muster.key"
    key.write_text("a key of sixteen characters and more")
    key.chmod(0o640)
    keyless = with_settings(runtime, secret_key=None)
    result = await result_of(keyless, "secrets")
    assert not result.passed
    assert "muster.key can be read by others than its owner: chmod 600 muster.key" in result.message
    key.chmod(0o600)
    assert (await result_of(keyless, "secrets")).passed


async def test_a_key_that_is_missing_is_not_made(runtime: Runtime, folder: Path) -> None:
    settings = with_key(runtime.settings.model_copy(update={"secret_key": None}))
    result = await result_of(replace(runtime, settings=settings), "secrets")
    assert (result.passed, result.warning) == (True, True)
    assert "there is neither MUSTER_SECRET_KEY nor a file muster.key" in result.message
    assert not KEY_FILE.exists()


async def test_a_database_that_others_can_read(runtime: Runtime, database_url: str, tmp_path: Path) -> None:
    if runtime.database.dialect != "sqlite":
        return
    (tmp_path / "muster.db").chmod(0o644)
    result = await result_of(runtime, "secrets")
    assert (result.passed, result.warning) == (True, True)
    assert "muster.db can be read by others than its owner" in result.message
    (tmp_path / "muster.db").chmod(0o600)
    assert await texts(runtime, "secrets") == []


async def test_disks_that_are_nearly_full(runtime: Runtime) -> None:
    async def found(space: DiskSpace) -> list[Finding]:
        return list(await find_full_disks(runtime, lambda _: space))

    assert await found(Space(10**12, 10**11)) == []
    nearly = await found(Space(10**12, 10**10))
    assert {finding.warning for finding in nearly} == {True}
    full = await found(Space(10**12, 10**8))
    assert {finding.warning for finding in full} == {False}
    assert full[0].text == f"the disk of the files at {runtime.settings.files()} has 100 MB of 1,000,000 free"
    assert len(full) == (3 if runtime.database.dialect == "sqlite" else 2), "files, journals, and a database's own"


async def test_an_address_that_no_customer_can_open(runtime: Runtime, shop: Shop, database: Database) -> None:
    local = with_settings(runtime, public_url="http://127.0.0.1:8000")
    assert await texts(local, "address") == [], "the channel is a sandbox"
    assert await texts(with_settings(runtime, public_url="https://shop.example"), "address") == []
    plain = await result_of(with_settings(runtime, public_url="http://shop.example"), "address")
    assert (plain.passed, plain.warning) == (True, True)
    assert "links to files and opt-outs can be read on their way" in plain.message
    async with database.write() as tx:
        await tx.execute(update(channel_installations).values(settings=b"sealed"))
    result = await result_of(local, "address")
    assert (result.passed, result.warning) == (True, True)
    assert "no customer can open an unsubscribe link" in result.message
    assert f"store_id={shop.store_id} channel='email'" in result.message


async def test_clocks_that_are_apart(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("2026-07-01T09:00:00+00:00")
    stopped = settings.model_copy(update={"env": "test", "clock_file": tmp_path / "clock"})
    runtime = build(stopped)
    (text,) = await texts(runtime, "clocks")
    await runtime.close()
    assert text.startswith("the clocks of this machine and of the database are ")


async def test_a_database_that_may_lose_commits(runtime: Runtime) -> None:
    result = await result_of(runtime, "durability")
    # Tests need no durable commits.
    off = ["synchronous_commit is off: after a crash of the database's machine, messages may go out twice"]
    assert [finding.text for finding in result.findings] == (off if runtime.database.dialect == "postgresql" else [])
    assert result.passed


async def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'gone.db'}", secret_key=SecretStr("a key for tests alone")
    )
    runtime = build(settings)
    results = {result.name: result for result in await doctor.run_checks(runtime)}
    await runtime.close()
    assert "run `muster migrate`, or set MUSTER_DATABASE_URL" in results["connections"].message
    assert (
        f"{len(doctor.DATA_CHECKS)} checks of the data could not be made: there is no file" in results["data"].message
    )
    assert missing_database(settings) is not None


async def test_a_broker_that_does_not_answer(settings: Settings) -> None:
    runtime = build(settings.model_copy(update={"broker_url": "redis://127.0.0.1:1"}))
    (text,) = await texts(runtime, "connections")
    await runtime.close()
    assert text.startswith("the broker does not answer (")
