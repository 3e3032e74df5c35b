"""Checks what a plugin brings by the SDK alone; names that are taken are known to whoever has all plugins."""

import re
from collections.abc import Sequence
from typing import cast

from muster_sdk import (
    AddressKind,
    Behavior,
    Capabilities,
    Choice,
    Dimension,
    EventAttribute,
    EventCount,
    LatestEvent,
    PropertyValue,
    TemplateFilter,
    ValueKind,
)
from pydantic import BaseModel

_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_EVENT = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_FILTER = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST = 64
_CHANNEL_ATTRIBUTES = {"label": str, "version": str, "address": AddressKind, "capabilities": Capabilities}


class ContributionInvalid(Exception):
    """Something that a plugin brings cannot be used; the message says why."""


def check_channel(channel: object) -> None:
    """Raise ContributionInvalid for what does not have all that a muster_sdk.Channel has."""
    key = _checked_key(channel)
    for name, kind in _CHANNEL_ATTRIBUTES.items():
        if not isinstance(getattr(channel, name, None), kind):
            raise ContributionInvalid(f"the channel {key!r} has no {name} that is a {kind.__name__}")
    for name in ("settings", "content"):
        model = getattr(channel, name, None)
        if not isinstance(model, type) or not issubclass(model, BaseModel):
            raise ContributionInvalid(f"the channel {key!r} has no {name} that is a pydantic model")
    for name in ("prepare", "connect"):
        if not callable(getattr(channel, name, None)):
            raise ContributionInvalid(f"the channel {key!r} cannot {name}")


def check_observer(observer: object) -> None:
    """Raise ContributionInvalid for what does not have all that a muster_sdk.Observer has."""
    key = _checked_key(observer)
    if not callable(getattr(observer, "observe", None)):
        raise ContributionInvalid(f"the observer {key!r} cannot observe")


def check_filter(template_filter: object) -> None:
    """Raise ContributionInvalid for what is no filter of templates."""
    if not isinstance(template_filter, TemplateFilter):
        raise ContributionInvalid(f"{type(template_filter).__name__} is no muster_sdk.TemplateFilter")
    name: object = template_filter.name
    if not _is_text(name) or not _FILTER.fullmatch(template_filter.name):
        raise ContributionInvalid(f"the filter {name!r} has no name of lower-case letters, digits and _")
    function: object = template_filter.apply
    description = cast("object", template_filter.description)
    if not callable(function) or not isinstance(description, str):
        raise ContributionInvalid(f"the filter {name!r} has no function and description")


def _checked_key(value: object) -> str:
    key = getattr(value, "key", None)
    if (
        not isinstance(key, str)
        or not key.replace("-", "").isalnum()
        or not key.isascii()
        or key != key.lower()
        or len(key) > _LONGEST
    ):
        raise ContributionInvalid(f"{type(value).__name__} has no key of lower-case letters, digits and hyphens")
    return key


def check_dimension(dimension: object) -> None:
    """Raise ContributionInvalid for what is no dimension, or none that a store's catalogue can take."""
    if not isinstance(dimension, Dimension):
        raise ContributionInvalid(f"{type(dimension).__name__} is no muster_sdk.Dimension")
    key: object = dimension.key
    if not _is_text(key) or not _KEY.fullmatch(dimension.key):
        raise ContributionInvalid(
            f"the dimension {key!r} has no key of lower-case letters, digits and _, divided by dots"
        )
    wrong = _label_fault(dimension.label, dimension.group, dimension.kind) or _reads_fault(dimension)
    wrong = wrong or _choices_fault(dimension.choices, dimension.kind, closed=dimension.closed)
    if wrong:
        raise ContributionInvalid(f"the dimension {key!r} {wrong}")


def check_behavior(behavior: object) -> None:
    """Raise ContributionInvalid for what is no behavior, or none that a store's catalogue can take."""
    if not isinstance(behavior, Behavior):
        raise ContributionInvalid(f"{type(behavior).__name__} is no muster_sdk.Behavior")
    event: object = behavior.event
    if not _is_text(event) or not _EVENT.fullmatch(behavior.event):
        raise ContributionInvalid(
            f"the behavior {event!r} is no type of events: lower-case letters, digits, _ . -, {_LONGEST} at most"
        )
    wrong = _label_fault(behavior.label, behavior.group, ValueKind.TEXT) or _attributes_fault(behavior.attributes)
    if wrong:
        raise ContributionInvalid(f"the behavior {event!r} {wrong}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _label_fault(label: object, group: object, kind: object) -> str | None:
    if not _is_text(label) or not _is_text(group):
        return f"needs a label and a group: texts of {_LONGEST} characters at most"
    return None if isinstance(kind, ValueKind) else "has no kind that is a muster_sdk.ValueKind"


def _reads_fault(dimension: Dimension) -> str | None:
    reads: object = dimension.reads
    match reads:
        case PropertyValue(key):
            return None if _is_text(key) else "reads a property without a key"
        case LatestEvent(event, attribute):
            if dimension.kind is ValueKind.DATETIME:
                return "reads an event's attribute as DATETIME: events hold texts, numbers, true and false, and days"
            return None if _is_text(event) and _is_text(attribute) else "reads no attribute of no event"
        case EventCount() as count:
            if dimension.kind is not ValueKind.NUMBER or dimension.choices:
                return "counts events: its kind is NUMBER, without choices"
            days = cast("object", count.days)
            possible = days is None or (isinstance(days, int) and 0 <= days <= 36_500)
            return None if _is_text(count.event) and possible else "counts no event, or in no number of days"
        case _:
            return "reads neither PropertyValue nor LatestEvent nor EventCount"


def _choices_fault(choices: object, kind: ValueKind, *, closed: object) -> str | None:
    if not isinstance(choices, Sequence) or not isinstance(closed, bool):
        return "has choices that are no list, or is closed neither true nor false"
    if not choices:
        return "is closed without choices" if closed else None
    if kind is not ValueKind.TEXT:
        return "offers choices, which are for TEXT"
    are_choices = all(
        isinstance(choice, Choice) and _is_text(choice.value) and _is_text(choice.label)
        for choice in cast("Sequence[object]", choices)
    )
    return None if are_choices else "offers what is no muster_sdk.Choice of texts"


def _attributes_fault(attributes: object) -> str | None:
    if not isinstance(attributes, Sequence):
        return "has attributes that are no list"
    keys: set[str] = set()
    for attribute in cast("Sequence[object]", attributes):
        if not isinstance(attribute, EventAttribute) or not _is_text(attribute.key) or set(attribute.key) & set('"\\`'):
            return "has an attribute that is no muster_sdk.EventAttribute with a key"
        wrong = _label_fault(attribute.label, "event", attribute.kind)
        wrong = wrong or _choices_fault(attribute.choices, attribute.kind, closed=False)
        if attribute.kind is ValueKind.DATETIME:
            wrong = "is a DATETIME: events hold texts, numbers, true and false, and days"
        if wrong or attribute.key in keys:
            return f"has an attribute {attribute.key!r} that {wrong or 'is there twice'}"
        keys.add(attribute.key)
    return None
