"""`muster backup` copies SQLite whole or not at all; `muster resume` asks what a restored database is taken for."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.api.commands import muster


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    assert muster("migrate", cwd=tmp_path).returncode == 0
    return tmp_path


def test_a_backup_has_what_is_committed_and_its_owner_alone_reads_it(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated / "muster.db", isolation_level=None)) as writer:
        writer.execute("UPDATE stores SET name = 'Committed'")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE stores SET name = 'Under way'")
        done = muster("backup", "copy.db", cwd=migrated)
    assert done.returncode == 0
    assert "muster.key" in done.stdout
    with closing(sqlite3.connect(migrated / "copy.db")) as copy:
        assert copy.execute("SELECT name FROM stores").fetchall() == [("Committed",)]
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert stat.S_IMODE((migrated / "copy.db").stat().st_mode) == 0o600
    assert [path.name for path in migrated.glob("*copy*")] == ["copy.db"]


@pytest.mark.parametrize(
    ("file", "settings", "message"),
    [
        ("muster.db", {}, "exists"),
        ("nowhere/copy.db", {}, "no directory"),
        ("copy.db", {"MUSTER_DATABASE_URL": "postgresql://h/d"}, "pg_dump"),
    ],
)
def test_a_backup_that_cannot_be_is_refused_in_one_line(
    migrated: Path, file: str, settings: dict[str, str], message: str
) -> None:
    done = muster("backup", file, cwd=migrated, **settings)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
    assert not (migrated / "copy.db").exists()


def test_a_restored_database_goes_on_by_a_word_that_says_what_was_sent(migrated: Path) -> None:
    """P31."""
    assert muster("resume", cwd=migrated).returncode == 0
    with closing(sqlite3.connect(migrated / "muster.db")) as database, database:
        # As of a day ago: somebody has worked with it, of whom nothing here knows.
        day = 24 * 3600 * 1_000_000
        database.execute("UPDATE installation SET beat = 7, beat_at = beat_at - ?", [day])
    for _ in range(2):
        refused = muster("resume", cwd=migrated)
        assert refused.returncode == 1
        assert "--from-backup" in refused.stderr
        assert "--moved" in refused.stderr
    assert muster("resume", "--from-backup", "--moved", cwd=migrated).returncode == 2
    marked = muster("resume", "--from-backup", cwd=migrated)
    assert (marked.returncode, "0 campaigns were under way" in marked.stdout) == (0, True)
    assert muster("resume", cwd=migrated).returncode == 0
