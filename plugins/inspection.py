"""A plugin is imported and asked what it brings, in whatever process this runs; it imports little, to start quickly."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint
from itertools import islice
from traceback import format_exception_only
from typing import Any, cast

import pluggy
from muster_sdk import (
    Behavior,
    Capabilities,
    Channel,
    Dimension,
    Observer,
    TemplateFilter,
    grade_of,
    hookspecs,
    unfulfilled,
)
from muster_sdk.hookspecs import PROJECT
from pydantic import TypeAdapter

from domain.stores.channel_description import ChannelDescription
from plugins import validation
from plugins.validation import ContributionInvalid

# A text of a fault may be a whole page of an author's.
_LONGEST_FAULT = 1_000
# Of one kind: who brings more has a loop without an end.
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class FilterDescription:
    """A filter for templates; its function stays where the plugin is."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class PluginDescription:
    """All that a plugin brings, without its code, and why some of it is left out."""

    channels: tuple[ChannelDescription, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    behaviors: tuple[Behavior, ...] = ()
    observers: tuple[str, ...] = ()
    template_filters: tuple[FilterDescription, ...] = ()
    faults: tuple[str, ...] = ()

    @classmethod
    def of_json(cls, text: bytes) -> "PluginDescription":
        """Return the description. Raise ValueError for what `as_json` has not made."""
        return _adapter().validate_json(text)

    def as_json(self) -> bytes:
        """Return the description as JSON. Raise ValueError for values of the wrong types."""
        return _adapter().dump_json(self, warnings="error")


@cache
def _adapter() -> TypeAdapter[PluginDescription]:
    return TypeAdapter(PluginDescription)


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of the SDK: `describe` raises ContributionInvalid for an answer that is wrong."""

    name: str
    describe: Callable[[object], object]


@dataclass(slots=True)
class _Answers:
    """Descriptions by the field of PluginDescription that they go into."""

    described: dict[str, list[object]] = field(default_factory=dict[str, list[object]])
    faults: list[str] = field(default_factory=list[str])

    def add(self, kind: str, describe: Callable[[object], object], answers: Iterable[object]) -> None:
        values = list(islice(answers, _MOST + 1))
        if len(values) > _MOST:
            raise ContributionInvalid(f"it brings more than {_MOST:,} {kind}")
        for answer in values:
            try:
                self.described.setdefault(kind, []).append(describe(answer))
            except ContributionInvalid as error:
                self.faults.append(str(error)[:_LONGEST_FAULT])
            except Exception as error:  # noqa: BLE001 - a stranger's object, whose attributes may be code
                self.faults.append(message_of(error))


def describe_channel(channel: object) -> ChannelDescription:
    """Return the channel without its code. Raise ContributionInvalid for what is no whole channel."""
    validation.check_channel(channel)
    checked = cast("Channel", channel)
    _check_capabilities(checked)
    unkept = unfulfilled(checked)
    if unkept:
        raise ContributionInvalid(f"the channel {checked.key!r} does not keep what it declares: {', '.join(unkept)}")
    settings_schema = _schema(checked, "settings")
    return ChannelDescription(
        checked.key,
        checked.label,
        checked.version,
        checked.address,
        checked.capabilities,
        settings_schema,
        _schema(checked, "content"),
        secrets_of(settings_schema),
        grade_of(checked),
    )


def _check_capabilities(channel: Channel) -> None:
    try:
        TypeAdapter(Capabilities).dump_json(channel.capabilities, warnings="error")
    except ValueError as error:
        raise ContributionInvalid(
            f"the channel {channel.key!r} has capabilities of wrong types: {message_of(error)}"
        ) from error


def _schema(channel: Channel, name: str) -> dict[str, Any]:
    try:
        schema: dict[str, Any] = getattr(channel, name).model_json_schema()
    except Exception as error:
        raise ContributionInvalid(
            f"the channel {channel.key!r} has {name} without a JSON Schema: {message_of(error)}"
        ) from error
    return schema


def secrets_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the settings that are secret, or hold something secret, by alias: their schema says writeOnly."""
    definitions: Mapping[str, object] = schema.get("$defs", {})

    def is_secret(part: object, above: frozenset[str]) -> bool:
        if isinstance(part, list):
            return any(is_secret(inner, above) for inner in cast("list[object]", part))
        if not isinstance(part, dict):
            return False
        mapping = cast("dict[str, object]", part)
        name = str(mapping.get("$ref", "")).rpartition("/")[2]
        if name in definitions and name not in above and is_secret(definitions[name], above | {name}):
            return True
        return mapping.get("writeOnly") is True or any(is_secret(inner, above) for inner in mapping.values())

    properties: Mapping[str, object] = schema.get("properties", {})
    return frozenset(name for name, part in properties.items() if is_secret(part, frozenset()))


def _describe_dimension(dimension: object) -> Dimension:
    validation.check_dimension(dimension)
    return cast("Dimension", dimension)


def _describe_behavior(behavior: object) -> Behavior:
    validation.check_behavior(behavior)
    return cast("Behavior", behavior)


def _describe_observer(observer: object) -> str:
    validation.check_observer(observer)
    return cast("Observer", observer).key


def _describe_filter(template_filter: object) -> FilterDescription:
    validation.check_filter(template_filter)
    checked = cast("TemplateFilter", template_filter)
    return FilterDescription(checked.name, checked.description)


HOOKS = {
    "channels": Hook("register_channels", describe_channel),
    "dimensions": Hook("register_dimensions", _describe_dimension),
    "behaviors": Hook("register_behaviors", _describe_behavior),
    "observers": Hook("register_observers", _describe_observer),
    "template_filters": Hook("register_template_filters", _describe_filter),
}


def inspect(entry_point: EntryPoint) -> PluginDescription:
    """Import the plugin and return what it brings. Raise whatever it raises.

    A misspelt hook, which would be silent, and a plugin without any hook are refused.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    plugin = entry_point.load()
    manager.register(plugin, entry_point.name)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise LookupError(
            f"{entry_point.name} implements none of Muster's hooks: mark a function with muster_sdk.hookimpl"
        )
    answers = _Answers()
    for kind, hook in HOOKS.items():
        for implementation in getattr(manager.hook, hook.name).get_hookimpls():
            answers.add(kind, hook.describe, cast("Iterable[object]", implementation.function()))
    described = {kind: tuple(values) for kind, values in answers.described.items()}
    return PluginDescription(**described, faults=tuple(answers.faults))  # type: ignore[arg-type]  # by kind


def refused(reason: str) -> PluginDescription:
    """Return the description of a plugin that brings nothing, for this reason."""
    return PluginDescription(faults=(reason[:_LONGEST_FAULT],))


def message_of(error: BaseException) -> str:
    """Return an error's name and text, as Python prints them."""
    return "".join(format_exception_only(error)).strip()[:_LONGEST_FAULT]
