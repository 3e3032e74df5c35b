"""Behaviors that are events: what is known of a type, and any type that nothing is known of."""

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
        """Events of a type, with what is known of them, and whatever else they say of themselves."""
        kind = event_type_of(key)
        known = (self._attribute(name, of, name == kind.subject) for name, of in kind.attributes.items())
        return BehaviorEntry(
            key, label, self.group, (*known, *more), EventSource(key), other_said, open=True, rules=rules
        )

    def _attribute(self, name: str, kind: ValueType, is_subject: bool) -> AttributeEntry:
        named = (name, _LABELS.get(name, name.replace("_", " ").capitalize()))
        # What events are about is a column with an index.
        event_field = SubjectField() if is_subject else JsonField(name, kind)
        found = attribute(named, kind, event_field, *self.rules.get(name, ()))
        found = only(found, (*TIMES, *PRESENCE)) if kind is ValueType.DATE else found
        return replace(found, refers_to=_IDS.get(name))


def field_of(event_type: str, key: str, kind: ValueType) -> EventField:
    return SubjectField() if event_type_of(event_type).subject == key else JsonField(key, kind)


def custom_event(key: str) -> BehaviorEntry | None:
    """Any name is an event's type, whether one was seen or not."""
    return _OTHERS.of(key, key) if EVENT_TYPE.fullmatch(key) and key.strip() == key else None


_OTHERS = EventBehaviors("event")


def other_said(key: str, values: Sequence[object]) -> AttributeEntry | None:
    """An attribute of an event, as the values that it is compared with tell its type."""
    if not _EVENT_ATTRIBUTE.fullmatch(key):
        return None
    kind = _type_of(values)
    return AttributeEntry(
        key=key,
        label=key,
        group="event",
        type=kind or ValueType.STRING,
        operators=OPERATORS[kind] if kind else PRESENCE,
        field=JsonField(key, kind),
    )


def _type_of(values: Sequence[object]) -> ValueType | None:
    match values[:1]:
        case [bool()]:
            return ValueType.BOOLEAN
        case [int() | float()]:
            return ValueType.NUMBER
        case []:
            return None
        case _:
            return ValueType.STRING
