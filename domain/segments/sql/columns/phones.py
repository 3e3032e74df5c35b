"""The country code that a phone number begins with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from sqlalchemy import ColumnElement, String, func, or_

from domain.segments.filters import Operator, Value
from domain.segments.sql.projections import ColumnValue
from domain.segments.sql.scope import FilterScope

_OF_NO_COUNTRY = "001"
CALLING_CODES = {
    f"+{code}": ", ".join(regions)
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items())
    if _OF_NO_COUNTRY not in regions
}
"""The codes of countries, each with the countries that share it. None is how another begins."""


@dataclass(frozen=True, slots=True)
class CallingCodeColumn:
    """The country code of a phone number as E.164 writes it."""

    phone: ColumnElement[Any]

    def matches(self, _: Operator, values: Sequence[Value], __: FilterScope) -> ColumnElement[bool]:
        return or_(*(func.substr(self.phone, 1, len(str(code)), type_=String()) == str(code) for code in values))

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(self.phone, calling_code)


def calling_code(phone: str) -> str | None:
    return next((phone[:length] for length in (2, 3, 4) if phone[:length] in CALLING_CODES), None)
