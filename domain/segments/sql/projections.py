"""The values of dimensions and columns as a SELECT reads them: for reports, where conditions only compare."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select

Scalar: TypeAlias = str | bool | int | float | Decimal | datetime | date
Decode: TypeAlias = Callable[[Any], Scalar | None]
"""From what the database answers, which is not NULL, to the value that it stands for."""


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A value on a row: for a dimension, on the customer's own row or on that of their facts."""

    expression: ColumnElement[Any]
    decode: Decode


@dataclass(frozen=True, slots=True)
class RelatedValues:
    """Values in rows of another table, of which a customer may have several.

    `rows` selects customer and value, which is not NULL, and can be narrowed by `customer`; a customer without a row
    has the default.
    """

    rows: Select[*tuple[Any, ...]]
    customer: ColumnElement[int]
    decode: Decode
    default: Scalar | None = None


DimensionValue: TypeAlias = ColumnValue | RelatedValues


def unchanged(raw: Scalar) -> Scalar:
    return raw
