"""Conditions on events of any type, and on their attributes."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, distinct, func

from domain.events.tables import events
from domain.kit.values import ValueType
from domain.segments.filters import ALL_TIME, Aggregate, BehaviorCondition
from domain.segments.sql.behaviors.aggregates import Measure, RealMeasure, Rows, having, having_share, in_window
from domain.segments.sql.behaviors.base import FieldConditions, aggregate_argument, where_clauses
from domain.segments.sql.behaviors.counters import all_time_predicate, recent_predicate
from domain.segments.sql.columns.times import WrittenDayColumn
from domain.segments.sql.columns.values import DOUBLE, Column, FlagColumn, RealColumn, TextColumn, one_of
from domain.segments.sql.predicates import Predicate, Selectivity
from domain.segments.sql.scope import FilterScope


@dataclass(frozen=True, slots=True)
class JsonField:
    """An attribute of an event. Only values of the type that the condition asks for fulfil it; None: of any type."""

    key: str
    kind: ValueType | None

    def column(self, scope: FilterScope) -> Column:
        match self.kind:
            case ValueType.NUMBER:
                return RealColumn(self._number(scope))
            case ValueType.BOOLEAN:
                return FlagColumn(self._flag(scope))
            case ValueType.STRING:
                return TextColumn(self._text(scope))
            case ValueType.DATE:
                return WrittenDayColumn(self._text(scope))
            case _:
                return TextColumn(self._value(scope))

    def distinct_count(self, scope: FilterScope) -> ColumnElement[int]:
        texts, numbers, flags = self._text(scope), self._number(scope), self._flag(scope)
        return func.count(distinct(texts)) + func.count(distinct(numbers)) + func.count(distinct(flags))

    def measure(self, scope: FilterScope) -> Measure:
        return RealMeasure(self._number(scope))

    def _number(self, scope: FilterScope) -> ColumnElement[Any]:
        # CASE, since a cast must not meet what is no number.
        is_number = one_of(self._type(scope), ["number", "integer", "real"], String(), scope)
        number: ColumnElement[float] = cast(self._value(scope), DOUBLE)
        return case((is_number, number))

    def _flag(self, scope: FilterScope) -> ColumnElement[Any]:
        if scope.dialect == "postgresql":
            return case((self._type(scope) == "boolean", self._value(scope) == "true"))
        return case((self._type(scope) == "true", 1), (self._type(scope) == "false", 0))

    def _text(self, scope: FilterScope) -> ColumnElement[Any]:
        text_type = "string" if scope.dialect == "postgresql" else "text"
        return case((self._type(scope) == text_type, self._value(scope)))

    def _value(self, scope: FilterScope) -> ColumnElement[Any]:
        if scope.dialect == "postgresql":
            return func.jsonb_extract_path_text(events.c.attributes, self.key, type_=String())
        return func.json_extract(events.c.attributes, self._path, type_=String())

    def _type(self, scope: FilterScope) -> ColumnElement[Any]:
        if scope.dialect == "postgresql":
            return func.jsonb_typeof(func.jsonb_extract_path(events.c.attributes, self.key), type_=String())
        return func.json_type(events.c.attributes, self._path, type_=String())

    @property
    def _path(self) -> str:
        return f'$."{self.key}"'


@dataclass(frozen=True, slots=True)
class EventSource:
    """Events of one type."""

    type: str

    def predicate(self, condition: BehaviorCondition, fields: FieldConditions, scope: FilterScope) -> Predicate:
        counted = all_time_predicate(self.type, condition, scope) or recent_predicate(self.type, condition, scope)
        if counted is not None:
            return counted
        clauses = where_clauses(fields.where, scope)
        if condition.aggregate is Aggregate.SHARE:
            return having_share(self._rows(condition, (), scope), clauses, condition, scope)
        argument = aggregate_argument(condition, fields, scope)
        return having(self._rows(condition, clauses, scope), condition, argument, scope)

    def _rows(self, condition: BehaviorCondition, clauses: tuple[ColumnElement[bool], ...], scope: FilterScope) -> Rows:
        where = (
            events.c.store_id == scope.store_id,
            events.c.type == self.type,
            *in_window(events.c.occurred_at, condition.window, scope),
            *clauses,
        )
        selectivity = Selectivity.LOG if condition.window == ALL_TIME else Selectivity.WINDOW
        return Rows(events.c.customer_id, events.c.occurred_at, where, selectivity)
