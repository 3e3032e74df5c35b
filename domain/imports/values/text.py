"""Text, ids and tags of cells, and the apostrophe by which exports keep spreadsheets from running a cell."""

import csv
import re
from collections.abc import Iterable
from io import StringIO

from domain.customers import values
from domain.kit.errors import DomainError
from domain.kit.formulas import unprotected

_ROUNDED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}")


def identifier(text: str, longest: int = 200) -> str | None:
    """Return an id of an export. Raise DomainError for one that a spreadsheet has rounded: it cannot be known."""
    if text[:1] == "'":
        text = unprotected(text)
    if "+" in text:
        refuse_rounded(text.strip())
    return values.text(text, longest)


def refuse_rounded(text: str) -> None:
    """Raise DomainError for a number such as 6.23457E+12, of which a spreadsheet has kept the first digits alone."""
    if _ROUNDED.fullmatch(text):
        message = f"{text!r} was rounded by a spreadsheet, and its last digits are lost: export it anew, as text"
        raise DomainError(message)


def tags(text: str) -> list[str]:
    """Return the tags of a cell: by semicolons where it has one, else by commas.

    A tag that has such a mark itself stands in double quotes, as values of CSV do.
    """
    if '"' not in text:
        return values.tags(text.split(";" if ";" in text else ","))
    separator = ";" if ";" in _without_quoted(text) else ","
    try:
        [cells] = csv.reader([text], delimiter=separator, strict=True, skipinitialspace=True)
    except (csv.Error, ValueError):
        cells = text.split(separator)
    return values.tags(cells)


def _without_quoted(text: str) -> str:
    return re.sub(r'"(?:[^"]|"")*"', "", text)


def joined_tags(tags: Iterable[str]) -> str:
    """Return a cell of which `tags` reads the same tags."""
    cell = StringIO()
    csv.writer(cell, delimiter=";", lineterminator="").writerow(tags)
    text = cell.getvalue()
    # A single tag with a comma would be two.
    return f"{text};" if "," in text and ";" not in _without_quoted(text) else text
