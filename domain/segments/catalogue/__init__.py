"""What a segment may ask: the dimensions of customers, the behaviors and their attributes, for one store."""

from domain.segments.catalogue.build import Ranks, can_be_ranked, catalogue
from domain.segments.catalogue.channels import channel_of
from domain.segments.catalogue.entries import AttributeEntry, BehaviorEntry, Catalogue, DimensionEntry, Option

__all__ = [
    "AttributeEntry",
    "BehaviorEntry",
    "Catalogue",
    "DimensionEntry",
    "Option",
    "Ranks",
    "can_be_ranked",
    "catalogue",
    "channel_of",
]
