"""The dimensions and behaviors that plugins declare, as the SDK has them: the catalogue makes its entries of them."""

from dataclasses import dataclass

from muster_sdk import Behavior, Dimension


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the plugins of this server add to every store's catalogue; checked by `plugins.validation`."""

    dimensions: tuple[Dimension, ...] = ()
    behaviors: tuple[Behavior, ...] = ()


NO_EXTENSIONS = Extensions()
