"""Links to files, and the directory that they lie in."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.operations.files import FileDirectory, FileLinks, download_name
from domain.operations.model import Operation, OperationFile, OperationStatus
from tests.factories import NOW

LINKS = FileLinks("https://shop.example/", b"key")
FILE = OperationFile("1-x.csv", "x.csv")
DONE = Operation(7, UUID(int=5), "list.export", OperationStatus.DONE, 1, 1, FILE, False, NOW, NOW)
WEEK = timedelta(days=7)


def token(url: str | None) -> str:
    assert url is not None
    assert url.startswith("https://shop.example/files/")
    return url.rpartition("/")[2]


def test_a_link_names_store_operation_and_its_last_moment() -> None:
    read = LINKS.read(token(LINKS.url(DONE, NOW)))
    assert read is not None
    assert (read.store_id, read.operation_id, read.expires_at) == (7, DONE.id, NOW + WEEK)
    assert LINKS.url(DONE, NOW + WEEK - timedelta(seconds=1)) == LINKS.url(DONE, NOW)
    assert LINKS.url(DONE, NOW + WEEK) is None
    assert LINKS.url(replace(DONE, file=None), NOW) is None
    assert LINKS.url(replace(DONE, finished_at=None), NOW) is None


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_link_that_was_tampered_with_opens_nothing(position: int, step: int) -> None:
    good = token(LINKS.url(DONE, NOW))
    index = position % len(good)
    other = good[:index] + chr((ord(good[index]) + step) % 0x110000) + good[index + 1 :]
    assert LINKS.read(other) is None or other == good


@pytest.mark.parametrize("wrong", ["", "x", "é", "\0", "=" * 9, "A" * 59, "A" * 5_000, "../../etc/passwd"])
def test_what_is_no_link_opens_nothing(wrong: str) -> None:
    assert LINKS.read(wrong) is None


def test_another_servers_link_opens_nothing() -> None:
    assert FileLinks("https://shop.example", b"other").read(token(LINKS.url(DONE, NOW))) is None


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("VIP 2026-07-01", "VIP 2026-07-01.csv"),
        ("../../etc/passwd", "_.._etc_passwd.csv"),
        ('a"b\r\nSet-Cookie: x', "a_b_Set-Cookie_ x.csv"),
        ("名單 ß", "名單 ß.csv"),
        ("\u202egnp.exe", "_gnp.exe.csv"),
        (" .. ", "report.csv"),
        ("x" * 500, "x" * 100 + ".csv"),
    ],
)
def test_a_name_is_one_that_every_system_takes(title: str, name: str) -> None:
    assert download_name(title, "csv") == name


def test_a_file_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    files, operation = FileDirectory(tmp_path / "files"), UUID(int=5)
    assert files.owners() == {}
    with files.create(7, operation, 1, "x.csv") as unfinished:
        unfinished.path.write_text("half")
        assert list(files.owners().values()) == [operation]
    assert files.owners() == {}
    with files.create(7, operation, 2, "x.csv") as unfinished:
        unfinished.path.write_text("whole")
        files.publish(unfinished)
    assert files.path(unfinished.file.stored_name).read_text() == "whole"
    assert files.owners() == {unfinished.file.stored_name: operation}
    (tmp_path / "files" / "notes.txt").write_text("not ours")
    with files.create(7, operation, 3, "x.xlsx") as unfinished:
        unfinished.path.write_text("anew")
        assert set(files.owners().values()) == {operation}
        assert len(files.owners()) == 1
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["notes.txt"]
