"""Cells come in as people see them, whatever the spreadsheet stores."""

# xlsxwriter ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from domain.imports.csv_reader import Unreadable
from domain.imports.xlsx.sheet import SheetRow
from domain.imports.xlsx.styles import NumberFormat, format_of
from domain.imports.xlsx.values import number_text
from domain.imports.xlsx.workbook import read_rows
from tests.domain.imports.xlsx.workbooks import packed, parts, workbook


def rows_of(content: bytes, width: int = 1_001) -> list[SheetRow]:
    return list(read_rows(BytesIO(content), width))


def cells_of(content: bytes) -> list[list[str]]:
    return [row.cells for row in rows_of(content)]


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("1234567890123", "1234567890123"),
        ("1.234567890123E+12", "1234567890123"),
        ("0.10000000000000001", "0.1"),
        ("0.30000000000000004", "0.3"),
        ("12.0", "12"),
        ("-3", "-3"),
        ("007", "7"),
        ("1E-7", "0.0000001"),
        ("999999999999999", "999999999999999"),
        # Rounded by the spreadsheet: seen as such, not as an id.
        ("1234567890123456789", "1.23456789012346E+18"),
        ("1e999", "1e999"),
        ("nan", "nan"),
        ("x", "x"),
    ],
)
def test_a_number_is_written_as_it_was_typed(stored: str, text: str) -> None:
    assert number_text(stored, NumberFormat.NUMBER, from_1904=False) == text


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=4, allow_nan=False))
def test_no_number_gains_or_loses_a_digit(number: Any) -> None:
    stored = repr(float(number))
    text = number_text(stored, NumberFormat.NUMBER, from_1904=False)
    assert float(text) == pytest.approx(float(number), rel=1e-14)
    assert "e" not in text.lower()
    assert len(text.strip("-").replace(".", "").strip("0")) <= 15


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", NumberFormat.NUMBER),
        ("0.00%", NumberFormat.NUMBER),
        ('[$NT$-404]#,##0.00;[Red]"days"-#,##0.00', NumberFormat.NUMBER),
        ("0.00E+00", NumberFormat.NUMBER),
        ('#,##0 "Stück"', NumberFormat.NUMBER),
        ("yyyy-mm-dd", NumberFormat.DAY),
        ("[$-411]ggge\\年m\\月d\\日", NumberFormat.DAY),
        ("mmm", NumberFormat.DAY),
        ("[Blue]dd/mm/yy;@", NumberFormat.DAY),
        ("d/m/yyyy h:mm AM/PM", NumberFormat.INSTANT),
        ("hh:mm", NumberFormat.TIME),
        ("mm:ss.0", NumberFormat.TIME),
        ("[h]:mm:ss", NumberFormat.DURATION),
    ],
)
def test_a_format_says_what_a_number_is(code: str, shown: NumberFormat) -> None:
    assert format_of(code) is shown


@pytest.mark.parametrize(
    ("stored", "shown", "text"),
    [
        ("37256", NumberFormat.DAY, "2001-12-31"),
        ("37256.5", NumberFormat.DAY, "2001-12-31T12:00:00"),
        ("37256", NumberFormat.INSTANT, "2001-12-31T00:00:00"),
        ("37256.430902777778", NumberFormat.INSTANT, "2001-12-31T10:20:30"),
        ("37256.9999999", NumberFormat.INSTANT, "2002-01-01T00:00:00"),
        ("0.75", NumberFormat.TIME, "18:00:00"),
        ("1.5", NumberFormat.DURATION, "36:00:00"),
        ("1", NumberFormat.DAY, "1900-01-01"),
        ("59", NumberFormat.DAY, "1900-02-28"),
        ("61", NumberFormat.DAY, "1900-03-01"),
        # 1900 had no 29 February; nor is there a day before it, nor one after 9999.
        ("60", NumberFormat.DAY, "60"),
        ("0", NumberFormat.DAY, "0"),
        ("-1", NumberFormat.DAY, "-1"),
        ("2958465", NumberFormat.DAY, "9999-12-31"),
        ("2958465.9999999", NumberFormat.DAY, "2958465.9999999"),
        ("2958466", NumberFormat.DAY, "2958466"),
        ("1e300", NumberFormat.DAY, "1E+300"),
    ],
)
def test_a_day_is_written_by_iso_8601(stored: str, shown: NumberFormat, text: str) -> None:
    assert number_text(stored, shown, from_1904=False) == text


def made(write: Callable[[Any, Any], None], **options: object) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, **options}) as book:
        write(book, book.add_worksheet())
    return file.getvalue()


MOMENT = datetime(2001, 12, 31, 9, 5)  # noqa: DTZ001 - spreadsheets know no zones


def test_cells_of_every_kind() -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_row("A1", ["text", " spaces ", "two\r\nlines", "_x000D_", "日本\U0001f600", True, False, None, ""])
        sheet.write_number("A2", 0.25, book.add_format({"num_format": "0%"}))
        sheet.write_number("B2", 1234.5, book.add_format({"num_format": "#,##0.00 €"}))
        sheet.write_datetime("C2", date(2001, 12, 31), book.add_format({"num_format": "d.m.yyyy"}))
        sheet.write_datetime("D2", MOMENT, book.add_format({"num_format": 22}))
        sheet.write_formula("E2", "=A1", None, "as computed")
        sheet.write_formula("F2", "=1+1", None, 2)
        sheet.write_formula("G2", "=1=1", None, True)
        sheet.write_rich_string("H2", "rich ", book.add_format({"bold": True}), "text")
        sheet.write_string("I2", "007")

    assert cells_of(made(write)) == [
        ["text", " spaces ", "two\r\nlines", "_x000D_", "日本\U0001f600", "true", "false"],
        ["0.25", "1234.5", "2001-12-31", "2001-12-31T09:05:00", "as computed", "2", "true", "rich text", "007"],
    ]


def test_days_from_1904() -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_datetime("A1", date(2001, 12, 31), book.add_format({"num_format": 14}))

    assert cells_of(made(write, date_1904=True)) == [["2001-12-31"]]


def test_what_is_hidden_merged_or_empty_is_no_trouble() -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.set_row(1, None, None, {"hidden": True})
        sheet.set_column("B:B", None, None, {"hidden": True})
        sheet.write_row("B2", ["b", "c"])
        sheet.merge_range("A5:C5", "merged")
        sheet.write_blank("Z6", None, book.add_format({"bold": True}))
        sheet.freeze_panes(2, 2)
        sheet.autofilter("A1:C5")

    rows = rows_of(made(write))
    assert [(row.number, row.cells) for row in rows] == [(2, ["", "b", "c"]), (5, ["merged"])]


def test_the_first_visible_sheet_with_a_value_is_read() -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_blank("A1", None, book.add_format({"bold": True}))
        hidden = book.add_worksheet()
        hidden.write("A1", "hidden")
        hidden.hide()
        book.add_chartsheet().set_chart(chart := book.add_chart({"type": "line"}))
        chart.add_series({"values": "=Sheet2!$A$1"})
        book.add_worksheet().write("A1", "right")
        book.add_worksheet().write("A1", "later")

    assert cells_of(made(write)) == [["right"]]


def test_a_workbook_without_a_value_is_refused() -> None:
    with pytest.raises(Unreadable, match="No visible sheet of the workbook has a value"):
        rows_of(workbook([]))


def test_cells_beyond_the_width_are_one() -> None:
    [row] = rows_of(workbook([["a", *[""] * 50, "b", "c"]]), width=10)
    assert row.cells == ["a", *[""] * 8, "c"]


def test_errors_stand_beside_the_cells() -> None:
    [row] = rows_of(
        packed(parts('<row><c t="e"><v>#N/A</v></c><c t="str"><v>b</v></c><c t="e"><v>#REF!</v></c></row>'))
    )
    assert (row.cells, row.errors) == (["", "b"], {0: "#N/A", 2: "#REF!"})


def test_japanese_texts_come_without_their_pronunciation() -> None:
    tokyo = "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh><phoneticPr/></si>"
    strings = f"{tokyo}<si><r><t>大</t></r><r><t>阪</t></r></si>"
    inline = '<c t="inlineStr"><is><t>京</t><rPh><t>キョウ</t></rPh></is></c>'
    sheet = f'<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c>{inline}</row>'
    assert cells_of(packed(parts(sheet, strings))) == [["東京", "大阪", "京"]]


def test_a_part_may_have_prefixes_and_no_references() -> None:
    row = b'<x:row><x:c><x:v>1</x:v></x:c><x:c t="d"><x:v>2026-01-02</x:v></x:c></x:row>'
    sheet = b'<x:worksheet xmlns:x="m"><x:sheetData>%s</x:sheetData>' % row
    assert cells_of(packed(parts(sheet))) == [["1", "2026-01-02"]]


FIRST, LAST = datetime(1900, 3, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - spreadsheets know no zones
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(lambda text: text.strip()),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.dates(date(1900, 3, 1), date(9999, 12, 31)),
    st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(microsecond=0)),
)


@given(st.lists(st.lists(VALUES, min_size=1, max_size=5), min_size=1, max_size=5))
def test_another_writer_s_workbook_reads_as_it_was_written(rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append([f"'{value}" if isinstance(value, str) and value.startswith("=") else value for value in row])
    file = BytesIO()
    book.save(file)

    def text(value: object) -> str:
        if isinstance(value, str):
            return f"'{value}" if value.startswith("=") else value
        if isinstance(value, bool):
            return str(value).lower()
        return value.isoformat() if isinstance(value, date) else str(value)

    assert cells_of(file.getvalue()) == [[text(value) for value in row] for row in rows]


def test_durations_are_hours() -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_datetime("A1", timedelta(hours=30, seconds=5), book.add_format({"num_format": 46}))

    assert cells_of(made(write)) == [["30:00:05"]]
