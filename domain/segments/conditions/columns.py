"""Comparing a column with values, alike on both databases. Operators here are the positive ones."""

from calendar import isleap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Protocol, TypeVar

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Double,
    Integer,
    String,
    and_,
    any_,
    bindparam,
    collate,
    column,
    extract,
    false,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from domain.db.types import Instant
from domain.segments.conditions.scope import Scope
from domain.segments.filters import Operator, Value

_MOST = 2**63 - 1
_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

Interval = tuple[int | None, int | None]


class Column(Protocol):
    """Something of a row that conditions compare."""

    def holds(self, operator: Operator, values: Sequence[Value], scope: Scope, /) -> ColumnElement[bool]: ...


def fold(text: str) -> str:
    """A to Z in lower case, and nothing else: the one folding that both databases agree on."""
    return text.translate(_FOLD)


def one_of(
    expression: ColumnElement[Any], values: Sequence[object], kind: TypeEngine[Any], scope: Scope
) -> ColumnElement[bool]:
    """Equal to one of the values; however many there are, they are one parameter."""
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

    def holds(self, operator: Operator, values: Sequence[Value], scope: Scope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        texts = [self.stored_as(str(value)) for value in values]
        if operator in {Operator.IN, Operator.EQ}:
            return one_of(self.expression, texts, String(), scope)
        folded = self._folded(scope)
        return or_(*(_part(operator, folded, fold(text), scope) for text in texts))

    def _folded(self, scope: Scope) -> ColumnElement[str]:
        # In the C collation, and on SQLite, lower() knows A to Z alone.
        text = collate(self.expression, "C") if scope.dialect == "postgresql" else self.expression
        return func.lower(text, type_=String())


def _part(operator: Operator, folded: ColumnElement[str], text: str, scope: Scope) -> ColumnElement[bool]:
    if operator is Operator.CONTAINS:
        find = func.strpos if scope.dialect == "postgresql" else func.instr
        return find(folded, text, type_=Integer()) > 0
    if operator is Operator.STARTS_WITH:
        return func.substr(folded, 1, len(text), type_=String()) == text
    if scope.dialect == "postgresql":
        return func.right(folded, len(text), type_=String()) == text
    return func.substr(folded, -len(text), type_=String()) == text


@dataclass(frozen=True, slots=True)
class FlagColumn:
    expression: ColumnElement[Any]

    def holds(self, operator: Operator, values: Sequence[Value], _: Scope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        wanted = set(values)
        if len(wanted) == 2:
            return self.expression.is_not(None)
        return self.expression.is_(True in wanted)


@dataclass(frozen=True, slots=True)
class WholeColumn:
    """Whole numbers in the database; `scale` of them make one of the condition's."""

    expression: ColumnElement[Any]
    scale: int = 1

    def holds(self, operator: Operator, values: Sequence[Value], _: Scope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        raw = type_coerce(self.expression, BigInteger())
        return or_(false(), *(within(raw, interval) for interval in intervals(operator, values, self.scale)))


def within(raw: ColumnElement[int], interval: Interval) -> ColumnElement[bool]:
    low, high = interval
    ends: list[ColumnElement[bool]] = []
    if low is not None:
        ends.append(raw >= bindparam(None, low, type_=BigInteger()))
    if high is not None:
        ends.append(raw <= bindparam(None, high, type_=BigInteger()))
    return and_(*ends)


def intervals(operator: Operator, values: Sequence[Value], scale: int = 1) -> list[Interval]:
    """The whole numbers that a comparison with any numbers allows, ends included."""
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
    """A number as it was written."""
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

    def holds(self, operator: Operator, values: Sequence[Value], scope: Scope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        numbers = [float(exactly(value) * self.scale) for value in values]
        if operator in {Operator.IN, Operator.EQ}:
            return one_of(self.expression, numbers, Double(), scope)
        bound: list[ColumnElement[Any]] = [bindparam(None, number, type_=Double()) for number in numbers]
        return compare(operator, self.expression, bound)


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


@dataclass(frozen=True, slots=True)
class DayColumn:
    """Calendar days."""

    expression: ColumnElement[Any]

    def holds(self, operator: Operator, values: Sequence[Value], scope: Scope) -> ColumnElement[bool]:
        match operator:
            case Operator.IS_SET:
                return self.expression.is_not(None)
            case Operator.MONTH_IN:
                return one_of(extract("month", self.expression), _numbers(values), Integer(), scope)
            case Operator.ANNIVERSARY_IN_DAYS:
                in_year = extract("month", self.expression) * 100 + extract("day", self.expression)
                return one_of(in_year, anniversaries(_numbers(values), scope), Integer(), scope)
            case Operator.IN | Operator.EQ:
                return one_of(self.expression, list(values), Date(), scope)
            case _:
                return _within(self.expression, _days(operator, values, scope), Date())


@dataclass(frozen=True, slots=True)
class MomentColumn:
    """Instants; a day as value means all of that day, in the store's zone."""

    expression: ColumnElement[Any]

    def holds(self, operator: Operator, values: Sequence[Value], scope: Scope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        spans = [scope.span(value) for value in values if isinstance(value, date)]
        if operator is Operator.EQ:
            return or_(*(_within(self.expression, span, Instant()) for span in spans))
        return _within(self.expression, _moments(operator, values, spans, scope), Instant())


def _days(operator: Operator, values: Sequence[Value], scope: Scope) -> tuple[date | None, date | None]:
    """From the first day on, up to the second, which is outside."""
    match operator, values:
        case Operator.WITHIN_LAST_DAYS, [int(days)]:
            return scope.day(-days), scope.day(1)
        case Operator.WITHIN_NEXT_DAYS, [int(days)]:
            return scope.today, scope.day(days + 1)
        case Operator.MORE_THAN_DAYS_AGO, [int(days)]:
            return None, scope.day(-days)
        case _:
            spans = [(value, value + timedelta(days=1)) for value in values if isinstance(value, date)]
            return _range(operator, spans[0][0], spans[0][1], spans[-1][1])


def _moments(
    operator: Operator, values: Sequence[Value], spans: Sequence[tuple[datetime, datetime]], scope: Scope
) -> tuple[datetime | None, datetime | None]:
    """From the first instant on, up to the second, which is outside."""
    match operator, values:
        case Operator.WITHIN_LAST_DAYS, [int(days)]:
            return scope.start(-days), scope.span(scope.now)[1]
        case Operator.WITHIN_NEXT_DAYS, [int(days)]:
            return scope.now, scope.start(days + 1)
        case Operator.MORE_THAN_DAYS_AGO, [int(days)]:
            return None, scope.start(-days)
        case _:
            return _range(operator, spans[0][0], spans[0][1], spans[-1][1])


D = TypeVar("D", date, datetime)


def _range(operator: Operator, start: D, end: D, last: D) -> tuple[D | None, D | None]:
    match operator:
        case Operator.LT | Operator.BEFORE:
            return None, start
        case Operator.LTE:
            return None, end
        case Operator.GT | Operator.AFTER:
            return end, None
        case Operator.GTE:
            return start, None
        case _:
            return start, last


def _within(
    expression: ColumnElement[Any], ends: tuple[date | None, date | None], kind: TypeEngine[Any]
) -> ColumnElement[bool]:
    since, until = ends
    bounds: list[ColumnElement[bool]] = []
    if since is not None:
        bounds.append(expression >= bindparam(None, since, type_=kind))
    if until is not None:
        bounds.append(expression < bindparam(None, until, type_=kind))
    return and_(*bounds)


def anniversaries(days: Sequence[int], scope: Scope) -> list[int]:
    """Month * 100 + day of what has its day then; the 29th of February has it on the 28th in common years."""
    found: set[int] = set()
    for day in (scope.day(each) for each in days):
        found.add(day.month * 100 + day.day)
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            found.add(229)
    return sorted(found)


def _numbers(values: Sequence[Value]) -> list[int]:
    return [value for value in values if isinstance(value, int)]


@dataclass(frozen=True, slots=True)
class AgeColumn:
    """Full years since a birthday, by the store's day."""

    birthday: ColumnElement[Any]

    def holds(self, operator: Operator, values: Sequence[Value], scope: Scope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.birthday.is_not(None)
        return or_(false(), *(self._between(low, high, scope) for low, high in intervals(operator, values)))

    def _between(self, low: int | None, high: int | None, scope: Scope) -> ColumnElement[bool]:
        ends: list[ColumnElement[bool]] = [self.birthday.is_not(None)]
        if low is not None:
            ends.append(self.birthday <= bindparam(None, last_birthday(low, scope.today), type_=Date()))
        if high is not None:
            ends.append(self.birthday > bindparam(None, last_birthday(high + 1, scope.today), type_=Date()))
        return and_(*ends)


def last_birthday(age: int, today: date) -> date:
    """The last day on which one can be born to be so old today; who was born on a 29th of February ages on the 28th."""
    year = max(1, min(9998, today.year - age))
    if (today.month, today.day) == (2, 29) or ((today.month, today.day) == (2, 28) and not isleap(today.year)):
        return date(year, 2, 29 if isleap(year) else 28)
    return date(year, today.month, today.day)
