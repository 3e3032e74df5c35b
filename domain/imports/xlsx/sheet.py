"""The rows of a sheet, as text: whatever is merged, hidden, formatted or left empty."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from domain.imports.csv_reader import MAX_RECORD, Unreadable
from domain.imports.xlsx.markup import Markup
from domain.imports.xlsx.strings import SharedStrings, unescape
from domain.imports.xlsx.styles import NumberFormat
from domain.imports.xlsx.values import number_text

MAX_ROWS = 1_048_576
_MAX_COLUMNS = 16_384
_TYPES_OF_TEXT = {"s", "str", "inlineStr"}


@dataclass(slots=True)
class SheetRow:
    """A row by its number in the sheet; `errors` are its cells like #N/A by their positions, which are empty."""

    number: int
    cells: list[str] = field(default_factory=list[str])
    errors: dict[int, str] = field(default_factory=dict[int, str])


@dataclass(frozen=True, slots=True)
class CellReader:
    """The texts and formats that cells refer to. `width`: the most cells of a row; one beyond is read as the last."""

    strings: SharedStrings | None
    formats: Sequence[NumberFormat]
    from_1904: bool
    width: int

    def text(self, kind: str, stored: str, style: str | None) -> str:
        if kind == "s":
            if self.strings is None or not (stored.isdecimal() and len(stored) < 10):
                raise Unreadable("The workbook is damaged: a cell's text is missing")
            return self.strings[int(stored)]
        if kind in _TYPES_OF_TEXT:
            return unescape(stored)
        if kind == "b":
            return {"1": "true", "0": "false"}.get(stored, stored)
        if kind == "d":
            return stored
        known = style is not None and style.isdecimal() and len(style) < 7 and int(style) < len(self.formats)
        shown = self.formats[int(style)] if known and style is not None else NumberFormat.NUMBER
        return number_text(stored.strip(), shown, from_1904=self.from_1904)


class SheetParser(Markup):
    """Reads the part of a sheet: its rows with a value, in their order."""

    def __init__(self, reader: CellReader) -> None:
        super().__init__()
        self._reader = reader
        self._rows: list[SheetRow] = []
        self._row = SheetRow(0)
        self._column = -1
        self._kind = "n"
        self._style: str | None = None
        self._stored: list[str] = []
        self._length = 0
        self._is_value = False
        self._pronunciation = 0
        self._positions: dict[str, int] = {}

    def rows(self, chunks: Iterator[bytes]) -> Iterator[SheetRow]:
        for _ in self.parse(chunks):
            yield from self._rows
            self._rows.clear()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._position(reference)
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s")
        elif name == "v" or (name == "t" and not self._pronunciation):
            self._is_value = True
        elif name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "rPh":
            self._pronunciation += 1

    def end(self, name: str) -> None:
        if name == "c":
            if self._stored:
                self._put("".join(self._stored))
                self._stored.clear()
        elif name in {"v", "t"}:
            self._is_value = False
        elif name == "row":
            if self._row.cells or self._row.errors:
                self._rows.append(self._row)
        elif name == "rPh":
            self._pronunciation -= 1
        elif name == "sheetData":
            self.done = True

    def text(self, text: str) -> None:
        if self._is_value:
            self._add_length(len(text))
            self._stored.append(text)

    def _put(self, stored: str) -> None:
        row = self._row
        position = min(self._column, self._reader.width - 1)
        if self._kind == "e":
            row.errors[position] = stored[:20]
            return
        text = self._reader.text(self._kind, stored, self._style)
        if self._kind == "s":
            self._add_length(len(text))
        missing = position - len(row.cells)
        if missing > 0:
            row.cells += [""] * missing
        if missing < 0:
            row.cells[position] = text
        elif text:
            row.cells.append(text)

    def _begin_row(self, number: str | None) -> None:
        last = self._row.number
        following = last + 1
        if number is not None:
            following = int(number) if number.isdecimal() and len(number) < 8 else 0
        if following > MAX_ROWS:
            raise Unreadable(f"The sheet has more than {MAX_ROWS:,} rows")
        if following <= last:
            raise Unreadable(f"The workbook is damaged: the row behind row {last} has the number {str(number)[:20]!r}")
        self._row = SheetRow(following)
        self._column = -1
        self._length = 0

    def _add_length(self, length: int) -> None:
        self._length += length
        if self._length > MAX_RECORD:
            raise Unreadable("The row is longer than 1 MiB", self._row.number)

    def _position(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        position = self._positions.get(letters)
        if position is None:
            position = -1
            if 1 <= len(letters) <= 3 and letters.isascii() and letters.isalpha():
                number = 0
                for letter in letters.upper():
                    number = number * 26 + ord(letter) - ord("A") + 1
                position = number - 1
            if not 0 <= position < _MAX_COLUMNS:
                raise Unreadable(f"The workbook is damaged: it has a cell {reference[:20]!r}")
            self._positions[letters] = position
        return position
