"""Looks at the dimensions and behaviors that a plugin declares, before anybody asks for them."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

from muster_sdk import (
    Behavior,
    Choice,
    Dimension,
    EventAttribute,
    EventCount,
    LatestEvent,
    PropertyValue,
    ValueKind,
)

from domain.segments.catalogue import Catalogue, catalogue, channel_of

_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_EVENT = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_LONGEST = 64


@cache
def _built_in() -> Catalogue:
    return catalogue()


def fault_of_dimension(found: object, taken: Mapping[str, object]) -> str | None:
    """Why it cannot be taken; None when it can."""
    if not isinstance(found, Dimension):
        return f"{type(found).__name__} is no muster_sdk.Dimension"
    said = f"the dimension {found.key!r}"
    if not _is_text(found.key) or not _KEY.fullmatch(found.key):
        return f"{said} has no key of lower-case letters, digits and _, divided by dots"
    if found.key in taken:
        return f"{said} is there already, from {taken[found.key]}"
    if found.key in _built_in().dimensions or channel_of(found.key) or found.key.startswith("property."):
        return f"{said} is one of Muster's own"
    wrong = _named(found.label, found.group, found.kind) or _reads(found)
    wrong = wrong or _choices(found.choices, found.kind, closed=found.closed)
    return f"{said} {wrong}" if wrong else None


def fault_of_behavior(found: object, taken: Mapping[str, object]) -> str | None:
    if not isinstance(found, Behavior):
        return f"{type(found).__name__} is no muster_sdk.Behavior"
    said = f"the behavior {found.event!r}"
    if not _is_text(found.event) or not _EVENT.fullmatch(found.event):
        return f"{said} is no type of events: lower-case letters, digits, _ . -, {_LONGEST} at most"
    if found.event in taken:
        return f"{said} is there already, from {taken[found.event]}"
    if found.event in _built_in().behaviors:
        return f"{said} is one of Muster's own"
    wrong = _named(found.label, found.group, ValueKind.TEXT) or _attributes(found.attributes)
    return f"{said} {wrong}" if wrong else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _named(label: object, group: object, kind: object) -> str | None:
    if not _is_text(label) or not _is_text(group):
        return f"needs a label and a group: texts of {_LONGEST} characters at most"
    return None if isinstance(kind, ValueKind) else "has no kind that is a muster_sdk.ValueKind"


def _reads(found: Dimension) -> str | None:
    reads: object = found.reads
    match reads:
        case PropertyValue(key):
            return None if _is_text(key) else "reads a property without a key"
        case LatestEvent(event, attribute):
            if found.kind is ValueKind.DATETIME:
                return "reads an event's attribute as DATETIME: events hold texts, numbers, true and false, and days"
            return None if _is_text(event) and _is_text(attribute) else "reads no attribute of no event"
        case EventCount() as count:
            return _counts(found, count.event, count.days)
        case _:
            return "reads neither PropertyValue nor LatestEvent nor EventCount"


def _counts(found: Dimension, event: object, days: object) -> str | None:
    if found.kind is not ValueKind.NUMBER or found.choices:
        return "counts events: its kind is NUMBER, without choices"
    good = days is None or (isinstance(days, int) and 0 <= days <= 36_500)
    return None if _is_text(event) and good else "counts no event, or in no number of days"


def _choices(choices: object, kind: ValueKind, *, closed: object) -> str | None:
    if not isinstance(choices, Sequence) or not isinstance(closed, bool):
        return "has choices that are no list, or is closed neither true nor false"
    if not choices:
        return "is closed without choices" if closed else None
    if kind is not ValueKind.TEXT:
        return "offers choices, which are for TEXT"
    good = all(
        isinstance(each, Choice) and _is_text(each.value) and _is_text(each.label)
        for each in cast("Sequence[object]", choices)
    )
    return None if good else "offers what is no muster_sdk.Choice of texts"


def _attributes(attributes: object) -> str | None:
    if not isinstance(attributes, Sequence):
        return "has attributes that are no list"
    seen: set[str] = set()
    for each in cast("Sequence[object]", attributes):
        if not isinstance(each, EventAttribute) or not _is_text(each.key) or set(each.key) & set('"\\`'):
            return "has an attribute that is no muster_sdk.EventAttribute with a key"
        wrong = _named(each.label, "event", each.kind) or _choices(each.choices, each.kind, closed=False)
        if each.kind is ValueKind.DATETIME:
            wrong = "is a DATETIME: events hold texts, numbers, true and false, and days"
        if wrong or each.key in seen:
            return f"has an attribute {each.key!r} that {wrong or 'is there twice'}"
        seen.add(each.key)
    return None
