"""Combining the sets that a filter's leaves find, whatever they are kept in."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pyroaring import BitMap

from domain.segments.compiler.normal_form import Every, Leaf, Node, Some

# A set of customers' numbers: Python's own, or a bitmap; both know `&`, `|` and `-`.
S = TypeVar("S", bound="set[int] | BitMap")


class Those(Generic[S]):
    """The customers of a set; or, where it does not hold, all but them."""

    __slots__ = ("holds", "ids")

    def __init__(self, ids: S, *, holds: bool = True) -> None:
        self.ids, self.holds = ids, holds

    def opposite(self) -> "Those[S]":
        return Those(self.ids, holds=not self.holds)

    def __and__(self, other: "Those[S]") -> "Those[S]":
        mine: Any = self.ids
        if self.holds:
            return Those(mine & other.ids if other.holds else mine - other.ids)
        return other & self if other.holds else Those(mine | other.ids, holds=False)

    def __or__(self, other: "Those[S]") -> "Those[S]":
        return (self.opposite() & other.opposite()).opposite()


def combined(node: Node, found: Mapping[bytes, Those[S]], nobody: S) -> Those[S]:
    """`found`: whom each leaf's condition finds, by its key."""
    match node:
        case Leaf(_, holds):
            return found[node.key] if holds else found[node.key].opposite()
        case Every(parts):
            result = Those(nobody, holds=False)
            for part in parts:
                result = result & combined(part, found, nobody)
            return result
        case Some(parts):
            result = Those(nobody)
            for part in parts:
                result = result | combined(part, found, nobody)
            return result
