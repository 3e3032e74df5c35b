"""What a segment may ask: the dimensions of customers, the behaviors and their attributes, for one store."""

from domain.segments.catalogue.build import Ranks, can_be_ranked, catalogue
from domain.segments.catalogue.channels import channel_of
from domain.segments.catalogue.entries import Attribute, Behavior, Catalogue, Dimension, Option

__all__ = [
    "Attribute",
    "Behavior",
    "Catalogue",
    "Dimension",
    "Option",
    "Ranks",
    "can_be_ranked",
    "catalogue",
    "channel_of",
]
