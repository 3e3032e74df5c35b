"""Finds what packages bring, the built-in channels by the same door, and survives packages that are broken."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import Any, TypeVar

import structlog
from muster_sdk.hookspecs import PROJECT

from domain.addresses import KNOWN_KINDS
from domain.extensions import Extensions
from plugins import reserved_names, validation
from plugins.contributions import Fault, InstalledChannel, InstalledFilter, InstalledObserver, Plugins
from plugins.inspection import PluginDescription, inspect, message_of, refused
from plugins.isolation.inspections import inspect_each
from plugins.isolation.limits import ChildLimits
from plugins.validation import ContributionInvalid

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Source:
    """A plugin, and the package that brings it."""

    plugin: EntryPoint
    package: str
    version: str

    @property
    def is_ours(self) -> bool:
        return self.package == PROJECT


@dataclass(frozen=True, slots=True)
class _Kind:
    """A field of PluginDescription: each key is one plugin's, and `check` raises ContributionInvalid."""

    name: str
    noun: str
    key_of: Callable[[Any], str]
    check: Callable[[Any], None] = lambda _value: None


def _check_dimension(dimension: Any) -> None:
    # Once more, for it came out of a stranger's process.
    validation.check_dimension(dimension)
    reserved_names.check_dimension_name(dimension)


def _check_behavior(behavior: Any) -> None:
    validation.check_behavior(behavior)
    reserved_names.check_behavior_name(behavior)


_CHANNELS = _Kind("channels", "channel", lambda channel: channel.key)
_DIMENSIONS = _Kind("dimensions", "dimension", lambda dimension: dimension.key, _check_dimension)
_BEHAVIORS = _Kind("behaviors", "behavior", lambda behavior: behavior.event, _check_behavior)
_OBSERVERS = _Kind("observers", "observer", lambda key: key)
_FILTERS = _Kind("template_filters", "filter", lambda added: added.name, reserved_names.check_filter_name)
_KINDS = (_CHANNELS, _DIMENSIONS, _BEHAVIORS, _OBSERVERS, _FILTERS)


@dataclass(slots=True)
class _Intake:
    """Contributions by kind and key, each with its source."""

    contributions: dict[_Kind, dict[str, tuple[Any, _Source]]] = field(
        default_factory=lambda: {kind: {} for kind in _KINDS}
    )
    faults: list[Fault] = field(default_factory=list[Fault])

    def values(self, kind: _Kind) -> tuple[Any, ...]:
        return tuple(value for value, _ in self.contributions[kind].values())

    def add(self, source: _Source, description: PluginDescription) -> None:
        reasons = list(description.faults)
        for kind in _KINDS:
            taken = self.contributions[kind]
            for value in getattr(description, kind.name):
                try:
                    kind.check(value)
                except ContributionInvalid as error:
                    reasons.append(str(error))
                    continue
                key = kind.key_of(value)
                if key in taken:
                    reasons.append(f"the {kind.noun} {key!r} is there already, from {taken[key][1].package}")
                else:
                    taken[key] = value, source
        if reasons:
            self.leave_out(source.plugin.name, source.package, source.version, "; ".join(reasons))

    def leave_out(self, plugin: str, package: str, version: str, reason: str) -> None:
        log.warning("plugin_skipped", plugin=plugin, package=package, version=version, reason=reason)
        self.faults.append(Fault(plugin, package, version, reason))


def load(blocked: Collection[str], limits: ChildLimits) -> Plugins:
    """Return all that plugins bring which are not blocked by their entry point's name.

    Muster's own are imported; a stranger's is imported in a process of its own, which has these limits and ends.
    """
    intake = _Intake()
    sources = [source for source in _sources(intake, limits.packages) if source.plugin.name not in blocked]
    strangers = [source for source in sources if not source.is_ours]
    descriptions = dict(zip(strangers, inspect_each([source.plugin for source in strangers], limits), strict=True))
    for source in sources:
        intake.add(source, descriptions[source] if source in descriptions else _inspect_ours(source))
    return _plugins(intake)


def _plugins(intake: _Intake) -> Plugins:
    channels = _installed(intake.contributions[_CHANNELS], InstalledChannel)
    observers = _installed(intake.contributions[_OBSERVERS], InstalledObserver)
    filters = _installed(intake.contributions[_FILTERS], InstalledFilter)
    kinds = {key: installed.channel.address for key, installed in channels.items()}
    extensions = Extensions(
        intake.values(_DIMENSIONS), intake.values(_BEHAVIORS), {**KNOWN_KINDS, **kinds}, tuple(observers)
    )
    return Plugins(channels, tuple(intake.faults), extensions, observers, filters)


def _installed(contributions: Mapping[str, tuple[Any, _Source]], installed: Callable[..., T]) -> dict[str, T]:
    return {
        key: installed(value, source.package, source.version, source.plugin.value)
        for key, (value, source) in contributions.items()
    }


def _inspect_ours(source: _Source) -> PluginDescription:
    try:
        return inspect(source.plugin)
    except Exception as error:  # noqa: BLE001 - a server without one of its channels still says why
        return refused(message_of(error))


def _sources(intake: _Intake, packages: Path | None) -> Iterable[_Source]:
    """Return each plugin once, in the order of its name: the same channel wins on every machine."""
    path = sys.path if packages is None else [*sys.path, str(packages)]
    by_name: dict[tuple[str, str], _Source] = {}
    for distribution in distributions(path=path):
        package, version = _package(distribution)
        try:
            entry_points = distribution.entry_points.select(group=PROJECT)
        except Exception as error:  # noqa: BLE001 - anybody's files, in whatever state
            intake.leave_out(package, package, version, f"its entry points cannot be read: {message_of(error)}")
            continue
        for entry_point in entry_points:
            source = _Source(entry_point, package, version)
            by_name.setdefault((entry_point.name, entry_point.value), source)
    # Ours first: no stranger takes a built-in channel's key.
    return sorted(by_name.values(), key=lambda source: (not source.is_ours, source.plugin.name, source.plugin.value))


def _package(distribution: Distribution) -> tuple[str, str]:
    """Return name and version; a package that was installed by halves has neither, whatever the types say."""
    return distribution.name or "unknown", distribution.version or "unknown"
