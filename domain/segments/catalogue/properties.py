"""A store's custom properties as dimensions."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement

from domain.customers.model import PropertyDefinition
from domain.customers.tables import customer_properties
from domain.kit.values import ValueType
from domain.segments.catalogue.builders import Group
from domain.segments.catalogue.entries import DimensionEntry
from domain.segments.sql.columns.times import DayColumn, MomentColumn
from domain.segments.sql.columns.values import Column, FlagColumn, RealColumn, TextColumn
from domain.segments.sql.dimensions.customer import PropertySource

_COLUMNS: Mapping[ValueType, Callable[[ColumnElement[Any]], Column]] = {
    ValueType.STRING: TextColumn,
    ValueType.NUMBER: RealColumn,
    ValueType.BOOLEAN: FlagColumn,
    ValueType.DATE: DayColumn,
    ValueType.DATETIME: MomentColumn,
}
RULES = (9, 132, 133, 134, 135)
_property = Group("property")


def custom_property(definition: PropertyDefinition) -> DimensionEntry:
    named = (f"property.{definition.key}", definition.label)
    return _property.make(definition.type, named, source_of(definition), RULES)


def source_of(definition: PropertyDefinition) -> PropertySource:
    stored = customer_properties.c[definition.type.column]
    return PropertySource(definition.id, stored, _COLUMNS[definition.type](stored))
