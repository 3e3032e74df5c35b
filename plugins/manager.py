"""Finds what packages bring, the built-in channels by the same door, and survives packages that are broken."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from traceback import format_exception_only
from typing import Any, cast

import pluggy
import structlog
from muster_sdk import Channel, hookspecs
from muster_sdk.hookspecs import PROJECT

from domain.addresses import KNOWN_KINDS
from domain.extensions import NO_EXTENSIONS, Extensions
from plugins import validation
from plugins.validation import ContributionInvalid

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InstalledChannel:
    """A channel, and the Python package that brings it."""

    channel: Channel
    package: str
    version: str
    # Where its plugin is: a module, or an object in one.
    entry_point: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A plugin, or something that it brings, that is left out; and why."""

    plugin: str
    package: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plugins:
    """Everything that plugins bring, and what had to be left out."""

    channels: Mapping[str, InstalledChannel]
    faults: Sequence[Fault]
    extensions: Extensions = NO_EXTENSIONS


@dataclass(frozen=True, slots=True)
class HookKind:
    """A hook of the SDK: `check` raises ContributionInvalid, `key` is the attribute by which one thing is unique."""

    noun: str
    hook: str
    check: Callable[[object], None]
    key: str


CHANNEL = HookKind("channel", "register_channels", validation.check_channel, "key")
DIMENSION = HookKind("dimension", "register_dimensions", validation.check_dimension, "key")
BEHAVIOR = HookKind("behavior", "register_behaviors", validation.check_behavior, "event")
HOOK_KINDS = (CHANNEL, DIMENSION, BEHAVIOR)


@dataclass(frozen=True, slots=True)
class _Contribution:
    """Something that a plugin's hook answered, once it was checked."""

    value: Any
    package: str
    version: str
    entry_point: str


@dataclass(slots=True)
class _Loading:
    manager: pluggy.PluginManager
    contributions: dict[HookKind, dict[str, _Contribution]]
    faults: list[Fault] = field(default_factory=list[Fault])

    def values(self, kind: HookKind) -> list[Any]:
        return [contribution.value for contribution in self.contributions[kind].values()]

    def leave_out(self, plugin: str, distribution: Distribution, reason: str) -> None:
        fault = Fault(plugin, *_package(distribution), reason)
        log.warning("plugin_skipped", plugin=fault.plugin, package=fault.package, reason=reason)
        self.faults.append(fault)


def load(blocked: Collection[str] = ()) -> Plugins:
    """Return all that plugins bring which are not blocked by their entry point's name."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    loading = _Loading(manager, {kind: {} for kind in HOOK_KINDS})
    for distribution, entry_point in _entry_points(loading):
        if entry_point.name in blocked:
            continue
        try:
            plugin = entry_point.load()
            manager.register(plugin, entry_point.name)
            reasons = _collect(loading, plugin, entry_point, distribution)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code: whatever it raises, we go on
            reasons = [_message(error)]
        if reasons:
            loading.leave_out(entry_point.name, distribution, "; ".join(reasons))
    channels = {
        key: InstalledChannel(brought.value, brought.package, brought.version, brought.entry_point)
        for key, brought in loading.contributions[CHANNEL].items()
    }
    kinds = {key: installed.channel.address for key, installed in channels.items()}
    extensions = Extensions(tuple(loading.values(DIMENSION)), tuple(loading.values(BEHAVIOR)), {**KNOWN_KINDS, **kinds})
    return Plugins(channels, tuple(loading.faults), extensions)


def _entry_points(loading: _Loading) -> Iterable[tuple[Distribution, EntryPoint]]:
    """Return each plugin once, in the order of its name: the same channel wins on every machine."""
    by_name: dict[tuple[str, str], tuple[Distribution, EntryPoint]] = {}
    for distribution in distributions():
        try:
            entry_points = distribution.entry_points.select(group=PROJECT)
        except Exception as error:  # noqa: BLE001 - anybody's files, in whatever state
            reason = f"its entry points cannot be read: {_message(error)}"
            loading.leave_out(_package(distribution)[0], distribution, reason)
            continue
        for entry_point in entry_points:
            by_name.setdefault((entry_point.name, entry_point.value), (distribution, entry_point))
    # Ours first: no stranger takes a built-in channel's key.
    return sorted(by_name.values(), key=lambda pair: (pair[0].name != PROJECT, pair[1].name, pair[1].value))


def _package(distribution: Distribution) -> tuple[str, str]:
    """Return name and version; a package that was installed by halves has neither, whatever the types say."""
    return distribution.name or "unknown", distribution.version or "unknown"


def _message(error: BaseException) -> str:
    return "".join(format_exception_only(error)).strip()


def _collect(loading: _Loading, plugin: object, entry_point: EntryPoint, distribution: Distribution) -> list[str]:
    """Take in all that the plugin brings, and return why some of it is left out. Raise what its hooks raise.

    A misspelt hook, which would be silent, and a plugin without any hook are refused.
    """
    try:
        loading.manager.check_pending()
    except pluggy.PluginValidationError:
        loading.manager.unregister(plugin)
        raise
    if not loading.manager.get_hookcallers(plugin):
        name = entry_point.name
        raise LookupError(f"{name} implements none of Muster's hooks: mark a function with muster_sdk.hookimpl")
    answers: list[tuple[HookKind, object]] = []
    for kind in HOOK_KINDS:
        hook: pluggy.HookCaller = getattr(loading.manager.hook, kind.hook)
        # The plugin's own implementations alone: one that raises takes no other plugin along.
        for implementation in hook.get_hookimpls():
            if implementation.plugin is plugin:
                answers += [(kind, value) for value in cast("Sequence[object]", implementation.function())]
    reasons: list[str] = []
    for kind, value in answers:
        try:
            kind.check(value)
        except ContributionInvalid as error:
            reasons.append(str(error))
            continue
        key = getattr(value, kind.key)
        contributions = loading.contributions[kind]
        if key in contributions:
            reasons.append(f"the {kind.noun} {key!r} is there already, from {contributions[key].package}")
        else:
            contributions[key] = _Contribution(value, *_package(distribution), entry_point.value)
    return reasons
