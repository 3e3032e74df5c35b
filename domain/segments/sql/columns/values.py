"""Columns compared with values and read as values, alike on both databases. Operators here are the positive ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Protocol

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Integer,
    String,
    and_,
    any_,
    bindparam,
    collate,
    column,
    false,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from domain.segments.filters import Operator, Value
from domain.segments.sql.projections import ColumnValue
from domain.segments.sql.scope import FilterScope

_MOST = 2**63 - 1
DOUBLE: TypeEngine[float] = Double()
_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

Interval = tuple[int | None, int | None]


class Column(Protocol):
    """Something of a row that conditions compare and reports show."""

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope, /) -> ColumnElement[bool]: ...

    def value(self, scope: FilterScope, /) -> ColumnValue | None:
        """Return how the value is read; None where there is nothing to show."""
        ...


def fold(text: str) -> str:
    """Return A to Z in lower case, and the rest as it is: the one folding that both databases agree on."""
    return text.translate(_FOLD)


def one_of(
    expression: ColumnElement[Any], values: Sequence[object], kind: TypeEngine[Any], scope: FilterScope
) -> ColumnElement[bool]:
    """Return "equal to one of the values"; however many there are, they are one parameter."""
    if len(values) == 1:
        return expression == bindparam(None, values[0], type_=kind)
    if scope.dialect == "postgresql":
        return expression == any_(bindparam(None, list(values), type_=ARRAY(kind)))
    listed = func.json_each(orjson.dumps(values).decode()).table_valued("value")
    return expression.in_(select(column("value", type_=kind)).select_from(listed))


@dataclass(frozen=True, slots=True)
class TextColumn:
    """Text: equal means the same characters, while parts are found whatever the case of A to Z."""

    expression: ColumnElement[Any]
    stored_as: Callable[[str], str] = str

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        texts = [self.stored_as(str(value)) for value in values]
        if operator in {Operator.IN, Operator.EQ}:
            return one_of(self.expression, texts, String(), scope)
        # In the C collation, and on SQLite, lower() knows A to Z alone.
        stored = collate(self.expression, "C") if scope.dialect == "postgresql" else self.expression
        folded = func.lower(stored, type_=String())
        is_postgresql = scope.dialect == "postgresql"
        clauses: list[ColumnElement[bool]] = []
        for part in map(fold, texts):
            if operator is Operator.CONTAINS:
                find = func.strpos if is_postgresql else func.instr
                clauses.append(find(folded, part, type_=Integer()) > 0)
            elif operator is Operator.STARTS_WITH:
                clauses.append(func.substr(folded, 1, len(part), type_=String()) == part)
            elif is_postgresql:
                clauses.append(func.right(folded, len(part), type_=String()) == part)
            else:
                clauses.append(func.substr(folded, -len(part), type_=String()) == part)
        return or_(*clauses)

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(self.expression, str)


@dataclass(frozen=True, slots=True)
class FlagColumn:
    expression: ColumnElement[Any]

    def matches(self, operator: Operator, values: Sequence[Value], _: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        if len(set(values)) == 2:
            return self.expression.is_not(None)
        return self.expression.is_(True in values)

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(self.expression, bool)


@dataclass(frozen=True, slots=True)
class WholeColumn:
    """Whole numbers in the database; `scale` of them make one of the condition's."""

    expression: ColumnElement[Any]
    scale: int = 1

    def matches(self, operator: Operator, values: Sequence[Value], _: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        raw = type_coerce(self.expression, BigInteger())
        return or_(false(), *(in_interval(raw, interval) for interval in intervals(operator, values, self.scale)))

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(type_coerce(self.expression, BigInteger()), lambda raw: scaled(raw, self.scale))


def scaled(raw: int, scale: int) -> int | Decimal:
    """Return the number that a whole number of units stands for."""
    return raw if scale == 1 else Decimal(raw) / scale


def in_interval(raw: ColumnElement[int], interval: Interval) -> ColumnElement[bool]:
    low, high = interval
    bounds: list[ColumnElement[bool]] = []
    if low is not None:
        bounds.append(raw >= bindparam(None, low, type_=BigInteger()))
    if high is not None:
        bounds.append(raw <= bindparam(None, high, type_=BigInteger()))
    return and_(*bounds)


def intervals(operator: Operator, values: Sequence[Value], scale: int = 1) -> list[Interval]:
    """Return the whole numbers that a comparison with any numbers allows, bounds included."""
    exact = [exactly(value) * scale for value in values]
    first, last = exact[0], exact[-1]
    match operator:
        case Operator.LT:
            return [(None, _clamp(_ceiling(first) - 1))]
        case Operator.LTE:
            return [(None, _clamp(_floor(first)))]
        case Operator.GT:
            return [(_clamp(_floor(first) + 1), None)]
        case Operator.GTE:
            return [(_clamp(_ceiling(first)), None)]
        case Operator.BETWEEN:
            return [(_clamp(_ceiling(first)), _clamp(_floor(last)))]
        case _:
            return [(_clamp(int(point)), _clamp(int(point))) for point in exact if point == _floor(point)]


def exactly(value: Value) -> Decimal:
    """Return the number as it was written."""
    return Decimal(value) if isinstance(value, int) else Decimal(str(value))


def _floor(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_FLOOR))


def _ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _clamp(value: int) -> int:
    return max(-_MOST, min(_MOST, value))


@dataclass(frozen=True, slots=True)
class RealColumn:
    """Binary floating point, IEEE's double on both databases."""

    expression: ColumnElement[Any]
    scale: int = 1

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        numbers = [float(exactly(value) * self.scale) for value in values]
        if operator in {Operator.IN, Operator.EQ}:
            return one_of(self.expression, numbers, Double(), scope)
        bound: list[ColumnElement[Any]] = [bindparam(None, number, type_=Double()) for number in numbers]
        return compare(operator, self.expression, bound)

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(self.expression, lambda raw: float(raw) / self.scale)


def compare(
    operator: Operator, expression: ColumnElement[Any], bound: Sequence[ColumnElement[Any]]
) -> ColumnElement[bool]:
    match operator:
        case Operator.LT:
            return expression < bound[0]
        case Operator.LTE:
            return expression <= bound[0]
        case Operator.GT:
            return expression > bound[0]
        case Operator.GTE:
            return expression >= bound[0]
        case _:
            return expression.between(bound[0], bound[1])
