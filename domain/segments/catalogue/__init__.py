"""The catalogue of what a store's segments may ask: dimensions of customers, behaviors and their attributes."""

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
