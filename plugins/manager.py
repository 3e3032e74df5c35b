"""Finds the channels that packages bring, the built-in ones by the same door, and survives those that are broken."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from traceback import format_exception_only
from typing import cast

import pluggy
import structlog
from muster_sdk import AddressKind, Capabilities, Channel, hookspecs
from muster_sdk.hookspecs import PROJECT
from pydantic import BaseModel

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


@dataclass(slots=True)
class _Loading:
    blocked: Collection[str]
    manager: pluggy.PluginManager
    channels: dict[str, InstalledChannel] = field(default_factory=dict[str, InstalledChannel])
    faults: list[Fault] = field(default_factory=list[Fault])


def load(blocked: Collection[str] = ()) -> Plugins:
    """Every channel of every plugin that is not blocked by its entry point's name."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    loading = _Loading(blocked, manager)
    for distribution, entry_point in _entry_points(loading):
        if entry_point.name in blocked:
            continue
        reason = _load_one(loading, distribution, entry_point)
        if reason is not None:
            _leave_out(loading, entry_point.name, distribution, reason)
    return Plugins(loading.channels, tuple(loading.faults))


def _leave_out(loading: _Loading, plugin: str, distribution: Distribution, reason: str) -> None:
    fault = Fault(plugin, *_package(distribution), reason)
    log.warning("plugin_left_out", plugin=fault.plugin, package=fault.package, reason=reason)
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
    """Why the plugin is left out; None when all of its channels are in."""
    try:
        plugin = entry_point.load()
        loading.manager.register(plugin, entry_point.name)
        _check_hooks(loading.manager, plugin, entry_point.name)
        brought = _channels_of(loading.manager, plugin)
        reasons = [_add(loading, channel, distribution) for channel in brought]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code: whatever it raises, we go on
        return _said(error)
    return "; ".join(reason for reason in reasons if reason) or None


def _channels_of(manager: pluggy.PluginManager, plugin: object) -> list[Channel]:
    """Each implementation is called by itself: one that raises takes no other along."""
    brought: list[Channel] = []
    for implementation in manager.hook.register_channels.get_hookimpls():
        if implementation.plugin is plugin:
            # What a stranger's hook answers is looked at afterwards, channel by channel.
            brought += cast("Sequence[Channel]", implementation.function())
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
