"""Days, instants and ages, compared with values by the store's days."""

from calendar import isleap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Date, Integer, String, and_, bindparam, collate, extract, false, or_
from sqlalchemy.types import TypeEngine

from domain.kit.db.types import Instant
from domain.segments.filters import Operator, Value
from domain.segments.sql.columns.values import intervals, one_of
from domain.segments.sql.projections import ColumnValue, unchanged
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class DayColumn:
    """Calendar days."""

    expression: ColumnElement[Any]

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
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

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(self.expression, unchanged)


@dataclass(frozen=True, slots=True)
class WrittenDayColumn:
    """Calendar days as text, 2026-07-01, whose order is that of the days."""

    expression: ColumnElement[Any]

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        text = collate(self.expression, "C") if scope.dialect == "postgresql" else self.expression
        if operator in {Operator.IN, Operator.EQ}:
            return one_of(text, [str(value) for value in values], String(), scope)
        since, until = _days(operator, values, scope)
        return _within(text, (since and since.isoformat(), until and until.isoformat()), String())

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(self.expression, written_day)


def written_day(text: str) -> date | str:
    """Return the day; what is none is shown as it was written."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return day if day.isoformat() == text else text


@dataclass(frozen=True, slots=True)
class MomentColumn:
    """Instants; a day as value means all of that day, in the store's zone."""

    expression: ColumnElement[Any]

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.expression.is_not(None)
        spans = [scope.span(value) for value in values if isinstance(value, date)]
        if operator is Operator.EQ:
            return or_(*(_within(self.expression, span, Instant()) for span in spans))
        since: datetime | None
        until: datetime | None
        match operator, values:
            case Operator.WITHIN_LAST_DAYS, [int(days)]:
                since, until = scope.start(-days), scope.span(scope.now)[1]
            case Operator.WITHIN_NEXT_DAYS, [int(days)]:
                since, until = scope.now, scope.start(days + 1)
            case Operator.IN_DAYS, [int(days)]:
                since, until = scope.start(days), scope.start(days + 1)
            case Operator.MORE_THAN_DAYS_AGO, [int(days)]:
                since, until = None, scope.start(-days)
            case _:
                since, until = _range(operator, spans[0][0], spans[0][1], spans[-1][1])
        return _within(self.expression, (since, until), Instant())

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(self.expression, unchanged)


def _days(operator: Operator, values: Sequence[Value], scope: FilterScope) -> tuple[date | None, date | None]:
    """Return the first day, and the day after the last."""
    match operator, values:
        case Operator.WITHIN_LAST_DAYS, [int(days)]:
            return scope.day(-days), scope.day(1)
        case Operator.WITHIN_NEXT_DAYS, [int(days)]:
            return scope.today, scope.day(days + 1)
        case Operator.IN_DAYS, [int(days)]:
            return scope.day(days), scope.day(days + 1)
        case Operator.MORE_THAN_DAYS_AGO, [int(days)]:
            return None, scope.day(-days)
        case _:
            spans = [(value, value + timedelta(days=1)) for value in values if isinstance(value, date)]
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
    expression: ColumnElement[Any], span: tuple[date | str | None, date | str | None], kind: TypeEngine[Any]
) -> ColumnElement[bool]:
    since, until = span
    bounds: list[ColumnElement[bool]] = []
    if since is not None:
        bounds.append(expression >= bindparam(None, since, type_=kind))
    if until is not None:
        bounds.append(expression < bindparam(None, until, type_=kind))
    return and_(*bounds)


def anniversaries(days: Sequence[int], scope: FilterScope) -> list[int]:
    """Return month * 100 + day of birthdays that are then; in common years, a 29th of February is on the 28th."""
    days_of_year: set[int] = set()
    for day in map(scope.day, days):
        days_of_year.add(day.month * 100 + day.day)
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            days_of_year.add(229)
    return sorted(days_of_year)


def _numbers(values: Sequence[Value]) -> list[int]:
    return [value for value in values if isinstance(value, int)]


@dataclass(frozen=True, slots=True)
class AgeColumn:
    """Full years since a birthday, by the store's day."""

    birthday: ColumnElement[Any]

    def matches(self, operator: Operator, values: Sequence[Value], scope: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return self.birthday.is_not(None)
        ages: list[ColumnElement[bool]] = [false()]
        for low, high in intervals(operator, values):
            bounds: list[ColumnElement[bool]] = [self.birthday.is_not(None)]
            if low is not None:
                bounds.append(self.birthday <= bindparam(None, last_birthday(low, scope.today), type_=Date()))
            if high is not None:
                bounds.append(self.birthday > bindparam(None, last_birthday(high + 1, scope.today), type_=Date()))
            ages.append(and_(*bounds))
        return or_(*ages)

    def value(self, scope: FilterScope) -> ColumnValue:
        return ColumnValue(self.birthday, lambda born: age(born, scope.today))


def age(born: date, today: date) -> int | None:
    """Return full years, None before birth; in common years, who was born on a 29th of February ages on the 28th."""
    day = min(born.day, 28) if born.month == 2 and not isleap(today.year) else born.day
    years = today.year - born.year - ((today.month, today.day) < (born.month, day))
    return years if years >= 0 else None


def last_birthday(age: int, today: date) -> date:
    """Return the last day on which one can be born to be so old today."""
    year = max(1, min(9998, today.year - age))
    if (today.month, today.day) == (2, 29) or ((today.month, today.day) == (2, 28) and not isleap(today.year)):
        return date(year, 2, 29 if isleap(year) else 28)
    return date(year, today.month, today.day)
