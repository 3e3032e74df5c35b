"""What a segment may ask: the dimensions of customers, the behaviors and their attributes, for one store."""

from domain.segments.catalogue.build import Ranks, can_be_ranked, catalogue
from domain.segments.catalogue.channels import channel_of
from domain.segments.catalogue.entries import AttributeEntry, BehaviorEntry, Catalogue, DimensionEntry, Option
from domain.segments.catalogue.extensions import NO_EXTENSIONS, Extensions

__all__ = [
    "NO_EXTENSIONS",
    "AttributeEntry",
    "BehaviorEntry",
    "Catalogue",
    "DimensionEntry",
    "Extensions",
    "Option",
    "Ranks",
    "can_be_ranked",
    "catalogue",
    "channel_of",
]
