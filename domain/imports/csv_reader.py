"""Cuts a stream of bytes into CSV records, holding no more than a piece and one record at a time."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import chain

from domain.kit.errors import DomainError

MAX_RECORD = 1 << 20
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Stands behind the last line: a record that it became part of is not complete.
_END = "\x1e\x1e"

csv.field_size_limit(2 * MAX_RECORD)


class Unreadable(DomainError):
    """The file as a whole is not one that can be read."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message, field=("file",))
        self.row = row


@dataclass(frozen=True, slots=True)
class Records:
    """Records of a file, the first of which is row `first` of it, and how many bytes they took."""

    first: int
    rows: list[list[str]]
    taken: int


def check_bytes(start: bytes) -> None:
    """Whether this can be the start of a text file."""
    if not start.removeprefix(_BOM).strip():
        raise Unreadable("the file is empty")
    if start.startswith(_UTF16):
        raise Unreadable("the file is UTF-16: save it as UTF-8")
    if b"\0" in start:
        raise Unreadable("the file is not text: a CSV file in UTF-8 is wanted")


def read(data: bytes, first: int, *, final: bool) -> Records:
    """The complete records at the start of `data`; `final` where nothing follows it."""
    offset = len(_BOM) if first == 1 and data.startswith(_BOM) else 0
    end = len(data) if final else _last_line_end(data)
    lines = _decoded(data[offset:end], first)
    rows = _parsed(lines, first)
    if not rows or rows.pop() == [_END]:
        return Records(first, rows, end)
    if final:
        raise Unreadable("a quoted value that begins here never ends", first + len(rows))
    whole = "".join(_lines_of(lines, len(rows)))
    return Records(first, rows, offset + len(whole.encode()))


def check_rest(rest: bytes, row: int) -> None:
    """What is not a record yet may become one, unless it is too long already."""
    if len(rest) > MAX_RECORD:
        raise Unreadable("the row is longer than 1 MiB, or a quoted value that begins in it never ends", row)


def _last_line_end(data: bytes) -> int:
    end = data.rfind(b"\n") + 1
    # Lines that end in a carriage return alone; the last byte may be half of CR LF.
    return end or data.rfind(b"\r", 0, -1) + 1


def _decoded(data: bytes, first: int) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        row = first + max(len(_parsed(before, first)) - 2, 0) if before else first
        bad = data[error.start]
        raise Unreadable(f"byte 0x{bad:02X} is not UTF-8: save the file as UTF-8", row) from error
    if "\0" in text:
        row = first + text.count("\n", 0, text.index("\0"))
        raise Unreadable("holds a NUL: the file is not text", row)
    return text


def _parsed(text: str, first: int) -> list[list[str]]:
    """The records of the text, and the mark that stands behind them, alone or in the last record."""
    if not text:
        return [[_END]]
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(chain(StringIO(text, newline=""), (_END,))))
    except csv.Error as error:
        raise Unreadable(f"is no CSV: {error}", first + len(rows)) from error
    return rows


def _lines_of(text: str, records: int) -> Iterator[str]:
    """The lines that so many records take."""
    lines = list(StringIO(text, newline=""))
    reader = csv.reader(lines)
    for _ in range(records):
        next(reader)
    yield from lines[: reader.line_num]


def numbered(records: Records) -> Iterator[tuple[int, list[str]]]:
    return enumerate(records.rows, records.first)
