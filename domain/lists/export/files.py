"""Tables as files: CSV and XLSX, written row by row, in which no cell is a formula."""

# xlsxwriter ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import csv
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from domain.kit.errors import DomainError, ErrorCode
from domain.kit.formulas import protected, starts_formula

Cell: TypeAlias = str | bool | int | float | Decimal | datetime | date | None

# The rows of one sheet of Excel's, its header included.
SHEET_ROWS = 1_048_576
CELL_LENGTH = 32_767
_FIRST_OF_EXCEL = date(1900, 3, 1)


class ExportFormat(StrEnum):
    CSV = "CSV"
    XLSX = "XLSX"

    @property
    def ending(self) -> str:
        return self.value.lower()


class TableTooLarge(DomainError):
    """The table does not fit into a file of that format."""

    code = ErrorCode.LIMIT_EXCEEDED


class Sheet(Protocol):
    """A table that is written row by row; none of them stays in memory."""

    def write(self, rows: Sequence[Sequence[Cell]]) -> None: ...

    def close(self) -> None: ...


def open_sheet(path: Path, format_: ExportFormat, header: Sequence[str], zone: tzinfo) -> Sheet:
    """Return a new file of the format with its header. Times are shown in the zone."""
    return (Csv if format_ is ExportFormat.CSV else Xlsx)(path, header, zone)


class Csv:
    """RFC 4180 in UTF-8, with the mark that Excel knows UTF-8 by. Text that would be a formula gets an apostrophe."""

    def __init__(self, path: Path, header: Sequence[str], zone: tzinfo) -> None:
        self._zone = zone
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([self._cell(name) for name in header])

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        self._writer.writerows([self._cell(value) for value in row] for row in rows)

    def close(self) -> None:
        self._file.close()

    def _cell(self, value: Cell) -> str | int | float:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, datetime):
            return value.astimezone(self._zone).isoformat()
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, str):
            return protected(value)
        return "" if value is None else value


class Xlsx:
    """Excel's format. Text is text whatever it begins with; numbers, days and times are cells of their kind."""

    def __init__(self, path: Path, header: Sequence[str], zone: tzinfo) -> None:
        self._zone, self._header = zone, header
        # Rows go to a temporary file in the same folder as they come, and text is written in its cell.
        self._book: Any = Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)})
        self._bold = self._book.add_format({"bold": True})
        self._plain = self._book.add_format({"quote_prefix": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._row = 0
        self._sheet = self._next_sheet()

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        for row in rows:
            if self._row == SHEET_ROWS:
                self._sheet = self._next_sheet()
            for column, value in enumerate(row):
                match value:
                    case None:
                        pass
                    case bool():
                        self._sheet.write_boolean(self._row, column, value)
                    case str():
                        style = self._plain if starts_formula(value) else None
                        self._sheet.write_string(self._row, column, value[:CELL_LENGTH], style)
                    case datetime():
                        self._write_day(column, value.astimezone(self._zone).replace(tzinfo=None), self._time)
                    case date():
                        self._write_day(column, value, self._day)
                    case _:
                        self._sheet.write_number(self._row, column, float(value))
            self._row += 1

    def close(self) -> None:
        try:
            self._book.close()
        except FileSizeError as error:
            raise TableTooLarge("The report does not fit into an XLSX file: choose CSV, or fewer fields") from error
        except FileCreateError as error:
            raise OSError(*getattr(error.args[0], "args", ("", str(error)))) from error

    def _next_sheet(self) -> Any:
        sheet: Any = self._book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(self._header):
            sheet.write_string(0, column, name, self._bold)
        self._row = 1
        return sheet

    def _write_day(self, column: int, day: date, style: object) -> None:
        """Write a day; as text before March 1900, where Excel has a 29th of February that never was."""
        if (day.date() if isinstance(day, datetime) else day) < _FIRST_OF_EXCEL:
            self._sheet.write_string(self._row, column, str(day))
        else:
            self._sheet.write_datetime(self._row, column, day, style)
