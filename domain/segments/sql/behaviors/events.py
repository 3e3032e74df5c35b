"""Conditions on events of any type, and on what they say of themselves."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, distinct, func

from domain.events.tables import events
from domain.kit.values import ValueType
from domain.segments.filters import ALL_TIME, Aggregate, BehaviorCondition
from domain.segments.sql.behaviors.aggregates import Measure, RealMeasure, Rows, aggregate, during, share
from domain.segments.sql.behaviors.base import FieldConditions, measured, row_predicates
from domain.segments.sql.behaviors.counters import of_all_time, of_late
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
        named = "string" if scope.dialect == "postgresql" else "text"
        return case((self._type(scope) == named, self._value(scope)))

    def _value(self, scope: FilterScope) -> ColumnElement[Any]:
        if scope.dialect == "postgresql":
            return func.jsonb_extract_path_text(events.c.attributes, self.key, type_=String())
        return func.json_extract(events.c.attributes, self._path, type_=String())

    def _type(self, scope: FilterScope) -> ColumnElement[Any]:
        if scope.dialect == "postgresql":
            found = func.jsonb_extract_path(events.c.attributes, self.key)
            return func.jsonb_typeof(found, type_=String())
        return func.json_type(events.c.attributes, self._path, type_=String())

    @property
    def _path(self) -> str:
        return f'$."{self.key}"'


@dataclass(frozen=True, slots=True)
class EventSource:
    """Events of one type."""

    type: str

    def leaf(self, condition: BehaviorCondition, traits: FieldConditions, scope: FilterScope) -> Predicate:
        kept = of_all_time(self.type, condition, scope) or of_late(self.type, condition, scope)
        return kept or self._counted(condition, traits, scope)

    def _counted(self, condition: BehaviorCondition, traits: FieldConditions, scope: FilterScope) -> Predicate:
        chosen = row_predicates(traits.where, scope)
        if condition.aggregate is Aggregate.SHARE:
            return share(self._rows(condition, (), scope), chosen, condition, scope)
        return aggregate(self._rows(condition, chosen, scope), condition, measured(condition, traits, scope), scope)

    def _rows(self, condition: BehaviorCondition, chosen: tuple[ColumnElement[bool], ...], scope: FilterScope) -> Rows:
        where = (
            events.c.store_id == scope.store_id,
            events.c.type == self.type,
            *during(events.c.occurred_at, condition.window, scope),
            *chosen,
        )
        spread = Selectivity.LOG if condition.window == ALL_TIME else Selectivity.WINDOW
        return Rows(events.c.customer_id, events.c.occurred_at, where, spread)
