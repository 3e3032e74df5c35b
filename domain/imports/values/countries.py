"""Countries by their codes and by their names in many languages."""

import re
from collections.abc import Mapping
from functools import cache
from typing import cast
from unicodedata import normalize

from babel import Locale
from babel.core import get_global

from domain.customers import values
from domain.kit.errors import DomainError

# The languages of shops whose files come here; CLDR has the names.
_LANGUAGES = (
    "en", "zh_Hant", "zh_Hans", "ja", "ko", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs",
    "th", "vi", "id", "ms", "ru", "uk", "tr", "el", "hu", "ro",
)  # fmt: skip
# Names in use that CLDR words otherwise.
_ALSO = {
    "GB": "Great Britain|Britain|England|Scotland|Wales|Northern Ireland|UK|英國|イギリス",
    "US": "United States of America|America|USA|アメリカ|美國",
    "TW": "Taiwan, Province of China|Taiwan R.O.C.|R.O.C.|臺灣|中華民國|台灣",
    "HK": "Hong Kong|香港|Hong Kong SAR|ホンコン",
    "MO": "Macau|Macao|澳門|澳门|マカオ",
    "CN": "China|PRC|P.R. China|People's Republic of China|中國大陸|中国大陆|中華人民共和國",
    "KR": "Korea|South Korea|Republic of Korea|Korea, Republic of|南韓|韓國|大韓民國|대한민국",
    "KP": "North Korea|Korea, Democratic People's Republic of",
    "VN": "Viet Nam|Vietnam",
    "RU": "Russian Federation|Russia",
    "NL": "Holland|The Netherlands",
    "CZ": "Czech Republic|Czechia",
    "TR": "Turkey|Turkiye",
    "IR": "Iran, Islamic Republic of",
    "MD": "Moldova, Republic of",
    "TZ": "Tanzania, United Republic of",
    "BO": "Bolivia, Plurinational State of",
    "VE": "Venezuela, Bolivarian Republic of",
    "AE": "UAE",
    "CD": "DR Congo|Democratic Republic of the Congo",
    "CI": "Ivory Coast",
    "MM": "Burma",
    "PH": "The Philippines",
    "SZ": "Swaziland",
    "MK": "Macedonia",
}
_NO_LETTER = re.compile(r"[\W_]+")


def country(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country that is written as a code or a name. Raise DomainError."""
    written = text.strip()
    if not written:
        return None
    if (code := written.upper()) in values.COUNTRIES:
        return code
    code = _by_name().get(_key(written), "")
    if not code:
        shown = repr(written if len(written) <= 60 else f"{written[:57]}...")
        raise DomainError(f"{shown} is no country: write its ISO 3166-1 code, such as TW, or its name")
    return code


def _key(name: str) -> str:
    """Return a name without case, accents, spaces and marks."""
    plain = "".join(char for char in normalize("NFKD", name.casefold()) if not 0x300 <= ord(char) < 0x370)
    return normalize("NFC", _NO_LETTER.sub("", plain))


@cache
def _by_name() -> dict[str, str]:
    """Return the codes by name: a tenth of a second's work, which files that have codes never ask for."""
    codes: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        # Babel does not say what its data are.
        territories = cast("Mapping[str, str]", Locale.parse(language).territories)
        for code, name in territories.items():
            if code in values.COUNTRIES:
                codes.setdefault(_key(name), set()).add(code)
    # A name that two countries have, as Kongo, is of neither.
    by_name = {name: next(iter(named)) for name, named in codes.items() if len(named) == 1}
    for alias, replacements in get_global("territory_aliases").items():
        if alias.isalpha() and len(replacements) == 1 and replacements[0] in values.COUNTRIES:
            by_name.setdefault(_key(alias), replacements[0])
    for code, names in _ALSO.items():
        by_name |= {_key(name): code for name in names.split("|")}
    return by_name
