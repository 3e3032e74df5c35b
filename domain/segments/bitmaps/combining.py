"""Combining the sets that a filter's leaves find, whatever they are kept in."""

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from domain.segments.normal import Every, Leaf, Node, Some


class Ids(Protocol):
    """A set of customers' numbers: Python's own, or a bitmap."""

    def __and__(self, other: Any, /) -> Any: ...

    def __or__(self, other: Any, /) -> Any: ...

    def __sub__(self, other: Any, /) -> Any: ...


S = TypeVar("S", bound=Ids)


class Those(Generic[S]):
    """The customers of a set; or, where it does not hold, all but them."""

    __slots__ = ("holds", "ids")

    def __init__(self, ids: S, *, holds: bool = True) -> None:
        self.ids, self.holds = ids, holds

    def opposite(self) -> "Those[S]":
        return Those(self.ids, holds=not self.holds)

    def __and__(self, other: "Those[S]") -> "Those[S]":
        if self.holds and other.holds:
            return Those(self.ids & other.ids)
        if self.holds:
            return Those(self.ids - other.ids)
        return other & self if other.holds else Those(self.ids | other.ids, holds=False)

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
