"""Behaviors that are events: what is known of a type, and any type that nothing is known of."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.events.types import kind_of
from domain.kit.values import ValueType
from domain.segments.catalogue.builders import attribute, only
from domain.segments.catalogue.entries import OPERATORS, PRESENCE, TIMES, Attribute, Behavior
from domain.segments.sql.behaviors.base import Trait
from domain.segments.sql.behaviors.event_fields import Subject
from domain.segments.sql.behaviors.events import Events, Said

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
class Happenings:
    """A group of behaviors; `rules` are of the attributes that any of them has."""

    group: str
    rules: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    def of(self, key: str, label: str, *rules: int, more: tuple[Attribute, ...] = ()) -> Behavior:
        """Events of a type, with what is known of them, and whatever else they say of themselves."""
        kind = kind_of(key)
        known = (self._attribute(name, of, name == kind.subject) for name, of in kind.attributes.items())
        return Behavior(key, label, self.group, (*known, *more), Events(key), other_said, open=True, rules=rules)

    def _attribute(self, name: str, kind: ValueType, is_subject: bool) -> Attribute:
        named = (name, _LABELS.get(name, name.replace("_", " ").capitalize()))
        # What events are about is a column with an index.
        trait = Subject() if is_subject else Said(name, kind)
        found = attribute(named, kind, trait, *self.rules.get(name, ()))
        found = only(found, (*TIMES, *PRESENCE)) if kind is ValueType.DATE else found
        return replace(found, refers_to=_IDS.get(name))


def trait_of(event_type: str, key: str, kind: ValueType) -> Trait:
    return Subject() if kind_of(event_type).subject == key else Said(key, kind)


def custom_event(key: str) -> Behavior | None:
    """Any name is an event's type, whether one was seen or not."""
    return _OTHERS.of(key, key) if EVENT_TYPE.fullmatch(key) and key.strip() == key else None


_OTHERS = Happenings("event")


def other_said(key: str, values: Sequence[object]) -> Attribute | None:
    """An attribute of an event, as the values that it is compared with tell its type."""
    if not _EVENT_ATTRIBUTE.fullmatch(key):
        return None
    kind = _type_of(values)
    return Attribute(
        key=key,
        label=key,
        group="event",
        type=kind or ValueType.STRING,
        operators=OPERATORS[kind] if kind else PRESENCE,
        trait=Said(key, kind),
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
