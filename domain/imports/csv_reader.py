"""Reads CSV records from a stream of bytes, with no more than a piece and one record in memory."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import chain

from domain.kit.errors import DomainError

MAX_RECORD = 1 << 20
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Put behind the last line: a record that it becomes part of is not complete.
_END = "\x1e\x1e"
_EMPTY: list[str] = []

csv.field_size_limit(2 * MAX_RECORD)


class Unreadable(DomainError):
    """The file cannot be read; `row`: from which of its rows on."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message, field=("file",))
        self.row = row


@dataclass(frozen=True, slots=True)
class Records:
    """Complete records at the start of some bytes, and the length of those that they take."""

    rows: list[list[str]]
    byte_length: int


def check_bytes(start: bytes) -> None:
    """Raise Unreadable when this cannot be the start of a text file."""
    if not start.removeprefix(_BOM).strip():
        raise Unreadable("The file is empty")
    if start.startswith(_UTF16):
        raise Unreadable("The file is UTF-16: save it as UTF-8")
    if b"\0" in start:
        raise Unreadable("The file is not text: send a CSV file in UTF-8")


def read(data: bytes, first_row: int, *, final: bool) -> Records:
    """Return the complete records at the start of `data`, which is the file's from `first_row` on.

    `final`: nothing follows it. Raise Unreadable with the row from which on it is no CSV.
    """
    start = len(_BOM) if first_row == 1 and data.startswith(_BOM) else 0
    end = _end_of_lines(data, final=final)
    text = _decoded(data[start:end], first_row)
    rows = _parsed(text, first_row)
    if not rows or rows.pop() == [_END]:
        return Records(rows, end)
    if final:
        raise Unreadable("A quoted value that begins here never ends", first_row + len(rows))
    lines = list(StringIO(text, newline=""))
    reader = csv.reader(lines)
    for _ in rows:
        next(reader)
    complete = "".join(lines[: reader.line_num])
    return Records(rows, start + len(complete.encode()))


def read_first(start: bytes, *, final: bool) -> list[str] | None:
    """Return a file's first record, None when it is not complete: no other is parsed, however many there are.

    Raise Unreadable for what cannot be read, in whatever row.
    """
    lines = start[: _end_of_lines(start, final=final)].removeprefix(_BOM)
    reader = _reader(_decoded(lines, 1))
    try:
        record = next(reader)
    except csv.Error as error:
        raise Unreadable(f"The row is no CSV: {error}", 1) from error
    if record and record[-1].endswith(_END):
        if final:
            raise Unreadable("A quoted value that begins here never ends", 1)
        return None
    return record


def check_length(rest: bytes, row: int) -> None:
    """Raise Unreadable when the start of a record is longer than a record may be."""
    if len(rest) > MAX_RECORD:
        raise Unreadable("The row is longer than 1 MiB, or a quoted value that begins in it never ends", row)


def _end_of_lines(data: bytes, *, final: bool) -> int:
    """Return where the last line ends that is complete."""
    # Where lines end in a carriage return alone, the last byte may be half of CR LF.
    return len(data) if final else data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1


def _decoded(data: bytes, first_row: int) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        row = first_row + max(_count(data[: error.start].decode(), first_row) - 1, 0)
        byte = data[error.start]
        raise Unreadable(f"Byte 0x{byte:02X} is not UTF-8: save the file as UTF-8", row) from error
    if "\0" in text:
        row = first_row + text.count("\n", 0, text.index("\0"))
        raise Unreadable("The row holds a NUL: the file is not text", row)
    return text


def _parsed(text: str, first_row: int) -> list[list[str]]:
    """Return the records of the text, and the mark that stands behind them, alone or in the last record."""
    rows: list[list[str]] = []
    try:
        # A million empty lines are one list, not a million.
        rows.extend(record or _EMPTY for record in _reader(text))
    except csv.Error as error:
        raise Unreadable(f"The row is no CSV: {error}", first_row + len(rows)) from error
    return rows


def _count(text: str, first_row: int) -> int:
    """Return how many records the text has, the last one as far as it goes."""
    count = 0
    try:
        # Without a list of them: there may be a million.
        for _ in _reader(text):
            count += 1
    except csv.Error as error:
        raise Unreadable(f"The row is no CSV: {error}", first_row + count) from error
    return count - 1


def _reader(text: str) -> Iterator[list[str]]:
    return csv.reader(chain(StringIO(text, newline=""), (_END,)))
