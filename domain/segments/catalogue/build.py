"""Builds a store's catalogue: what every store has, its custom properties, its channels, its event types."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from domain.customers.model import PropertyDefinition
from domain.kit.values import ValueType
from domain.segments.catalogue import channels as channel_entries
from domain.segments.catalogue.addresses import ADDRESSES
from domain.segments.catalogue.entries import OPERATORS, BehaviorEntry, Catalogue, DimensionEntry, Option
from domain.segments.catalogue.event_behaviors import custom_event
from domain.segments.catalogue.extensions import EXTENSIONS
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
    *channel_entries.CONTACTED,
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
) -> Catalogue:
    """`channels`: the labels of those that there are, by key; `facets`: what else is known of items."""
    dimensions = dict(_DIMENSIONS)
    kept = {each.key: each for each in properties}
    own = {dimension.key: dimension for dimension in map(custom_property, kept.values())}
    labels = {**channel_entries.KNOWN, **(channels or {})}
    for dimension in (*_of_channels(labels), *own.values(), *EXTENSIONS.of(kept)):
        dimensions[dimension.key] = dimension
    for key in (*_RANKED, *(each.key for each in own.values() if can_be_ranked(each))):
        dimensions[key] = _ranked(dimensions[key], (ranks or {}).get(key, ()))
    return Catalogue(dimensions, _behaviors(labels, event_types, facets), custom_event)


def can_be_ranked(dimension: DimensionEntry) -> bool:
    """Whether a store may say in which order a dimension's values are."""
    own = dimension.group == "property" and dimension.type is ValueType.STRING
    return own or dimension.key in _RANKED


def _ranked(dimension: DimensionEntry, ranks: tuple[str, ...]) -> DimensionEntry:
    source = RankedSource(dimension.source, dimension.key, ranks)
    if not ranks:
        return replace(dimension, source=source)
    options = tuple(Option(value, value) for value in ranks)
    operators = (*OPERATORS[dimension.type], *ORDERED)
    return replace(dimension, source=source, options=options, operators=operators, ranks=ranks)


def _of_channels(labels: Mapping[str, str]) -> Iterator[DimensionEntry]:
    for key, label in labels.items():
        yield from channel_entries.of_channel(key, label)


def _behaviors(
    labels: Mapping[str, str], event_types: Iterable[str], facets: Iterable[str]
) -> dict[str, BehaviorEntry]:
    found = {**_BEHAVIORS, **EXTENSIONS.behaviors}
    for key, label in labels.items():
        found.update((behavior.key, behavior) for behavior in channel_entries.engagement(key, label))
    more = tuple(facet(name) for name in facets if name != "tag")
    found[ORDER.key] = replace(ORDER, attributes=(*ORDER.attributes, *more)) if more else ORDER
    for key in event_types:
        behavior = None if key in found else custom_event(key)
        if behavior is not None:
            found[key] = behavior
    return found
