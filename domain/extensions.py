"""The dimensions and behaviors that plugins declare, as the SDK has them: the catalogue makes its entries of them."""

from dataclasses import dataclass

from muster_sdk import Behavior, Dimension


@dataclass(frozen=True, slots=True)
class Extensions:
    """Dimensions and behaviors of plugins, which every store's catalogue has; checked by `plugins.validation`."""

    dimensions: tuple[Dimension, ...] = ()
    behaviors: tuple[Behavior, ...] = ()


NO_EXTENSIONS = Extensions()
