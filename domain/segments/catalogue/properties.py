"""What a store keeps of its customers beyond what every store does."""

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

RULES = (9, 132, 133, 134, 135)
_property = Group("property")


def custom_property(definition: PropertyDefinition) -> DimensionEntry:
    named = (f"property.{definition.key}", definition.label)
    return _property.make(definition.type, named, source_of(definition), RULES)


def source_of(definition: PropertyDefinition) -> PropertySource:
    stored = customer_properties.c[definition.type.column]
    return PropertySource(definition.id, stored, _column(definition.type, stored))


def _column(kind: ValueType, value: ColumnElement[Any]) -> Column:
    match kind:
        case ValueType.STRING:
            return TextColumn(value)
        case ValueType.NUMBER:
            return RealColumn(value)
        case ValueType.BOOLEAN:
            return FlagColumn(value)
        case ValueType.DATE:
            return DayColumn(value)
        case ValueType.DATETIME:
            return MomentColumn(value)
