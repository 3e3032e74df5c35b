"""A filter's normal form: NOT at the leaves, groups flat, nothing twice."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TypeAlias
from uuid import UUID

from domain.kit.errors import DomainError, ErrorCode
from domain.segments.filters import (
    POSITIVE,
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Condition,
    Definition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    canonical,
)

_UNORDERED = {Operator.IN, Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A condition with a positive operator; `negated`: the customers who do not fulfil it."""

    condition: Condition
    negated: bool = False

    @property
    def key(self) -> bytes:
        """Return the condition's name, negated or not: leaves with one key are one set of customers."""
        return blake2b(canonical(self.condition).encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class And:
    """True when each part is: for everyone when there is none."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when a part is: for nobody when there is none."""

    parts: tuple["Node", ...]


Node: TypeAlias = And | Or | Leaf

LEAVES = 1_000
EVERYONE = And(())
NOBODY = Or(())


def normalise(definition: Definition) -> Node:
    include = EVERYONE if definition.include is None else _node(definition.include, negated=False)
    exclude = EVERYONE if definition.exclude is None else _node(definition.exclude, negated=True)
    return conjunction([include, exclude])


def conjunction(parts: Iterable[Node]) -> Node:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    return NOBODY if NOBODY in flat else _single(And(_once(flat)))


def disjunction(parts: Iterable[Node]) -> Node:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))]
    return EVERYONE if EVERYONE in flat else _single(Or(_once(flat)))


def negate(node: Node) -> Node:
    """Return the node that is true for exactly the customers for whom this one is not."""
    match node:
        case And(parts):
            return disjunction(negate(part) for part in parts)
        case Or(parts):
            return conjunction(negate(part) for part in parts)
        case Leaf():
            return replace(node, negated=not node.negated)


def leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    else:
        for part in node.parts:
            yield from leaves(part)


def _once(parts: Iterable[Node]) -> tuple[Node, ...]:
    # By what they say, since True == 1 in Python, and an event's attribute may be either.
    return tuple({repr(part): part for part in parts}.values())


def _single(group: And | Or) -> Node:
    return group.parts[0] if len(group.parts) == 1 else group


def _node(tree: Filter, *, negated: bool) -> Node:
    match tree:
        case Not(part):
            return _node(part, negated=not negated)
        case AllOf(parts):
            return (disjunction if negated else conjunction)(_node(part, negated=negated) for part in parts)
        case AnyOf(parts):
            return (conjunction if negated else disjunction)(_node(part, negated=negated) for part in parts)
        case MembershipCondition():
            return Leaf(replace(tree, member=True), negated=negated is tree.member)
        case BehaviorCondition():
            where = tuple({repr(condition): _settle(condition) for condition in tree.where}.values())
            operator = POSITIVE.get(tree.operator, tree.operator)
            return Leaf(replace(tree, where=where, operator=operator), negated=negated is (operator is tree.operator))
        case AttributeCondition():
            positive = _settle(replace(tree, operator=POSITIVE.get(tree.operator, tree.operator)))
            return Leaf(positive, negated=negated is (tree.operator not in POSITIVE))


def _settle(condition: AttributeCondition) -> AttributeCondition:
    """Return the condition with its values sorted and each once, where order means nothing, and EQ as IN."""
    if condition.operator is Operator.EQ:
        return replace(condition, operator=Operator.IN)
    if condition.operator not in _UNORDERED:
        return condition
    distinct = {repr(value): value for value in condition.values}
    return replace(condition, values=tuple(distinct[name] for name in sorted(distinct)))


ReferencedSegments: TypeAlias = Mapping[UUID, Definition | None]
"""The definitions of segments that a filter refers to, directly or not; None for a static one."""


class FilterOutdated(DomainError):
    """The filter asks for something that the store no longer has."""


def expanded(definition: Definition, groups: ReferencedSegments) -> Node:
    """Return the normal form, segments by their own conditions. Raise DomainError when it is too large."""
    node = _expand(normalise(definition), groups)
    if sum(1 for _ in leaves(node)) > LEAVES:
        message = f"With the segments that it refers to, the filter has more than {LEAVES} conditions"
        raise DomainError(message, code=ErrorCode.LIMIT_EXCEEDED)
    return node


def _expand(node: Node, groups: ReferencedSegments) -> Node:
    match node:
        case And(parts):
            return conjunction(_expand(part, groups) for part in parts)
        case Or(parts):
            return disjunction(_expand(part, groups) for part in parts)
        case Leaf(MembershipCondition(segment_id=UUID() as segment_id), negated):
            definition = groups.get(segment_id)
            if definition is None:
                # Picked by hand: it stays a set.
                return node
            expanded_node = _expand(normalise(definition), groups)
            return negate(expanded_node) if negated else expanded_node
        case _:
            return node
