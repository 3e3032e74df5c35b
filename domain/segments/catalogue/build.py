"""Builds a store's catalogue: what every store has, its custom properties, its channels, its event types."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from domain.addresses import KNOWN_KINDS
from domain.customers.model import PropertyDefinition
from domain.extensions import NO_EXTENSIONS, Extensions
from domain.kit.values import ValueType
from domain.segments.catalogue import channels as channel_entries
from domain.segments.catalogue.addresses import ADDRESSES
from domain.segments.catalogue.entries import OPERATORS, BehaviorEntry, Catalogue, DimensionEntry, Option
from domain.segments.catalogue.event_behaviors import custom_event
from domain.segments.catalogue.extensions import extension_behaviors, extension_dimensions
from domain.segments.catalogue.lifecycle import LIFECYCLE
from domain.segments.catalogue.membership import MEMBERSHIP
from domain.segments.catalogue.profile import ACCOUNT, PROFILE
from domain.segments.catalogue.properties import custom_property
from domain.segments.catalogue.purchase import ORDER, PURCHASE, PURCHASING, facet
from domain.segments.catalogue.tags import TAGGING, TAGS
from domain.segments.catalogue.wallets import REWARDING, WALLETS
from domain.segments.catalogue.web import ORIGINS, VISITING
from domain.segments.filters import ORDERED
from domain.segments.sql.dimensions.ranked import RankedSource

EVERYWHERE: tuple[DimensionEntry, ...] = (
    *PROFILE,
    *ADDRESSES,
    *ACCOUNT,
    *TAGS,
    *MEMBERSHIP,
    *WALLETS,
    channel_entries.reachable(KNOWN_KINDS),
    *PURCHASE,
    *ORIGINS,
    *LIFECYCLE,
)
BEHAVIORS: tuple[BehaviorEntry, ...] = (*PURCHASING, *VISITING, *REWARDING, *TAGGING)

_DIMENSIONS = {dimension.key: dimension for dimension in EVERYWHERE}
_BEHAVIORS = {behavior.key: behavior for behavior in BEHAVIORS}
_RANKED = ("tier", "loyalty_rank")

Ranks = Mapping[str, tuple[str, ...]]
"""The values of dimensions from the lowest to the highest, as a store has put them."""


def catalogue(
    properties: Iterable[PropertyDefinition] = (),
    channels: Mapping[str, str] | None = None,
    event_types: Iterable[str] = (),
    *,
    facets: Iterable[str] = (),
    ranks: Ranks | None = None,
    extensions: Extensions = NO_EXTENSIONS,
) -> Catalogue:
    """Return the catalogue of a store.

    `channels`: the labels of those that there are, by key; `event_types`: those that it has events of; `facets`: the
    attributes of its items beyond the known ones; `extensions`: what plugins add.
    """
    labels = {**channel_entries.KNOWN, **(channels or {})}
    definitions = {definition.key: definition for definition in properties}
    custom = [custom_property(definition) for definition in definitions.values()]
    reachable = channel_entries.reachable(extensions.address_kinds)
    dimensions = _DIMENSIONS | {reachable.key: reachable}
    for key, label in labels.items():
        dimensions.update((dimension.key, dimension) for dimension in channel_entries.of_channel(key, label))
    for dimension in (*custom, *extension_dimensions(extensions, definitions)):
        dimensions[dimension.key] = dimension
    for key in (*_RANKED, *(dimension.key for dimension in custom if can_be_ranked(dimension))):
        dimension, values = dimensions[key], (ranks or {}).get(key, ())
        dimensions[key] = replace(dimension, source=RankedSource(dimension.source, key, values))
        if values:
            options = tuple(Option(value, value) for value in values)
            operators = (*OPERATORS[dimension.type], *ORDERED)
            dimensions[key] = replace(dimensions[key], options=options, operators=operators, ranks=values)

    behaviors = _BEHAVIORS | {behavior.key: behavior for behavior in extension_behaviors(extensions)}
    for key, label in labels.items():
        behaviors.update((behavior.key, behavior) for behavior in channel_entries.engagement(key, label))
    facet_attributes = (facet(name) for name in facets if name != "tag")
    behaviors[ORDER.key] = replace(ORDER, attributes=(*ORDER.attributes, *facet_attributes))
    for key in event_types:
        behavior = None if key in behaviors else custom_event(key)
        if behavior is not None:
            behaviors[key] = behavior
    return Catalogue(dimensions, behaviors, custom_event)


def can_be_ranked(dimension: DimensionEntry) -> bool:
    """Say whether a store may put the dimension's values in an order."""
    is_custom_text = dimension.group == "property" and dimension.type is ValueType.STRING
    return is_custom_text or dimension.key in _RANKED
