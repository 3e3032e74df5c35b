"""The same rows come in with one result, in whatever form they are written."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Literal

from hypothesis import event, given
from hypothesis import strategies as st

from domain.imports import csv_reader
from domain.imports.alignment import align
from domain.imports.conversion import SEPARATOR, WIDTH, csv_pieces
from domain.imports.csv_reader import Form
from domain.imports.customers.format import CustomerFormat
from domain.imports.encodings import Encoding, detect
from domain.imports.header import read_header
from domain.imports.model import Progress
from domain.imports.xlsx.workbook import read_rows
from tests.domain.imports.xlsx.workbooks import workbook

HEADER = ["external_id", "name", "city"]
MARKS = {Encoding.UTF_8: b"\xef\xbb\xbf", Encoding.UTF_16_LE: b"\xff\xfe", Encoding.UTF_16_BE: b"\xfe\xff"}


@dataclass(frozen=True)
class Written:
    """How rows are written; `encoding` is None for a workbook."""

    encoding: Encoding | None
    separator: str
    marked: bool
    said: bool
    line_end: str
    quoting: Literal[0, 1, 2]

    @property
    def is_found_out(self) -> bool:
        """What a mark says, and UTF-8, are seen of any file; of others it takes some text."""
        return self.encoding is Encoding.UTF_8 or self.marked


QUOTINGS: list[Literal[0, 1, 2]] = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]
FORMS = st.builds(
    Written,
    encoding=st.sampled_from([*Encoding, None]),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    marked=st.booleans(),
    said=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from(QUOTINGS),
)
# What separates, quotes or looks like something else.
STRANGE = ["02134", "1e5", "true", "two\nlines", "sep=;", "_x000D_", "2001-12-31", '"', "1234567890123", "a;b,c|d\te"]
PLAIN = "aZ 0=+-'\";,|\t.@_"
LETTERS = {
    Encoding.WINDOWS_1252: "éüßÅñ€œ…",
    Encoding.BIG5: "王小明陳美玲林志豪黃功碧許蓋",
    Encoding.GB18030: "张伟王芳李娜刘洋阳陈静蔡刚😀é",
    Encoding.SHIFT_JIS: "山田太郎佐藤さくら鈴木ケンジ髙橋ﾊﾅソ表能",
}


@st.composite
def rows_in_a_form(draw: st.DrawFn) -> tuple[list[list[str]], Written]:
    """Draw rows of characters that the form's encoding has."""
    form = draw(FORMS)
    anything = st.characters(exclude_categories=["C", "Zl", "Zp"]) | st.sampled_from("".join(LETTERS.values()))
    known = LETTERS.get(form.encoding) if form.encoding is not None else None
    letters = st.sampled_from(PLAIN) | (anything if known is None else st.sampled_from(known))
    texts = st.text(letters, max_size=8) | st.sampled_from(STRANGE)
    ids = st.text("c0123456789", min_size=1, max_size=5)
    return [list(row) for row in draw(st.lists(st.tuples(ids, texts, texts), min_size=1, max_size=6))], form


def written(rows: Sequence[Sequence[str]], form: Written) -> bytes:
    if form.encoding is None:
        return workbook(rows)
    text = StringIO()
    if form.said:
        text.write(f"sep={form.separator}{form.line_end}")
    # Where lines end in a carriage return, Python's writer leaves line feeds without quotes.
    quoting = csv.QUOTE_ALL if form.line_end == "\r" else form.quoting
    csv.writer(text, delimiter=form.separator, lineterminator=form.line_end, quoting=quoting).writerows(rows)
    content = text.getvalue().encode(form.encoding.codec)
    return MARKS.get(form.encoding, b"") * form.marked + content


def read(content: bytes, form: Written) -> list[list[str]]:
    encoding = form.encoding
    separator: str | None = None
    if encoding is None:
        content = b"".join(piece.content for piece in csv_pieces(read_rows(BytesIO(content), WIDTH)))
        encoding, separator = Encoding.UTF_8, SEPARATOR
    elif form.is_found_out and encoding in MARKS:
        encoding = detect([content])
    header = read_header(content, encoding, CustomerFormat(), separator=separator)
    records = csv_reader.read(content, 1, Form(encoding, header.form.separator), final=True)
    progress = Progress(
        separator=header.form.separator,
        header_row=header.row,
        columns=header.fields.names,
        cells=header.fields.cells,
        width=len(header.heads),
    )
    aligned = align(records, progress)
    assert (records.faults, aligned.problems, header.fields.names) == ({}, [], HEADER)
    return [cells for _, cells in aligned.rows]


@given(rows_in_a_form())
def test_the_same_rows_in_any_form(drawn: tuple[list[list[str]], Written]) -> None:
    rows, form = drawn
    event(form.encoding or "workbook")
    assert read(written([HEADER, *rows], form), form) == rows
