"""Numbers as text: as they were typed, without the noise of binary fractions, and days by ISO 8601."""

from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite

from domain.imports.xlsx.styles import NumberFormat

# Spreadsheets keep 15 digits of a number: an integer beyond is rounded, and stays to be seen as such.
_DIGITS = 15
_FIRST_1900, _AFTER_LEAP_DAY = datetime(1899, 12, 31), datetime(1899, 12, 30)  # noqa: DTZ001 - local times
_FIRST_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
# The day that spreadsheets think 1900 had.
_LEAP_DAY = 60
_DAY = 86_400
_MAX_DAYS = 2_958_465


def number_text(stored: str, shown: NumberFormat, *, from_1904: bool) -> str:
    """Return the text of a number; of what is no number, as it is stored."""
    if shown is NumberFormat.NUMBER and stored.isdecimal() and stored.isascii() and len(stored) <= _DIGITS:
        return stored.lstrip("0") or "0"
    try:
        number = float(stored)
    except ValueError:
        return stored
    time = None if shown is NumberFormat.NUMBER else _time_text(number, shown, from_1904=from_1904)
    if time is not None or not isfinite(number):
        return time or stored
    text = f"{number:.{_DIGITS}g}"
    if "e" in text:
        return text.upper() if abs(number) >= 1 else format(Decimal(text), "f")
    return text


def _time_text(days: float, shown: NumberFormat, *, from_1904: bool) -> str | None:
    if not 0 <= days < _MAX_DAYS + 1:
        return None
    if shown is NumberFormat.DURATION or (days < 1 and (shown is not NumberFormat.DAY or days > 0)):
        minutes, seconds = divmod(round(days * _DAY), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    if days < 1 or (not from_1904 and _LEAP_DAY <= days < _LEAP_DAY + 1):
        return None
    first = _FIRST_1904 if from_1904 else _FIRST_1900 if days < _LEAP_DAY else _AFTER_LEAP_DAY
    whole = int(days)
    try:
        moment = first + timedelta(days=whole, seconds=round((days - whole) * _DAY))
    except OverflowError:
        return None
    is_day = shown is NumberFormat.DAY and moment.time() == datetime.min.time()
    return moment.date().isoformat() if is_day else moment.isoformat()
