"""Combine the sets that a filter's leaves find, be they bitmaps or Python's own sets."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pyroaring import BitMap

from domain.segments.compiler.normal_form import And, Leaf, Node, Or

# A set of customers' numbers: Python's own, or a bitmap; both know `&`, `|` and `-`.
S = TypeVar("S", bound="set[int] | BitMap")


class IdSetExpr(Generic[S]):
    """The customers of a set; `negated`: all the others."""

    __slots__ = ("ids", "negated")

    def __init__(self, ids: S, *, negated: bool = False) -> None:
        self.ids, self.negated = ids, negated

    def opposite(self) -> "IdSetExpr[S]":
        return IdSetExpr(self.ids, negated=not self.negated)

    def __and__(self, other: "IdSetExpr[S]") -> "IdSetExpr[S]":
        # Either kind of set; both sides are of one.
        ids: Any = self.ids
        if not self.negated:
            return IdSetExpr(ids - other.ids if other.negated else ids & other.ids)
        return IdSetExpr(ids | other.ids, negated=True) if other.negated else other & self

    def __or__(self, other: "IdSetExpr[S]") -> "IdSetExpr[S]":
        return (self.opposite() & other.opposite()).opposite()


def combine(node: Node, sets: Mapping[bytes, IdSetExpr[S]], empty: S) -> IdSetExpr[S]:
    """Return who matches a filter; `sets`: who matches each leaf's condition, by the leaf's key."""
    match node:
        case Leaf(_, negated):
            return sets[node.key].opposite() if negated else sets[node.key]
        case And(parts):
            result = IdSetExpr(empty, negated=True)
            for part in parts:
                result = result & combine(part, sets, empty)
            return result
        case Or(parts):
            result = IdSetExpr(empty)
            for part in parts:
                result = result | combine(part, sets, empty)
            return result
