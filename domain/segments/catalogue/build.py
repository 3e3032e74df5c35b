"""Builds a store's catalogue: what every store has, its custom properties, its channels, its event types."""

from collections.abc import Iterable, Mapping

from domain.customers.model import PropertyDefinition
from domain.segments.catalogue.behaviors import ORDER
from domain.segments.catalogue.dimensions import EVERYWHERE, consent, custom_property
from domain.segments.catalogue.entries import Behavior, Catalogue, Dimension, custom_event


def catalogue(
    properties: Iterable[PropertyDefinition] = (),
    channels: Mapping[str, str] | None = None,
    event_types: Iterable[str] = (),
) -> Catalogue:
    """`channels`: the labels of those that there are, by key."""
    dimensions: list[Dimension] = [*EVERYWHERE]
    dimensions += [consent(key, label) for key, label in (channels or {}).items()]
    dimensions += [custom_property(definition) for definition in properties]
    behaviors: list[Behavior] = [ORDER, *(custom_event(key) for key in event_types if key != ORDER.key)]
    return Catalogue(
        {dimension.key: dimension for dimension in dimensions}, {behavior.key: behavior for behavior in behaviors}
    )
