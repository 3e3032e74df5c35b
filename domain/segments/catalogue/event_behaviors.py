"""Behaviors that are events, of known types and of any other."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.events.types import event_type_of
from domain.kit.values import ValueType
from domain.segments.catalogue.builders import attribute, only
from domain.segments.catalogue.entries import OPERATORS, PRESENCE, TIMES, AttributeEntry, BehaviorEntry
from domain.segments.sql.behaviors.base import EventField
from domain.segments.sql.behaviors.event_fields import SubjectField
from domain.segments.sql.behaviors.events import EventSource, JsonField

EVENT_TYPE = re.compile(r"[^\x00-\x1f\x7f`]{1,64}")
_EVENT_ATTRIBUTE = re.compile(r"[^\x00-\x1f\x7f\"\\`]{1,64}")


_LABELS = {
    "ad": "Advertisement",
    "utm_source": "UTM source",
    "utm_medium": "UTM medium",
    "utm_campaign": "UTM campaign",
}
# What is named by its ID in the API.
_IDS = {"campaign": "Campaign", "segment": "Segment", "scenario": "Scenario"}


@dataclass(frozen=True, slots=True)
class EventBehaviors:
    """A group of behaviors; `rules` are of the attributes that any of them has."""

    group: str
    rules: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    def of(self, key: str, label: str, *rules: int, more: tuple[AttributeEntry, ...] = ()) -> BehaviorEntry:
        """Return the behavior that events of a type are, with the attributes that are known, and open to any other."""
        attributes: list[AttributeEntry] = []
        for name, kind in event_type_of(key).attributes.items():
            named = (name, _LABELS.get(name, name.replace("_", " ").capitalize()))
            entry = attribute(named, kind, field_of(key, name, kind), *self.rules.get(name, ()))
            entry = only(entry, (*TIMES, *PRESENCE)) if kind is ValueType.DATE else entry
            attributes.append(replace(entry, refers_to=_IDS.get(name)))
        source = EventSource(key)
        return BehaviorEntry(
            key, label, self.group, (*attributes, *more), source, custom_attribute, open=True, rules=rules
        )


def field_of(event_type: str, key: str, kind: ValueType) -> EventField:
    """Return how an attribute is read: the subject is a column with an index, the others are in the JSON."""
    return SubjectField() if event_type_of(event_type).subject == key else JsonField(key, kind)


def custom_event(key: str) -> BehaviorEntry | None:
    """Return the behavior of any event type; None for a name that cannot be one."""
    return _OTHERS.of(key, key) if EVENT_TYPE.fullmatch(key) and key.strip() == key else None


_OTHERS = EventBehaviors("event")


def custom_attribute(key: str, values: Sequence[object]) -> AttributeEntry | None:
    """Return an attribute of the type of the values that it is compared with; None for a name that cannot be one."""
    if not _EVENT_ATTRIBUTE.fullmatch(key):
        return None
    kind: ValueType | None
    match values[:1]:
        case [bool()]:
            kind = ValueType.BOOLEAN
        case [int() | float()]:
            kind = ValueType.NUMBER
        case []:
            kind = None
        case _:
            kind = ValueType.STRING
    return AttributeEntry(
        key=key,
        label=key,
        group="event",
        type=kind or ValueType.STRING,
        operators=OPERATORS[kind] if kind else PRESENCE,
        field=JsonField(key, kind),
    )
