"""Combining the sets that a filter's leaves find, whatever they are kept in."""

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
        mine: Any = self.ids
        if not self.negated:
            return IdSetExpr(mine - other.ids if other.negated else mine & other.ids)
        return IdSetExpr(mine | other.ids, negated=True) if other.negated else other & self

    def __or__(self, other: "IdSetExpr[S]") -> "IdSetExpr[S]":
        return (self.opposite() & other.opposite()).opposite()


def combined(node: Node, found: Mapping[bytes, IdSetExpr[S]], nobody: S) -> IdSetExpr[S]:
    """`found`: whom each leaf's condition finds, by its key."""
    match node:
        case Leaf(_, negated):
            return found[node.key].opposite() if negated else found[node.key]
        case And(parts):
            result = IdSetExpr(nobody, negated=True)
            for part in parts:
                result = result & combined(part, found, nobody)
            return result
        case Or(parts):
            result = IdSetExpr(nobody)
            for part in parts:
                result = result | combined(part, found, nobody)
            return result
