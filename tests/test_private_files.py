"""What Muster writes is read by its own user alone (S10), whatever the umask, and whoever wrote it before."""

import asyncio
import os
import sys
from collections.abc import Generator
from pathlib import Path
from stat import S_IMODE
from uuid import uuid4

import pytest
from muster_sdk import Accepted
from pydantic import SecretStr
from sqlalchemy import text

from api.settings import Settings
from api.wiring import build
from domain.kit.db import Database
from domain.operations.files import FileDirectory
from domain.sessions.journal import Journal


@pytest.fixture(autouse=True)
def _open_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MUSTER_JOURNALS_DIR")
    monkeypatch.delenv("MUSTER_FILES_DIR")
    before = os.umask(0)
    yield
    os.umask(before)


def modes(*paths: Path | str) -> set[str]:
    return {oct(S_IMODE(Path(path).stat().st_mode)) for path in paths}


def everything(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): oct(S_IMODE(path.stat().st_mode)) for path in folder.rglob("*")}


async def test_the_database_and_the_files_beside_it(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/muster.db")
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE notes (id INTEGER)"))
        names = ["muster.db", "muster.db-wal", "muster.db-shm"]
        assert modes(*names) == {"0o600"}
    await database.close()


async def test_a_database_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "muster.db"
    path.touch(0o666)
    wal = tmp_path / "muster.db-wal"
    wal.touch(0o644)
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.read() as tx:
        await tx.execute(text("SELECT 1"))
    assert modes(path) == {"0o600"}
    await database.close()


async def test_locks_of_a_database_are_kept_when_it_is_opened_again(tmp_path: Path) -> None:
    """SQLite loses those of a whole process when anything in it closes the file.

    Whoever leaves the database next would take it for one that nobody has open, and delete what is beside it.
    """
    url = f"sqlite+aiosqlite:///{tmp_path}/muster.db"
    database, again = Database(url), Database(url)
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE notes (id INTEGER)"))
    async with again.read() as tx:
        await tx.execute(text("SELECT 1"))
    await again.close()
    script = "import sqlite3; sqlite3.connect('muster.db').execute('SELECT * FROM notes').fetchall()"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=tmp_path)
    assert await other.wait() == 0
    left = (tmp_path / "muster.db-wal").exists()
    await database.close()
    assert left


async def test_the_key_and_the_directories_of_an_earlier_version_are_closed(tmp_path: Path) -> None:
    for name in ("muster.db-files", "muster.db-journals", "chosen"):
        (tmp_path / name).mkdir(0o755)
    (tmp_path / "muster.key").write_bytes(b"k" * 44)
    (tmp_path / "muster.key").chmod(0o644)
    await build(Settings(database_url="sqlite:///muster.db")).close()
    await build(Settings(database_url="sqlite:///muster.db", files_dir=tmp_path / "chosen")).close()
    assert modes("muster.db-files", "muster.db-journals") == {"0o700"}
    assert modes("muster.key") == {"0o600"}
    # Where the operator shares it with a group, it stays so.
    assert modes("chosen") == {"0o755"}


def test_a_new_key() -> None:
    Settings().secret_keys()
    assert modes("muster.key") == {"0o600"}


def test_reports_and_journals(tmp_path: Path) -> None:
    files = FileDirectory(tmp_path / "muster.db-files")
    with files.create(1, uuid4(), 1, "report.csv") as unfinished:
        unfinished.path.write_text("ann@shop.example")
        files.publish(unfinished)
    journal = Journal(tmp_path / "muster.db-journals" / "claim.journal")
    journal.end(uuid4(), Accepted())
    journal.close()
    found = everything(tmp_path)
    assert {mode for name, mode in found.items() if "." in name.rpartition("/")[2] and "/" in name} == {"0o600"}
    assert modes("muster.db-files", "muster.db-journals") == {"0o700"}


def test_a_secret_that_is_set_needs_no_file() -> None:
    Settings(secret_key=SecretStr("a key for tests alone")).secret_keys()
    assert not Path("muster.key").exists()
