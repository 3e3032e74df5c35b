"""The dimensions and behaviors that plugins declare, as the SDK has them: the catalogue makes its entries of them."""

from dataclasses import dataclass, field

from muster_sdk import Behavior, Dimension

from domain.addresses import KNOWN_KINDS, AddressKinds


@dataclass(frozen=True, slots=True)
class Extensions:
    """Dimensions and behaviors of plugins, which every store's catalogue has; checked by `plugins.validation`.

    `address_kinds` are those of all channels, of plugins and known ones.
    """

    dimensions: tuple[Dimension, ...] = ()
    behaviors: tuple[Behavior, ...] = ()
    address_kinds: AddressKinds = field(default_factory=lambda: KNOWN_KINDS)


NO_EXTENSIONS = Extensions()
