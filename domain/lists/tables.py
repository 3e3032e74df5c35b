"""Tables of lists, declared with segments, whose filters ask about them."""

from domain.segments.tables import list_members, lists

__all__ = ["list_members", "lists"]
