"""Brings texts that people take for the same into one form: names are searched and sorted by it."""

import re
from unicodedata import normalize

# A name of 200 characters can be some thousands here; an entry of an index of PostgreSQL has 2,704 bytes.
FOLDED_LENGTH = 300

# Latin and Greek are searched without accents, as they are often written without; elsewhere a mark makes another
# letter: й is no и, が no か, and Indic vowels are marks.
_ACCENTS = re.compile("(?<=[\u0000-\u02af\u0370-\u03ff])[\u0300-\u036f]+")
# Unicode's Default_Ignorable_Code_Point: joiners, directions, the selectors of variants of ideographs.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Letters that Unicode does not decompose, the marks that keyboards write in several ways, and katakana as hiragana.
_LETTERS = str.maketrans(
    {
        **dict(zip("ıłđøħŧð", "ildohtd", strict=True)),
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        **dict.fromkeys("\u2018\u2019\u02b9\u02bc\u2032`", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **{chr(kana): chr(kana - 0x60) for kana in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)},
    }
)


def folded(text: str) -> str:
    """Return the text without case, width, Latin and Greek accents and runs of spaces; 300 characters at most.

    What is folded alike is the same name to people: Ångström and angstrom, STRASSE and Straße, ｱﾝ and あん. Folded
    texts are in the order of their characters: spaces and digits, Latin, Greek, Cyrillic, kana, ideographs.
    """
    if text.isascii():
        text = text.lower().replace("`", "'")
    else:
        # Case mappings compose and decompose; compatible forms have cases of their own.
        text = normalize("NFKD", normalize("NFKD", text).casefold()).translate(_LETTERS)
        text = normalize("NFC", _ACCENTS.sub("", _INVISIBLE.sub("", text)))
    return " ".join(text.split())[:FOLDED_LENGTH].rstrip()
