"""Behaviors that are events: what is known of a type, and any type that nothing is known of."""

import re
from collections.abc import Sequence

from domain.customers.model import ValueType
from domain.segments.catalogue.entries import OPERATORS, PRESENCE, Attribute, Behavior
from domain.segments.catalogue.making import attribute
from domain.segments.conditions.events import Events, Said
from domain.segments.conditions.subjects import Subject

EVENT_TYPE = re.compile(r"[^\x00-\x1f\x7f`]{1,64}")
_EVENT_ATTRIBUTE = re.compile(r"[^\x00-\x1f\x7f\"\\`]{1,64}")


def about(key: str, label: str, *rules: int) -> Attribute:
    """What events of a type are about, which has an index."""
    return attribute((key, label), ValueType.STRING, Subject(), *rules)


def happening(key: str, label: str, group: str, attributes: tuple[Attribute, ...], *rules: int) -> Behavior:
    """Events of a type, with what is known of them, and whatever else they say of themselves."""
    return Behavior(key, label, group, attributes, Events(key), other_said, open=True, rules=rules)


def custom_event(key: str) -> Behavior | None:
    """Any name is an event's type, whether one was seen or not."""
    return happening(key, key, "event", ()) if EVENT_TYPE.fullmatch(key) and key.strip() == key else None


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
