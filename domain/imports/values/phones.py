"""Phone numbers as people and spreadsheets write them, brought to E.164."""

import re
from functools import cache
from importlib.resources import files
from unicodedata import normalize

import phonenumbers

from domain.customers import values
from domain.imports.values.text import refuse_rounded
from domain.kit.errors import DomainError

_BARE = re.compile(r"[0-9]{11,15}")


def phone(text: str, country: str | None, store_country: str | None = None) -> str | None:
    """Return the number as E.164. Raise DomainError when it cannot be known.

    A national one is of its row's `country`; where a row has none it is of the store's, if it is valid there.
    """
    if "+" not in text[1:]:
        try:
            return values.phone(text, country)
        except DomainError:
            pass
    # Excel's apostrophe says that the cell is text.
    written = normalize("NFKC", text).strip().removeprefix("'").strip()
    refuse_rounded(written)
    # 00886912345678 and 886912345678: an international number without its plus.
    international = written.replace(" ", "").replace("-", "").removeprefix("00")
    number = _valid(f"+{international}", None) if _BARE.fullmatch(international) else None
    if number is None and country is None and store_country is not None:
        number = _valid(written, store_country)
    return number or values.phone(written, country)


def _valid(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@cache
def country_of_zone(zone: str) -> str | None:
    """Return the country in which a time zone lies, None for one such as UTC."""
    table = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return next((row[0] for row in rows if row[2] == zone), None)
