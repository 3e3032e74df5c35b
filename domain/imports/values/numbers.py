"""Numbers and amounts as people write them: with separators, a decimal comma or point, and a currency."""

import re
from dataclasses import dataclass
from decimal import Decimal
from unicodedata import normalize

from domain.kit.errors import DomainError

_STRICT = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_SPACES = re.compile("[\\s\u00a0\u202f'\u2019]+")
# Thousands, by commas as India's too: twelve lakh are 12,00,000.
_GROUPS = re.compile(r"[0-9]{1,3}(?:(?:,[0-9]{2,3})*,[0-9]{3}|(?:\.[0-9]{3})+)")
_SYMBOLS = {
    "NT$": "TWD", "US$": "USD", "HK$": "HKD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "S$": "SGD",
    "NZ$": "NZD", "R$": "BRL", "MX$": "MXN", "€": "EUR", "£": "GBP", "₩": "KRW", "₹": "INR", "₫": "VND", "฿": "THB",
    "₱": "PHP", "₽": "RUB", "₺": "TRY", "₪": "ILS", "RM": "MYR", "RP": "IDR",
}  # fmt: skip
# These are of more than one currency.
_SHARED_SYMBOLS = ("$", "¥", "元", "円", "圓", "KR", "KR.")
_AMOUNT = re.compile(
    r"(?P<before>[^0-9.,()+-]*)(?P<sign>[+-]?)(?P<number>[0-9., ]*[0-9][0-9., ]*)(?P<after>[^0-9.,()+-]*\.?)"
)
_CODE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, of money perhaps; `currency` is the ISO 4217 code that stands with it, if one does for certain."""

    value: Decimal
    currency: str | None = None


def number(text: str) -> Decimal | None:
    read = amount(text)
    return None if read is None else read.value


def amount(text: str) -> Amount | None:
    """Return the amount and its currency, as in 1.234,50, $12.00, NT$1,200, EUR 5 and (5.00), which is negative.

    A single point is a decimal point. A single comma is a decimal comma, unless three digits follow it: 1,234 is 1234.
    """
    written = normalize("NFKC", text).strip()
    if not written:
        return None
    if _STRICT.fullmatch(written):
        return Amount(Decimal(written))
    negative = written.startswith("(") and written.endswith(")")
    inner = written[1:-1].strip() if negative else written
    # -$5 is as good as $-5.
    if inner[:1] == "-" and not inner[1:2].isdigit() and inner[1:2] not in "+-":
        negative, inner = not negative, inner[1:]
    parts = _AMOUNT.fullmatch(_SPACES.sub(" ", inner))
    if parts is None:
        raise _no_number(text)
    marks = [mark.strip().upper() for mark in (parts["before"], parts["after"]) if mark.strip()]
    currencies = [_currency(mark, text) for mark in marks]
    value = Decimal(parts["sign"] + _digits(parts["number"].replace(" ", ""), text))
    return Amount(-value if negative else value, next(filter(None, currencies), None))


def _currency(mark: str, text: str) -> str | None:
    if mark in _SHARED_SYMBOLS:
        return None
    if mark in _SYMBOLS:
        return _SYMBOLS[mark]
    if _CODE.fullmatch(mark):
        return mark
    raise _no_number(text)


def _digits(text: str, shown: str) -> str:
    """Return digits with separators as a number with a decimal point."""
    last = max(text.rfind(","), text.rfind("."))
    mark = text[last] if last >= 0 else ""
    whole, decimals = (text[:last], text[last + 1 :]) if mark else (text, "")
    single = bool(mark) and text.count(mark) == 1
    is_thousands = mark == "," and len(decimals) == 3 and 1 <= len(whole) <= 3 and whole.isdecimal() and whole[0] != "0"
    if single and not is_thousands:
        # Before the decimals there is the other mark, or none.
        if (whole.isdecimal() or not whole or (mark not in whole and _GROUPS.fullmatch(whole))) and (
            decimals.isdecimal() or not decimals
        ):
            return f"{re.sub('[,.]', '', whole) or '0'}.{decimals or '0'}"
    elif text.isdecimal() or _GROUPS.fullmatch(text):
        return re.sub("[,.]", "", text)
    raise _no_number(shown)


def _no_number(text: str) -> DomainError:
    shown = repr(text if len(text) <= 60 else f"{text[:57]}...")
    return DomainError(f"{shown} is no number: write it as 1234.50")
