"""What is in a file is what was put in, whatever it looks like to a spreadsheet."""

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from domain.kit.formulas import starts_formula
from domain.lists.export import files
from domain.lists.export.files import Cell, ExportFormat, open_sheet

TAIPEI = ZoneInfo("Asia/Taipei")
FORMULAS = (
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\tx",
    "\r=1",
    "\n=1",
    "=",
    "+886-2-1",
    "-5",
)
HARMLESS = ("a=b", "Ann", "007", " =1", "'=1", "1e5", "a;b", 'quo"te', "two\nlines", "ß😀", "", "a,b", "+886912345678")
STARTS = "=+-@\t\r\n'"


def write(path: Path, format_: ExportFormat, header: Sequence[str], *rows: Sequence[Cell]) -> None:
    sheet = open_sheet(path, format_, header, TAIPEI)
    sheet.write(rows)
    sheet.close()


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def read_xlsx(path: Path) -> list[tuple[object, ...]]:
    sheet = load_workbook(path).active
    assert isinstance(sheet, Worksheet)
    return [tuple(cell.value for cell in row) for row in sheet.iter_rows()]


def test_no_cell_of_a_csv_file_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write(path, ExportFormat.CSV, ["=name"], *([text] for text in (*FORMULAS, *HARMLESS)))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf'=name\r\n")
    rows = read_csv(path)[1:]
    harmless = ["''=1" if text == "'=1" else text for text in HARMLESS]
    assert [row[0] for row in rows if row] == [*(f"'{text}" for text in FORMULAS), *harmless]


def test_no_cell_of_an_xlsx_file_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    texts = [text for text in (*FORMULAS, *HARMLESS) if text and "\r" not in text]
    write(path, ExportFormat.XLSX, ["=name"], *([text] for text in texts))
    sheet = load_workbook(path).active
    assert isinstance(sheet, Worksheet)
    cells = [row[0] for row in sheet.iter_rows()]
    assert [cell.value for cell in cells] == ["=name", *texts]
    assert {cell.data_type for cell in cells} == {"s"}
    quoted = [bool(cell.quotePrefix) for cell in cells[1:]]
    assert quoted == [starts_formula(text) for text in texts]


@given(st.text(st.characters(codec="utf-8"), max_size=8), st.sampled_from(["", *STARTS]))
def test_a_text_is_a_formula_only_when_it_is_no_phone_number(text: str, start: str) -> None:
    given_ = start + text
    if starts_formula(given_):
        assert given_[0] in "=+-@\t\r\n"
    elif given_ and given_[0] in "=+-@\t\r\n":
        assert given_[1:].isascii()
        assert given_[1:].isdigit()
        assert given_[0] == "+"


VALUES: Sequence[tuple[Cell, str, object]] = (
    (None, "", None),
    (True, "true", True),
    (False, "false", False),
    (12, "12", 12),
    (-12, "-12", -12),
    (Decimal("-0.5"), "-0.5", -0.5),
    (Decimal(12500000) / 10_000, "1250", 1250),
    (1.25, "1.25", 1.25),
    (date(2000, 2, 29), "2000-02-29", datetime(2000, 2, 29)),  # noqa: DTZ001 - Excel knows no zones
    (date(1899, 1, 1), "1899-01-01", "1899-01-01"),
    (datetime(2026, 6, 30, 17, 5, tzinfo=UTC), "2026-07-01T01:05:00+08:00", datetime(2026, 7, 1, 1, 5)),  # noqa: DTZ001
    ("0012", "0012", "0012"),
    ("TRUE", "TRUE", "TRUE"),
)


def test_numbers_days_and_times_are_such(tmp_path: Path) -> None:
    csv_path, xlsx_path = tmp_path / "x.csv", tmp_path / "x.xlsx"
    header = [str(at) for at in range(len(VALUES))]
    for path, format_ in ((csv_path, ExportFormat.CSV), (xlsx_path, ExportFormat.XLSX)):
        write(path, format_, header, [value for value, _, _ in VALUES])
    assert read_csv(csv_path) == [header, [text for _, text, _ in VALUES]]
    assert read_xlsx(xlsx_path) == [tuple(header), tuple(cell for _, _, cell in VALUES)]


def test_what_one_sheet_cannot_hold_goes_on_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SHEET_ROWS", 4)
    path = tmp_path / "x.xlsx"
    write(path, ExportFormat.XLSX, ["n"], *([number] for number in range(7)))
    book = load_workbook(path)
    sheets = [[row[0].value for row in book[name].iter_rows()] for name in book.sheetnames]
    assert sheets == [["n", 0, 1, 2], ["n", 3, 4, 5], ["n", 6]]
    long = tmp_path / "long.xlsx"
    write(long, ExportFormat.XLSX, ["n"], ["x" * 40_000])
    assert read_xlsx(long)[1] == ("x" * 32_767,)
