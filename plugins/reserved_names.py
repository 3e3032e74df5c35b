"""Names of Muster's own, which no plugin can give to what it brings."""

from functools import cache

from muster_sdk import Behavior, Dimension

from domain.segments.catalogue import Catalogue, catalogue, channel_of
from domain.templates.limits import FILTERS
from plugins.inspection import FilterDescription
from plugins.validation import ContributionInvalid


@cache
def _built_in() -> Catalogue:
    return catalogue()


def check_dimension_name(dimension: Dimension) -> None:
    """Raise ContributionInvalid for a key that Muster's catalogue has, or may have."""
    key = dimension.key
    if key in _built_in().dimensions or channel_of(key) or key.startswith("property."):
        raise ContributionInvalid(f"the dimension {key!r} is one of Muster's own")


def check_filter_name(added: FilterDescription) -> None:
    """Raise ContributionInvalid for a filter that templates have already."""
    if added.name in FILTERS:
        raise ContributionInvalid(f"the filter {added.name!r} is one of Muster's own")


def check_behavior_name(behavior: Behavior) -> None:
    """Raise ContributionInvalid for a type of events that Muster's catalogue has."""
    if behavior.event in _built_in().behaviors:
        raise ContributionInvalid(f"the behavior {behavior.event!r} is one of Muster's own")
