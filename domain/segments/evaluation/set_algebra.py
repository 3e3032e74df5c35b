"""Combine the sets that a filter's leaves find, be they bitmaps or Python's own sets."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pyroaring import BitMap

from domain.segments.compiler.normal_form import And, Leaf, Node, Or

# A set of customers' numbers: Python's own, or a bitmap; both know `&`, `|` and `-`.
S = TypeVar("S", bound="set[int] | BitMap")


class IdSetExpr(Generic[S]):
    """The customers of a set; or, where it does not hold, all but them."""

    __slots__ = ("holds", "ids")

    def __init__(self, ids: S, *, holds: bool = True) -> None:
        self.ids, self.holds = ids, holds

    def opposite(self) -> "IdSetExpr[S]":
        return IdSetExpr(self.ids, holds=not self.holds)

    def __and__(self, other: "IdSetExpr[S]") -> "IdSetExpr[S]":
        # Either kind of set; both sides are of one.
        ids: Any = self.ids
        if self.holds:
            return IdSetExpr(ids & other.ids if other.holds else ids - other.ids)
        return other & self if other.holds else IdSetExpr(ids | other.ids, holds=False)

    def __or__(self, other: "IdSetExpr[S]") -> "IdSetExpr[S]":
        return (self.opposite() & other.opposite()).opposite()


def combine(node: Node, sets: Mapping[bytes, IdSetExpr[S]], empty: S) -> IdSetExpr[S]:
    """Return who matches a filter; `sets`: who matches each leaf's condition, by the leaf's key."""
    match node:
        case Leaf(_, holds):
            return sets[node.key] if holds else sets[node.key].opposite()
        case And(parts):
            result = IdSetExpr(empty, holds=False)
            for part in parts:
                result = result & combine(part, sets, empty)
            return result
        case Or(parts):
            result = IdSetExpr(empty)
            for part in parts:
                result = result | combine(part, sets, empty)
            return result
