"""The catalogue entries of dimensions and behaviors that plugins declare."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import muster_sdk as sdk

from domain.customers.model import PropertyDefinition
from domain.extensions import Extensions
from domain.kit.values import ValueType
from domain.segments.catalogue.builders import Group, attribute, choice, only, suggested
from domain.segments.catalogue.entries import (
    PRESENCE,
    TIMES,
    AttributeEntry,
    BehaviorEntry,
    CatalogueEntry,
    DimensionEntry,
)
from domain.segments.catalogue.event_behaviors import EventBehaviors, field_of
from domain.segments.catalogue.properties import source_of
from domain.segments.filters import ALL_TIME, Window
from domain.segments.sql.dimensions.latest_event import EventCountSource, LatestEventSource

E = TypeVar("E", bound=CatalogueEntry)
_TYPES = {
    sdk.ValueKind.TEXT: ValueType.STRING,
    sdk.ValueKind.NUMBER: ValueType.NUMBER,
    sdk.ValueKind.BOOLEAN: ValueType.BOOLEAN,
    sdk.ValueKind.DATE: ValueType.DATE,
    sdk.ValueKind.DATETIME: ValueType.DATETIME,
}


def extension_dimensions(
    extensions: Extensions, properties: Mapping[str, PropertyDefinition]
) -> Iterator[DimensionEntry]:
    """Yield the entries of the dimensions that a store with these properties has."""
    for declared in extensions.dimensions:
        group, named, kind = Group(declared.group), (declared.key, declared.label), _TYPES[declared.kind]
        match declared.reads:
            case sdk.PropertyValue(key):
                definition = properties.get(key)
                if definition is None or definition.type is not kind:
                    continue
                entry = group.make(kind, named, source_of(definition), ())
            case sdk.LatestEvent(event, attribute_key):
                source = LatestEventSource(event, field_of(event, attribute_key, kind))
                entry = _comparable(group.make(kind, named, source, ()))
            case sdk.EventCount(event, days):
                window = ALL_TIME if days is None else Window(last_days=days)
                entry = group.number(*named, EventCountSource(event, window))
        yield _with_choices(entry, declared.choices, closed=declared.closed)


def extension_behaviors(extensions: Extensions) -> Iterator[BehaviorEntry]:
    for declared in extensions.behaviors:
        attributes: list[AttributeEntry] = []
        for named in declared.attributes:
            kind = _TYPES[named.kind]
            entry = attribute((named.key, named.label), kind, field_of(declared.event, named.key, kind))
            attributes.append(_with_choices(_comparable(entry), named.choices, closed=False))
        behavior = EventBehaviors(declared.group).of(declared.event, declared.label)
        yield replace(behavior, attributes=tuple(attributes))


def _comparable(entry: E) -> E:
    """Days in events are text, which has no month and no anniversary."""
    return only(entry, (*TIMES, *PRESENCE)) if entry.type is ValueType.DATE else entry


def _with_choices(entry: E, choices: Iterable[sdk.Choice], *, closed: bool) -> E:
    labels = {offered.value: offered.label for offered in choices}
    if not labels:
        return entry
    return choice(entry, labels, *PRESENCE) if closed else suggested(entry, labels)
