"""Reads CSV records from a stream of bytes, with no more than a piece and one record in memory."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

from domain.imports.encodings import Encoding
from domain.kit.errors import DomainError

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

MAX_RECORD = 1 << 20
_BOM = "\ufeff"
_EMPTY: list[str] = []
_NEVER_ENDS = "A quoted value that begins here never ends"
_OPEN_AT_THE_END = "unexpected end of data"

csv.field_size_limit(2 * MAX_RECORD)


class Unreadable(DomainError):
    """The file cannot be read; `row`: from which of its rows on."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message, field=("file",))
        self.row = row


@dataclass(frozen=True, slots=True)
class Form:
    """The form that the text of a file is written in."""

    encoding: Encoding = Encoding.UTF_8
    separator: str = ","


@dataclass(frozen=True, slots=True)
class Records:
    """Complete records at the start of some bytes, and the length of those that they take.

    In place of a record that is no CSV stands an empty one, and `faults` has what is wrong, by the position.
    """

    rows: list[list[str]]
    byte_length: int
    faults: dict[int, str] = field(default_factory=dict[int, str])


def check_bytes(start: bytes, form: Form) -> None:
    """Raise Unreadable when this cannot be the start of a text file."""
    text = start.decode(form.encoding.codec, errors="replace")
    if not text.lstrip(_BOM).strip():
        raise Unreadable("The file is empty")
    if "\0" in text:
        raise Unreadable("The file is not text: send a CSV file")


def read(data: bytes, first_row: int, form: Form, *, final: bool) -> Records:
    """Return the complete records at the start of `data`, which is the file's from `first_row` on.

    `final`: nothing follows it. A record whose quotes are wrong is told by itself, and takes no other along. Raise
    Unreadable with the row from which on it is no text of the encoding.
    """
    end = len(data) if final else _end_of_lines(data, form.encoding)
    text = _decoded(data[:end], first_row, form)
    lines = list(StringIO(text.lstrip(_BOM) if first_row == 1 else text, newline=""))
    rows: list[list[str]] = []
    faults: dict[int, str] = {}
    next_line = 0
    while next_line < len(lines):
        before = len(rows)
        try:
            # A million empty lines are one list, not a million.
            rows.extend(record or _EMPTY for record in _reader(lines, next_line, form))
            break
        except csv.Error as error:
            again = _reader(lines, next_line, form)
            deque(islice(again, len(rows) - before), maxlen=0)
            next_line += again.line_num
            message = f"The row is no CSV: {error}"
            if str(error) == _OPEN_AT_THE_END:
                rest = "".join(lines[next_line:]).encode(form.encoding.codec)
                # What is longer than a record may be is no record that the next piece completes.
                if not final and len(rest) + len(data) - end <= MAX_RECORD:
                    return Records(rows, end - len(rest), faults)
                message = _NEVER_ENDS
            faults[len(rows)] = message
            rows.append(_EMPTY)
            next_line += 1
    return Records(rows, end, faults)


def first_records(start: bytes, form: Form, *, final: bool) -> Iterator[list[str]]:
    """Yield the complete records at a file's start, no more of them parsed than are asked for.

    Raise Unreadable for bytes that are no text of the encoding, in whatever row, and for a record that is no CSV.
    """
    text = _decoded(start if final else start[: _end_of_lines(start, form.encoding)], 1, form)
    reader = csv.reader(StringIO(text.lstrip(_BOM), newline=""), delimiter=form.separator, strict=True)
    row = 1
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            message = _NEVER_ENDS if str(error) == _OPEN_AT_THE_END else f"The row is no CSV: {error}"
            raise Unreadable(message, row) from error
        if record is None:
            return
        yield record
        row += 1


def check_length(rest: bytes, row: int) -> None:
    """Raise Unreadable when the start of a line is longer than a record may be."""
    if len(rest) > MAX_RECORD:
        raise Unreadable("The row is longer than 1 MiB", row)


def _reader(lines: list[str], first: int, form: Form) -> "CsvReader":
    rest: Iterator[str] = map(lines.__getitem__, range(first, len(lines)))
    return csv.reader(rest, delimiter=form.separator, strict=True)


def _end_of_lines(data: bytes, encoding: Encoding) -> int:
    """Return where the last line that has ended ends."""
    for end_of_line in ("\n", "\r"):
        mark = end_of_line.encode(encoding.codec)
        # Where lines end in a carriage return alone, the last one may be half of CR LF.
        at = data.rfind(mark, 0, len(data) if end_of_line == "\n" else -len(mark))
        while at >= 0 and at % encoding.unit:
            at = data.rfind(mark, 0, at + len(mark) - 1)
        if at >= 0:
            return at + len(mark)
    return 0


def _decoded(data: bytes, first_row: int, form: Form) -> str:
    encoding = form.encoding
    try:
        text = data.decode(encoding.codec)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding.codec)
        row = first_row + _record_number(before, form)
        what = f"Byte 0x{data[error.start]:02X} is not {encoding.label}"
        raise Unreadable(f"{what}: save the file as UTF-8, or say its encoding", row) from error
    if "\0" in text:
        row = first_row + _record_number(text[: text.index("\0")], form)
        raise Unreadable("The row holds a NUL: the file is not text", row)
    return text


def _record_number(before: str, form: Form) -> int:
    """Return how many records end before the text does."""
    ended = list(StringIO(before.lstrip(_BOM) + ".", newline=""))[:-1]
    records = 0
    reader = csv.reader(ended, delimiter=form.separator)
    for _ in reader:
        records += 1
    return records
