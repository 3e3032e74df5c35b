"""Reads how a file begins: how it is written, where its header is, which columns it has, and whether they suffice."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from itertools import islice

from domain.imports import csv_reader
from domain.imports.csv_reader import Form, Unreadable
from domain.imports.encodings import Encoding
from domain.imports.format import ImportFormat
from domain.imports.mapping import ColumnFields, map_columns
from domain.imports.model import PIECE_BYTES, ImportOptions
from domain.kit.errors import DomainError, ErrorCode

MAX_COLUMNS = 1_000
# In the order of preference, where a header can be read in more than one way.
SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'\ufeff*"?sep=(?P<separator>[^\r\n"])"?\s*', re.IGNORECASE)
_NOTHING_SAID = ImportOptions()
# Rows among which a header is looked for.
_MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file by their names, empty where they have none, and how it is written.

    `row` is the header's, counted from 1; `fields` are what the columns are.
    """

    form: Form
    row: int
    heads: list[str]
    fields: ColumnFields


def read_header(
    start: bytes,
    encoding: Encoding,
    file_format: ImportFormat,
    options: ImportOptions = _NOTHING_SAID,
    separator: str | None = None,
) -> Header:
    """Return the header of a file. Raise DomainError when this cannot be the start of such a file.

    `separator`: where it is known.
    """
    form = Form(encoding)
    csv_reader.check_bytes(start, form)
    form = replace(form, separator=separator or _separator(start, form))
    records = csv_reader.first_records(start, form, final=len(start) < PIECE_BYTES)
    for row, record in enumerate(islice(records, _MOST_LINES), 1):
        if not is_blank(record) and not (row == 1 and _SEPARATOR_LINE.fullmatch(form.separator.join(record))):
            return _header(form, row, [cell.strip() for cell in record], file_format, options)
    raise Unreadable(f"No header was found in the first {_MOST_LINES} rows, nor in the first MiB")


def is_blank(record: Sequence[str]) -> bool:
    return not any(cell.strip() for cell in record)


def _header(form: Form, row: int, heads: list[str], file_format: ImportFormat, options: ImportOptions) -> Header:
    if len(heads) > MAX_COLUMNS:
        message = f"The file has {len(heads):,} columns: {MAX_COLUMNS:,} at most"
        raise DomainError(message, field=("file",), code=ErrorCode.LIMIT_EXCEEDED)
    fields = map_columns(heads, file_format, options)
    file_format.check_columns(fields.names)
    return Header(form, row, heads, fields)


def _separator(start: bytes, form: Form) -> str:
    """Return what separates the cells: as the first line says, or what makes the most columns of the header."""
    text = start[: csv_reader.MAX_RECORD].decode(form.encoding.codec, errors="replace").lstrip("\ufeff")
    said = _SEPARATOR_LINE.match(text.partition("\n")[0])
    if said is not None:
        return said["separator"]
    marks = "".join(SEPARATORS)
    for line in islice(StringIO(text, newline=""), _MOST_LINES):
        if line.strip(f'{marks} \r\n"'):
            return max(SEPARATORS, key=partial(_width, line))
    return SEPARATORS[0]


def _width(line: str, separator: str) -> int:
    return len(next(csv.reader([line], delimiter=separator)))
