"""Plugins' contributions beside channels: dimensions and behaviors, as the SDK has them, and observers by key."""

from dataclasses import dataclass, field

from muster_sdk import Behavior, Dimension

from domain.addresses import KNOWN_KINDS, AddressKinds


@dataclass(frozen=True, slots=True)
class Extensions:
    """Contributions of plugins, which `plugins.validation` has checked; every store's catalogue has the first two.

    `address_kinds` are those of all channels, of plugins and known ones; `observers` the keys of those to be told.
    """

    dimensions: tuple[Dimension, ...] = ()
    behaviors: tuple[Behavior, ...] = ()
    address_kinds: AddressKinds = field(default_factory=lambda: KNOWN_KINDS)
    observers: tuple[str, ...] = ()


NO_EXTENSIONS = Extensions()
