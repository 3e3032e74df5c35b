"""Which cells of a workbook are days and times: their numbers are formatted so."""

import re
from collections.abc import Iterable
from enum import Enum, auto

from domain.imports.csv_reader import Unreadable
from domain.imports.xlsx.markup import Markup

_MAX_STYLES = 100_000
# Quoted and escaped characters, colours and locales in brackets, paddings and fillings.
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|am/pm|a/p', re.IGNORECASE)


class NumberFormat(Enum):
    """The kind of value that a number is shown as."""

    NUMBER = auto()
    DAY = auto()
    INSTANT = auto()
    TIME = auto()
    DURATION = auto()


_BUILT_IN = {
    **dict.fromkeys([*range(14, 18), *range(27, 32), *range(34, 37), *range(50, 59)], NumberFormat.DAY),
    **dict.fromkeys([*range(18, 22), 32, 33, 45, 47], NumberFormat.TIME),
    22: NumberFormat.INSTANT,
    46: NumberFormat.DURATION,
}


def format_of(code: str) -> NumberFormat:
    """Return what a format's code makes of a number."""
    shown = _LITERALS.sub("", code.partition(";")[0]).lower()
    if "general" in shown:
        return NumberFormat.NUMBER
    if "[" in shown:
        return NumberFormat.DURATION
    has_time = "h" in shown or "s" in shown
    has_day = "d" in shown or "y" in shown or ("m" in shown and not has_time)
    if has_day:
        return NumberFormat.INSTANT if has_time else NumberFormat.DAY
    return NumberFormat.TIME if has_time else NumberFormat.NUMBER


class _Styles(Markup):
    def __init__(self) -> None:
        super().__init__()
        self.formats: list[NumberFormat] = []
        self._codes: dict[str, NumberFormat] = {}
        self._is_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self._codes[attributes.get("numFmtId", "")] = format_of(attributes.get("formatCode", "")[:1_000])
        elif name == "cellXfs":
            self._is_cells = True
        elif name == "xf" and self._is_cells:
            number = attributes.get("numFmtId", "0")
            built_in = _BUILT_IN.get(int(number)) if number.isdecimal() and len(number) < 5 else None
            self.formats.append(self._codes.get(number, built_in or NumberFormat.NUMBER))
        if len(self.formats) > _MAX_STYLES or len(self._codes) > _MAX_STYLES:
            raise Unreadable(f"The workbook has more than {_MAX_STYLES:,} styles: save it as CSV")

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._is_cells = False


def read_formats(chunks: Iterable[bytes]) -> list[NumberFormat]:
    """Return what each of the styles makes of a number, by its position."""
    styles = _Styles()
    styles.read(chunks)
    return styles.formats
