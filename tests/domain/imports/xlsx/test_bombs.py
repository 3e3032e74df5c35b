"""A workbook that is made to do harm is refused by a clear word, in bounded memory and time."""

import tracemalloc
from collections.abc import Callable
from io import BytesIO
from struct import pack, unpack_from
from time import process_time
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from domain.imports.csv_reader import Unreadable
from domain.imports.xlsx import archive
from domain.imports.xlsx.workbook import read_rows
from tests.domain.imports.xlsx.workbooks import packed, parts, workbook

ROW = '<row><c t="inlineStr"><is><t>external_id</t></is></c></row>'
END = b"</sheetData></worksheet>"


def deflated(start: bytes, repeated: bytes, times: int, end: bytes = b"") -> bytes:
    """Return an archive whose sheet is this, made without holding it."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as book:
        for name, content in parts("").items():
            if not name.endswith("sheet1.xml"):
                book.writestr(name, content)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(start)
            block = repeated * (1 + (1 << 20) // len(repeated))
            for _ in range(times * len(repeated) // len(block)):
                sheet.write(block)
            sheet.write(end)
    return file.getvalue()


def nested() -> bytes:
    inner = packed({"zeros": b"\0" * 10_000_000})
    return packed({**parts(inner), "inner.xlsx": packed({"again.xlsx": inner})})


def overlapping() -> bytes:
    """Let each name of the directory lead to one part."""
    content = bytearray(packed({**parts(ROW), **{f"xl/media/image{n}.png": b"\0" * 1_000_000 for n in range(100)}}))
    entry = content.index(b"PK\1\2")
    offset = unpack_from("<L", content, entry + 42)[0]
    while (entry := content.find(b"PK\1\2", entry + 1)) >= 0:
        content[entry + 42 : entry + 46] = pack("<L", offset)
    return bytes(content)


def understated() -> bytes:
    """Say of a bomb that it is small."""
    content = bytearray(deflated(b"<worksheet><sheetData>", b"<row/>", 500_000))
    entry = content.rindex(b"PK\1\2")
    content[entry + 24 : entry + 28] = pack("<L", 1_000)
    return bytes(content)


def many_parts() -> bytes:
    return packed({**parts(ROW), **{f"xl/media/{n}": b"" for n in range(10_000)}})


def many_parts_said_to_be_few() -> bytes:
    content = bytearray(packed({**parts(ROW), **{f"xl/media/{n}": b"" for n in range(30_000)}}))
    end = content.rindex(b"PK\5\6")
    content[end + 8 : end + 12] = pack("<HH", 3, 3)
    return bytes(content)


def twice() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as book:
        for name, content in parts(ROW).items():
            book.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            book.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


def cut_off() -> bytes:
    content = workbook([["external_id"], *[[f"c{n}"] for n in range(5_000)]])
    return content[: len(content) // 2]


def flipped() -> bytes:
    content = bytearray(packed(parts(ROW * 1_000)))
    at = content.index(b"sheet1.xml") + 40
    content[at : at + 20] = bytes(20)
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(packed(parts(ROW)))
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(mark, at + 1)
    return bytes(content)


def by_lzma() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", 14) as book:
        for name, content in parts(ROW).items():
            book.writestr(name, content)
    return file.getvalue()


def long_text_twice() -> bytes:
    """Return a workbook whose cells are, twice in a row, the number of one long text."""
    row = '<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>'
    return packed(parts(row * 10_000, f"<si><t>{'x' * 900_000}</t></si>"))


LAUGHS = (
    b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><worksheet><sheetData><row><c><v>&b;</v></c></row>' + END
)
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "rows without end": (lambda: deflated(b'<worksheet><sheetData><row r="1000000"/>', b"<row/>", 400_000), "more than 1,048,576 rows"),
    "cells without end": (
        lambda: deflated(b"<worksheet><sheetData><row>", b'<c s="1"/>', 800_000), "unpacks to more than 100 times"
    ),
    "spaces": (lambda: deflated(b"<worksheet>", b" ", 20_000_000), "what no spreadsheet writes"),
    "a comment": (lambda: deflated(b"<worksheet><!--", b"x", 20_000_000), "what no spreadsheet writes"),
    "a value": (lambda: deflated(b'<worksheet><sheetData><row><c t="str"><v>', b"x", 20_000_000), "longer than 1 MiB"),
    "an attribute": (lambda: deflated(b'<worksheet a="', b"x", 20_000_000), "what no spreadsheet writes"),
    "depth": (lambda: deflated(b"", b"<a>", 1_000_000), "nested too deep"),
    "texts": (
        lambda: packed(parts('<row><c t="s"><v>99999999</v></c></row>', b"<sst>" + b"<si/>" * 600_000)), "100 times"
    ),
    "one text": (lambda: packed(parts('<row><c t="s"><v>0</v></c></row>', f"<si><t>{'x' * 5_000_000}</t></si>")), "more than 1 MiB"),
    "one text twice in a row": (long_text_twice, "longer than 1 MiB"),
    "names": (
        lambda: packed(parts(b"<worksheet>" + b"".join(b"<a%x/>" % n for n in range(200_000)))), "what no spreadsheet writes"
    ),
    "laughs": (lambda: packed(parts(LAUGHS)), "declares entities"),
    "laughs in UTF-16": (lambda: packed(parts(LAUGHS.decode().encode("utf-16"))), "declares entities"),
    "an archive in an archive": (nested, "damaged"),
    "parts that overlap": (overlapping, "overlap"),
    "sizes that are not true": (understated, "damaged|unpacks"),
    "10,000 parts": (many_parts, "more than 2,000 parts"),
    "30,000 parts that are said to be few": (many_parts_said_to_be_few, "more than 2,000 parts"),
    "a part twice": (twice, "a part twice"),
    "half a file": (cut_off, "damaged"),
    "bytes that were changed": (flipped, "damaged"),
    "a password": (encrypted, "password"),
    "another packing": (by_lzma, "packed in an unusual way"),
    "a row's number": (lambda: packed(parts('<row r="99999999"/>')), "'99999999'"),
    "rows that go back": (lambda: packed(parts('<row r="2"/><row r="1"/>')), "behind row 2 has the number '1'"),
    "a column's name": (lambda: packed(parts('<row><c r="ZZZZ1"><v>1</v></c></row>')), "'ZZZZ1'"),
    "a text that is not there": (lambda: packed(parts('<row><c t="s"><v>7</v></c></row>', "<si/>")), "a cell's text is missing"),
    "a surrogate": (lambda: packed(parts(b"<worksheet><sheetData><row><c t='str'><v>\xed\xa0\x80</v></c></row>")), "damaged"),
    "half a character": (lambda: packed(parts('<row><c t="str"><v>&#xD800;</v></c></row>')), "damaged"),
    "a NUL": (lambda: packed(parts(b"<worksheet><sheetData><row><c t='str'><v>\0</v></c></row>")), "damaged"),
    "another sheet's part": (lambda: packed({**parts(""), "xl/worksheets/sheet1.xml": b"%PDF"}), "damaged"),
    "no sheet": (lambda: packed({"xl/workbook.xml": "<workbook/>", "xl/_rels/workbook.xml.rels": "<r/>"}), "No visible sheet"),
    "no relations": (lambda: packed({"xl/workbook.xml": "<workbook/>"}), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, said = BOMBS[name]
    if "100 times" in said:
        # Files that are larger make the same steps, and take the tests' time.
        monkeypatch.setattr(archive, "FREE", 1 << 20)
    file = BytesIO(made())
    tracemalloc.start()
    began = process_time()
    try:
        with pytest.raises(Unreadable, match=said):
            for _ in read_rows(file, 1_001):
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30 << 20
    # Tracing costs several times what is traced.
    assert process_time() - began < 20


def test_what_a_workbook_unpacks_to_is_counted_over_all_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # No file of the tests is so large.
    monkeypatch.setattr(archive, "MAX_UNPACKED", 4_000)
    with pytest.raises(Unreadable, match="unpacks to more than"):
        list(read_rows(BytesIO(packed(parts('<row><c t="s"><v>500</v></c></row>', "<si/>" * 501 + " " * 2_000))), 10))


def test_a_usual_workbook_of_equal_rows_is_no_bomb() -> None:
    rows = list(read_rows(BytesIO(workbook([["external_id", "name"], *[["c1", "Ann"]] * 20_000])), 10))
    assert len(rows) == 20_001


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("content.xml", "OpenDocument"),
        ("xl/workbook.bin", ".xlsb"),
        ("word/document.xml", ".docx"),
        ("ppt/presentation.xml", ".pptx"),
        ("Index/Document.iwa", "Numbers"),
        ("customers.csv", "zip archive and no workbook"),
    ],
)
def test_another_archive_is_told_by_its_name(name: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        next(read_rows(BytesIO(packed({name: "x"})), 10))


def test_stored_parts_are_read_too() -> None:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_STORED) as book:
        for name, content in parts(ROW).items():
            book.writestr(name, content)
    assert [row.cells for row in read_rows(file, 10)] == [["external_id"]]
