"""Dimensions and behaviors that plugins declare, beside those that every store has."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import muster_sdk as sdk

from domain.customers.model import PropertyDefinition
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
_KINDS = {
    sdk.ValueKind.TEXT: ValueType.STRING,
    sdk.ValueKind.NUMBER: ValueType.NUMBER,
    sdk.ValueKind.BOOLEAN: ValueType.BOOLEAN,
    sdk.ValueKind.DATE: ValueType.DATE,
    sdk.ValueKind.DATETIME: ValueType.DATETIME,
}


@dataclass(slots=True)
class Extensions:
    dimensions: tuple[sdk.Dimension, ...] = ()
    behaviors: Mapping[str, BehaviorEntry] = field(default_factory=dict[str, BehaviorEntry])

    def install(self, dimensions: Iterable[sdk.Dimension], behaviors: Iterable[sdk.Behavior]) -> None:
        """What was there before is replaced."""
        self.dimensions = tuple(dimensions)
        self.behaviors = {each.event: _behavior(each) for each in behaviors}

    def of(self, properties: Mapping[str, PropertyDefinition]) -> Iterator[DimensionEntry]:
        """Those that a store with such properties can be asked for."""
        for declared in self.dimensions:
            found = _dimension(declared, properties)
            if found is not None:
                yield found


EXTENSIONS = Extensions()
"""Those of this process, whose plugins were found when it started: a filter means the same wherever it is compiled."""


def _dimension(declared: sdk.Dimension, properties: Mapping[str, PropertyDefinition]) -> DimensionEntry | None:
    group, named, kind = Group(declared.group), (declared.key, declared.label), _KINDS[declared.kind]
    match declared.reads:
        case sdk.PropertyValue(key):
            known = properties.get(key)
            if known is None or known.type is not kind:
                return None
            return _offered(group.make(kind, named, source_of(known), ()), declared.choices, declared.closed)
        case sdk.LatestEvent(event, attribute_key):
            source = LatestEventSource(event, field_of(event, attribute_key, kind))
            made = _dated(group.make(kind, named, source, ()))
            return _offered(made, declared.choices, declared.closed)
        case sdk.EventCount(event, days):
            window = ALL_TIME if days is None else Window(last_days=days)
            return group.number(*named, EventCountSource(event, window))


def _behavior(declared: sdk.Behavior) -> BehaviorEntry:
    known = EventBehaviors(declared.group).of(declared.event, declared.label)
    own = tuple(_attribute(declared.event, each) for each in declared.attributes)
    return replace(known, attributes=own)


def _attribute(event: str, declared: sdk.EventAttribute) -> AttributeEntry:
    kind = _KINDS[declared.kind]
    made = attribute((declared.key, declared.label), kind, field_of(event, declared.key, kind))
    return _offered(_dated(made), declared.choices, closed=False)


def _dated(entry: E) -> E:
    """Days in events are text, of which not everything can be asked."""
    return only(entry, (*TIMES, *PRESENCE)) if entry.type is ValueType.DATE else entry


def _offered(entry: E, choices: Iterable[sdk.Choice], closed: bool) -> E:
    labels = {each.value: each.label for each in choices}
    if not labels:
        return entry
    return choice(entry, labels, *PRESENCE) if closed else suggested(entry, labels)
