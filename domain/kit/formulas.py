"""Text that a spreadsheet would run as a formula, and the apostrophe that keeps it from that."""

import re

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# No program evaluates these: they stay as a sender of messages needs them.
_PHONE = re.compile(r"\+[0-9]{6,15}", re.ASCII)


def starts_formula(text: str) -> bool:
    return text.startswith(_STARTS) and _PHONE.fullmatch(text) is None


def protected(text: str) -> str:
    """Return the text with an apostrophe in front where a spreadsheet would run it.

    Text that begins with such an apostrophe itself gets another, so that `unprotected` returns every text as it was.
    """
    return f"'{text}" if starts_formula(text.lstrip("'")) else text


def unprotected(cell: str) -> str:
    """Return the text that `protected` was given; every other apostrophe stays."""
    return cell[1:] if cell.startswith("'") and starts_formula(cell.lstrip("'")) else cell
