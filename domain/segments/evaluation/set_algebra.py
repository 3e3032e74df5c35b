"""Combining the sets that a filter's leaves find, whatever they are kept in."""

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
        mine: Any = self.ids
        if self.holds:
            return IdSetExpr(mine & other.ids if other.holds else mine - other.ids)
        return other & self if other.holds else IdSetExpr(mine | other.ids, holds=False)

    def __or__(self, other: "IdSetExpr[S]") -> "IdSetExpr[S]":
        return (self.opposite() & other.opposite()).opposite()


def combined(node: Node, found: Mapping[bytes, IdSetExpr[S]], nobody: S) -> IdSetExpr[S]:
    """`found`: whom each leaf's condition finds, by its key."""
    match node:
        case Leaf(_, holds):
            return found[node.key] if holds else found[node.key].opposite()
        case And(parts):
            result = IdSetExpr(nobody, holds=False)
            for part in parts:
                result = result & combined(part, found, nobody)
            return result
        case Or(parts):
            result = IdSetExpr(nobody)
            for part in parts:
                result = result | combined(part, found, nobody)
            return result
