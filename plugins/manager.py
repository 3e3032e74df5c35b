"""Finds what packages bring, the built-in channels by the same door, and survives packages that are broken."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from traceback import format_exception_only
from typing import cast

import pluggy
import structlog
from muster_sdk import AddressKind, Behavior, Capabilities, Channel, Dimension, hookspecs
from muster_sdk.hookspecs import PROJECT
from pydantic import BaseModel

from plugins import validation

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InstalledChannel:
    """A channel, and the Python package that brings it."""

    channel: Channel
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A plugin, or one of its channels, that is left out; and why."""

    plugin: str
    package: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plugins:
    channels: Mapping[str, InstalledChannel]
    faults: Sequence[Fault]
    # What they add to the questions of segments.
    dimensions: Sequence[Dimension] = ()
    behaviors: Sequence[Behavior] = ()


@dataclass(slots=True)
class _Loading:
    blocked: Collection[str]
    manager: pluggy.PluginManager
    channels: dict[str, InstalledChannel] = field(default_factory=dict[str, InstalledChannel])
    dimensions: dict[str, Dimension] = field(default_factory=dict[str, Dimension])
    behaviors: dict[str, Behavior] = field(default_factory=dict[str, Behavior])
    # By key, the package that brings each dimension and behavior.
    asked_by: dict[str, str] = field(default_factory=dict[str, str])
    faults: list[Fault] = field(default_factory=list[Fault])


def load(blocked: Collection[str] = ()) -> Plugins:
    """All that plugins bring which are not blocked by their entry point's name."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    loading = _Loading(blocked, manager)
    for distribution, entry_point in _entry_points(loading):
        if entry_point.name in blocked:
            continue
        reason = _load_one(loading, distribution, entry_point)
        if reason is not None:
            _leave_out(loading, entry_point.name, distribution, reason)
    dimensions, behaviors = tuple(loading.dimensions.values()), tuple(loading.behaviors.values())
    return Plugins(loading.channels, tuple(loading.faults), dimensions, behaviors)


def _leave_out(loading: _Loading, plugin: str, distribution: Distribution, reason: str) -> None:
    fault = Fault(plugin, *_package(distribution), reason)
    log.warning("plugin_skipped", plugin=fault.plugin, package=fault.package, reason=reason)
    loading.faults.append(fault)


def _entry_points(loading: _Loading) -> Iterable[tuple[Distribution, EntryPoint]]:
    """Each plugin once, in the order of its name: the same channel wins on every machine."""
    found: dict[tuple[str, str], tuple[Distribution, EntryPoint]] = {}
    for distribution in distributions():
        for entry_point in _offered(loading, distribution):
            found.setdefault((entry_point.name, entry_point.value), (distribution, entry_point))
    # Ours first: no stranger takes a built-in channel's key.
    return sorted(found.values(), key=lambda pair: (pair[0].name != PROJECT, pair[1].name, pair[1].value))


def _offered(loading: _Loading, distribution: Distribution) -> Iterable[EntryPoint]:
    try:
        return distribution.entry_points.select(group=PROJECT)
    except Exception as error:  # noqa: BLE001 - anybody's files, in whatever state
        _leave_out(loading, _package(distribution)[0], distribution, f"its entry points cannot be read: {_said(error)}")
        return ()


def _package(distribution: Distribution) -> tuple[str, str]:
    """Name and version; a package that was installed by halves has neither, whatever the types say."""
    return distribution.name or "unknown", distribution.version or "unknown"


def _said(error: BaseException) -> str:
    return "".join(format_exception_only(error)).strip()


def _load_one(loading: _Loading, distribution: Distribution, entry_point: EntryPoint) -> str | None:
    """Why the plugin, or something of it, is left out; None when all that it brings is in."""
    try:
        plugin = entry_point.load()
        loading.manager.register(plugin, entry_point.name)
        _check_hooks(loading.manager, plugin, entry_point.name)
        hooks = loading.manager.hook
        brought = _brought(hooks.register_channels, plugin), _brought(hooks.register_dimensions, plugin)
        reasons = [_add(loading, cast("Channel", channel), distribution) for channel in brought[0]]
        reasons += [_add_dimension(loading, found, distribution) for found in brought[1]]
        reasons += [_add_behavior(loading, found, distribution) for found in _brought(hooks.register_behaviors, plugin)]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code: whatever it raises, we go on
        return _said(error)
    return "; ".join(reason for reason in reasons if reason) or None


def _brought(hook: pluggy.HookCaller, plugin: object) -> list[object]:
    """Each implementation is called by itself: one that raises takes no other along."""
    brought: list[object] = []
    for implementation in hook.get_hookimpls():
        if implementation.plugin is plugin:
            # What a stranger's hook answers is looked at afterwards, one by one.
            brought += cast("Sequence[object]", implementation.function())
    return brought


def _check_hooks(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    """A misspelt hook would be silent: refuse it, with its name."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        manager.unregister(plugin)
        raise
    if not manager.get_hookcallers(plugin):
        raise LookupError(f"{name} implements none of Muster's hooks: mark a function with muster_sdk.hookimpl")


def _add(loading: _Loading, channel: Channel, distribution: Distribution) -> str | None:
    reason = _fault_of(channel)
    if reason is not None:
        return reason
    taken = loading.channels.get(channel.key)
    if taken is not None:
        return f"the channel {channel.key!r} is there already, from {taken.package}"
    loading.channels[channel.key] = InstalledChannel(channel, *_package(distribution))
    return None


def _add_dimension(loading: _Loading, found: object, distribution: Distribution) -> str | None:
    reason = validation.fault_of_dimension(found, loading.asked_by)
    if reason is None:
        dimension = cast("Dimension", found)
        loading.dimensions[dimension.key] = dimension
        loading.asked_by[dimension.key] = _package(distribution)[0]
    return reason


def _add_behavior(loading: _Loading, found: object, distribution: Distribution) -> str | None:
    reason = validation.fault_of_behavior(found, {each: loading.asked_by[f"{each}()"] for each in loading.behaviors})
    if reason is None:
        behavior = cast("Behavior", found)
        loading.behaviors[behavior.event] = behavior
        loading.asked_by[f"{behavior.event}()"] = _package(distribution)[0]
    return reason


def _fault_of(channel: Channel) -> str | None:
    """What is wrong with what a plugin says is a channel."""
    key = getattr(channel, "key", None)
    if not isinstance(key, str) or not key or not key.replace("-", "").isalnum() or key != key.lower():
        return f"{type(channel).__name__} has no key of lower-case letters, digits and hyphens"
    wanted = {"label": str, "version": str, "address": AddressKind, "capabilities": Capabilities}
    for name, kind in wanted.items():
        if not isinstance(getattr(channel, name, None), kind):
            return f"the channel {key!r} has no {name} that is a {kind.__name__}"
    for name in ("settings", "content"):
        model = getattr(channel, name, None)
        if not isinstance(model, type) or not issubclass(model, BaseModel):
            return f"the channel {key!r} has no {name} that is a pydantic model"
    missing = [name for name in ("prepare", "connect") if not callable(getattr(channel, name, None))]
    return f"the channel {key!r} cannot {missing[0]}" if missing else None
