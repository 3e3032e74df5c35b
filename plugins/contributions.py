"""Contributions of plugins, and what had to be left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.extensions import NO_EXTENSIONS, Extensions
from domain.stores.channel_description import ChannelDescription
from plugins.inspection import FilterDescription


@dataclass(frozen=True, slots=True)
class InstalledChannel:
    """A channel, and the Python package that brings it."""

    channel: ChannelDescription
    package: str
    version: str
    # Where its plugin is: a module, or an object in one.
    entry_point: str


@dataclass(frozen=True, slots=True)
class InstalledObserver:
    """An observer of deliveries, by its key, and the package that brings it."""

    key: str
    package: str
    version: str
    entry_point: str


@dataclass(frozen=True, slots=True)
class InstalledFilter:
    """A filter for templates, and the package that brings it."""

    template_filter: FilterDescription
    package: str
    version: str
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
    observers: Mapping[str, InstalledObserver] = field(default_factory=dict[str, InstalledObserver])
    template_filters: Mapping[str, InstalledFilter] = field(default_factory=dict[str, InstalledFilter])
