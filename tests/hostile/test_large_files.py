"""Files larger than memory, and broken ones of both kinds: a word for each, 300 MB at most, and nothing half done (S17)."""

import asyncio
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep

import httpx
import pytest

from tests import procfs
from tests.conftest import migrate_at, postgres_database
from tests.hostile.doors import Doors, Json
from tests.hostile.target import BEFORE_DATABASES, STATUS, Target, finish, target

MOST = 300 << 20
# What an import may take beside what the server has: of small files it takes nearly as much.
GROWTH = 80 << 20
MEGABYTES = int(os.environ.get("MUSTER_TEST_LARGE_MEGABYTES", "50"))
PATIENCE = 300.0  # seconds

KINDS = {
    "customersImport": (b"external_id,name,email\n", b"big%d,x,\n"),
    "ordersImport": (b"order_id,customer_external_id,placed_at\n", b"big%d,nobody,2026-01-01T00:00:00Z\n"),
}


@pytest.fixture(scope="module")
def target_server(
    hostile_url: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server of their own: what other attacks have left in one's memory is not the files'."""
    folder = tmp_path_factory.mktemp("large")
    if hostile_url.startswith("sqlite"):
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "muster.db")
        with target(f"sqlite+aiosqlite:///{folder / 'muster.db'}", folder) as attacked:
            yield attacked
        return
    with postgres_database(f"muster_test_{os.getpid()}_large") as url:
        asyncio.run(migrate_at(url))
        with target(url, folder) as attacked:
            yield attacked


@dataclass
class Generated(io.RawIOBase):
    """A file that is made while it is read."""

    blocks: Iterator[bytes]
    rest: bytes = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while 0 <= len(self.rest) < size:
            block = next(self.blocks, b"")
            if not block:
                break
            self.rest += block
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


def repeated(start: bytes, block: bytes, megabytes: int = MEGABYTES) -> Iterator[bytes]:
    yield start
    block *= (1 << 20) // len(block) or 1
    for _ in range(megabytes):
        yield block


def upload(doors: Doors, kind: str, blocks: Iterator[bytes]) -> Json:
    """Send the file as it is made, and return what the mutation answers."""
    document = (
        f"mutation ($file: Upload!) {{ {kind}(file: $file) {{ operation {{ id }} userErrors {{ message code }} }} }}"
    )
    operations = json.dumps({"query": document, "variables": {"file": None}})
    data = {"operations": operations, "map": json.dumps({"0": ["variables.file"]})}
    with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {doors.token}"}
        files = {"0": ("file.csv", Generated(blocks), "text/csv")}
        response = client.post(f"{doors.url}/graphql", data=data, files=files, headers=headers)  # type: ignore[arg-type]
    assert response.status_code == 200, response.text
    return response.json()["data"][kind]


def finished(doors: Doors, operation: str) -> Json:
    deadline = monotonic() + PATIENCE
    while (state := doors.get(STATUS, id=operation)["operation"])["status"] not in {"DONE", "FAILED"}:
        assert monotonic() < deadline, state
        sleep(0.2)
    return state


def large_workbook(megabytes: int) -> bytes:
    """Return a workbook that unpacks to this: rows without a key, whose texts are shared."""
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", f'<workbook xmlns:r="{rel}"><sheets><sheet r:id="a"/></sheets></workbook>')
        links = "".join(
            f'<Relationship Id="{id_}" Type="{rel}/{kind}" Target="{kind}.xml"/>'
            for id_, kind in (("a", "worksheet"), ("b", "sharedStrings"))
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        header = "".join(f'<c t="str"><v>{name}</v></c>' for name in ("external_id", "name"))
        rows = megabytes * 600
        with archive.open("xl/worksheet.xml", "w") as sheet:
            sheet.write(f"<worksheet><sheetData><row>{header}</row>".encode())
            for number in range(rows):
                sheet.write(b'<row><c/><c t="s"><v>%d</v></c></row>' % number)
            sheet.write(b"</sheetData></worksheet>")
        with archive.open("xl/sharedStrings.xml", "w") as strings:
            strings.write(b"<sst>")
            for number in range(rows):
                strings.write(b"<si><t>%01500x</t></si>" % (number * 0x9E3779B97F4A7C15**20))
            strings.write(b"</sst>")
    return file.getvalue()


HEADER = KINDS["customersImport"][0]
MARK = b"\xef\xbb\xbf"
# What each ends as, and the problem that it ends with.
LARGE: dict[str, tuple[Callable[[], Iterator[bytes]], str, str | None]] = {
    "rows of empty cells": (lambda: repeated(HEADER, b"," * 199 + b"\n"), "DONE", None),
    "empty lines": (lambda: repeated(HEADER, b"\n", MEGABYTES // 5), "DONE", None),
    "rows without a key": (lambda: repeated(HEADER, b"," + b"n" * 900 + b",\n"), "DONE", "The row needs"),
    "a quote that never closes": (
        lambda: repeated(HEADER + b'big,"x,\n', b"," + b"n" * 900 + b",\n"), "DONE", "A quoted value that begins here never ends"
    ),
    "a line without end": (lambda: repeated(HEADER + b"big,x", b"x"), "FAILED", "longer than 1 MiB"),
    "a byte that is no text, at the end": (
        lambda: (block for part in (repeated(MARK + HEADER, b"," + b"n" * 900 + b",\n"), [b"big,\xff,\n"]) for block in part), "FAILED", "0xFF is not"
    ),
    "a workbook": (lambda: iter([large_workbook(MEGABYTES // 2)]), "DONE", "The row needs"),
}  # fmt: skip
# Of these, each row has a problem, and a database keeps some of them; the others are read, and that is all.
KEPT = ("rows without a key", "a workbook")


@pytest.mark.slow
@BEFORE_DATABASES
@pytest.mark.parametrize("name", [name for name in LARGE if name not in KEPT])
def test_a_large_file_takes_no_more_memory_than_a_small_one(target_server: Target, name: str) -> None:
    import_large_file(target_server, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEPT)
def test_a_large_file_of_problems_takes_no_more_memory_than_a_small_one(target_server: Target, name: str) -> None:
    import_large_file(target_server, name)


def import_large_file(target: Target, name: str) -> None:
    made, status, told = LARGE[name]
    doors, process = target.doors, target.promises.process
    blocks = made()
    procfs.reset_peak(process)
    resident = procfs.resident_bytes(process)
    payload = upload(doors, "customersImport", blocks)
    assert payload["userErrors"] == []
    state = finished(doors, payload["operation"]["id"])
    peak = procfs.peak_bytes(process)
    messages = [problem["message"] for problem in state["problems"]]
    assert state["status"] == status, messages[:3]
    assert told is None or told in messages[0]
    assert peak < MOST, f"{peak >> 20} MiB"
    assert peak - resident < GROWTH, f"{(peak - resident) >> 20} MiB"
    assert doors.get('{ customer(externalId: "big") { id } }')["customer"] is None
    target.promises.check_log()


def broken(header: bytes, row: bytes) -> dict[str, bytes]:
    """Return files whose form is broken somewhere, of rows that are right: one `row` with a number in it is the first."""
    good = row % 1
    text = (header + good).decode()
    return {
        "surrogates": header + good.replace(b"big", b"\xed\xa0\x80"),
        "a NUL": header + good + b"\0\n",
        "UTF-16 with an odd byte": text.encode("utf-16") + b"x",
        "a mark in the middle": header + "\ufeff".encode() + good,
        "a line of two megabytes": header + good + b"x" * 2_000_000 + b"\n" + good,
        "a row of 10,000 cells": header + good + b"x," * 10_000 + b"\n",
        "a quote that never closes": header + good + b'"' + good * 60_000,
        "a quote that closes wrongly": header + good + b'"a"b\n',
        "empty lines": header + b"\r\n" * 500_000,
        "empty cells": header + b",,\n" * 100_000,
        "half a character": header + good + b"\xe7\x8e",
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", broken(b"", b"%d"))
def test_a_broken_file_of_either_kind_ends_with_a_word(target_server: Target, name: str, kind: str) -> None:
    content = broken(*KINDS[kind])[name]
    process = target_server.promises.process
    procfs.reset_peak(process)
    payload = target_server.doors.upload(kind, content).json["data"][kind]
    if payload["operation"] is None:
        assert [error["code"] for error in payload["userErrors"]] == ["INVALID"]
        return
    state = finish(target_server.doors, payload["operation"]["id"])
    peak = procfs.peak_bytes(process)
    assert state["status"] in {"DONE", "FAILED"}
    assert peak < MOST, f"{peak >> 20} MiB"
    if state["status"] == "FAILED":
        [problem] = state["problems"]
        assert problem["row"] is not None, problem
    target_server.promises.check_log()
