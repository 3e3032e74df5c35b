"""From a definition to one SELECT of customer ids: facts first, then sets, the smallest first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Select,
    and_,
    exists,
    false,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.visitors import iterate

from domain.customers.tables import customer_facts, customers
from domain.errors import DomainError, ErrorCode
from domain.segments.catalogue import Catalogue
from domain.segments.conditions.customers import marked, on_list, picked_for
from domain.segments.conditions.leaf import Compiled, Fact, Members, Spread, opposite
from domain.segments.conditions.scope import Scope
from domain.segments.filters import Attribute, Behavior, Definition, Membership
from domain.segments.normal import Every, Leaf, Node, Some, every, leaves, normalise, some
from domain.segments.normal import opposite as opposite_node

LEAVES = 1_000

Groups: TypeAlias = Mapping[UUID, Definition | None]
"""The segments that a filter refers to, directly or not; None for one that was picked by hand."""


class FilterOutdated(DomainError):
    """The filter asks for something that the store no longer has."""


def customer_ids(definition: Definition, catalogue: Catalogue, scope: Scope, groups: Groups) -> Select[int]:
    """The ids of the live customers whom the definition finds."""
    node = _expand(normalise(definition), groups)
    if sum(1 for _ in leaves(node)) > LEAVES:
        message = f"With the segments that it refers to, the filter has more than {LEAVES} conditions"
        raise DomainError(message, code=ErrorCode.LIMIT_EXCEEDED)
    return _Statement(catalogue, scope).select(node)


def static_ids(segment_id: UUID, scope: Scope) -> Select[int]:
    """The live customers among those picked for a static segment."""
    found = _Parts((), (picked_for(segment_id, scope),), ())
    return _assemble(found, scope, reads_customers=False)


def _expand(node: Node, groups: Groups) -> Node:
    """Other segments by their own conditions; those picked by hand stay sets."""
    match node:
        case Every(parts):
            return every(_expand(part, groups) for part in parts)
        case Some(parts):
            return some(_expand(part, groups) for part in parts)
        case Leaf(Membership(segment_id=UUID() as segment_id), holds):
            other = groups.get(segment_id)
            if other is None:
                return node
            inner = _expand(normalise(other), groups)
            return inner if holds else opposite_node(inner)
        case _:
            return node


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is to hold at once."""

    facts: tuple[ColumnElement[bool], ...]
    sets: tuple[Members, ...]
    # Alternatives of which some are sets: asked once the facts have left fewer customers.
    mixed: tuple[ColumnElement[bool], ...]


@dataclass(slots=True)
class _Statement:
    catalogue: Catalogue
    scope: Scope
    _uses: Counter[bytes] = field(default_factory=Counter[bytes])
    _compiled: dict[bytes, Compiled] = field(default_factory=dict[bytes, Compiled])
    _reads_customers: bool = False

    def select(self, node: Node) -> Select[int]:
        self._uses.update(leaf.key for leaf in leaves(node))
        for leaf in leaves(node):
            self._compiled[leaf.key] = self._shared(leaf)
        self._reads_customers = any(
            isinstance(each, Fact) and each.on_customer and each.elsewhere is None for each in self._compiled.values()
        )
        parts = node.parts if isinstance(node, Every) else (node,)
        return _assemble(self._sort(parts), self.scope, reads_customers=self._reads_customers)

    def _shared(self, leaf: Leaf) -> Compiled:
        """A set that is asked for more than once is made once."""
        compiled = self._leaf(leaf)
        if isinstance(compiled, Fact) or self._uses[leaf.key] == 1:
            return compiled
        shared = compiled.ids.cte()
        return Members(select(shared.c[0]).correlate(None), compiled.spread, compiled.holds)

    def _leaf(self, leaf: Leaf) -> Compiled:
        match leaf.condition:
            case Attribute() as condition:
                dimension = self.catalogue.dimensions.get(condition.dimension)
                if dimension is None:
                    raise FilterOutdated(f"The filter asks for {condition.dimension}, which the store no longer has")
                return dimension.source.leaf(condition, self.scope)
            case Behavior() as condition:
                behavior = self.catalogue.behavior(condition.behavior)
                assert behavior is not None
                traits = {
                    key: attribute.trait
                    for key, values in _named(condition)
                    if (attribute := behavior.attribute(key, values)) is not None
                }
                return behavior.log.leaf(condition, traits, self.scope)
            case Membership(segment_id, list_id):
                if list_id is not None:
                    return on_list(list_id, self.scope)
                assert segment_id is not None
                return picked_for(segment_id, self.scope)

    def _sort(self, parts: Sequence[Node]) -> _Parts:
        facts: list[ColumnElement[bool]] = []
        sets: list[Members] = []
        mixed: list[ColumnElement[bool]] = []
        for part in parts:
            simple = self._simple(part)
            if isinstance(simple, Members):
                sets.append(simple)
            elif simple is not None:
                facts.append(simple)
            else:
                mixed.append(self._predicate(part))
        return _Parts(tuple(facts), tuple(sorted(sets, key=_cost)), tuple(mixed))

    def _simple(self, node: Node) -> Members | ColumnElement[bool] | None:
        """A set; or a predicate that needs none; or neither."""
        if isinstance(node, Leaf):
            leaf = self._sense(node)
            return leaf if isinstance(leaf, Members) else leaf.holds
        if any(isinstance(self._sense(leaf), Members) for leaf in leaves(node)):
            return self._united(node) if isinstance(node, Some) else None
        return self._predicate(node)

    def _sense(self, leaf: Leaf) -> Compiled:
        compiled = self._compiled[leaf.key]
        if isinstance(compiled, Fact) and compiled.elsewhere is not None and not self._reads_customers:
            compiled = compiled.elsewhere
        return compiled if leaf.holds else opposite(compiled)

    def _united(self, node: Some) -> Members | None:
        """Alternatives that are all sets of members are one set."""
        parts = [self._sense(part) for part in node.parts if isinstance(part, Leaf)]
        members = [part for part in parts if isinstance(part, Members) and part.holds]
        return _union(members) if len(members) == len(node.parts) else None

    def _predicate(self, node: Node) -> ColumnElement[bool]:
        if isinstance(node, Leaf):
            leaf = self._sense(node)
            return _among(leaf, _id(self._reads_customers)) if isinstance(leaf, Members) else leaf.holds
        if isinstance(node, Every):
            return and_(true(), *(self._predicate(part) for part in node.parts))
        return or_(false(), *self._alternatives(node))

    def _alternatives(self, node: Some) -> Iterator[ColumnElement[bool]]:
        """Facts, then the sets of members as one, then the rest."""
        simple = [(part, self._sense(part)) for part in node.parts if isinstance(part, Leaf)]
        yield from (leaf.holds for _, leaf in simple if isinstance(leaf, Fact))
        members = [leaf for _, leaf in simple if isinstance(leaf, Members)]
        held = [leaf for leaf in members if leaf.holds]
        if held:
            yield _among(_union(held), _id(self._reads_customers))
        yield from (_among(leaf, _id(self._reads_customers)) for leaf in members if not leaf.holds)
        yield from (self._predicate(part) for part in node.parts if not isinstance(part, Leaf))


def _named(condition: Behavior) -> Iterator[tuple[str, Sequence[object]]]:
    if condition.of is not None:
        yield condition.of, [0]
    for each in condition.where:
        yield each.dimension, each.values


def _cost(members: Members) -> tuple[bool, Spread]:
    """Few members first, and those to be left out last."""
    return not members.holds, members.spread


def _union(members: Sequence[Members]) -> Members:
    if len(members) == 1:
        return members[0]
    united = union_all(*(each.ids for each in members)).subquery()
    return Members(select(united.c[0]).correlate(None), max(each.spread for each in members))


def _id(reads_customers: bool) -> Column[int]:
    return customers.c.id if reads_customers else customer_facts.c.customer_id


def _among(members: Members, customer: ColumnElement[Any]) -> ColumnElement[bool]:
    return customer.in_(members.ids) if members.holds else customer.not_in(members.ids)


def _assemble(parts: _Parts, scope: Scope, *, reads_customers: bool) -> Select[int]:
    customer = _id(reads_customers)
    deleted = Members(marked("deleted_at IS NOT NULL", scope), Spread.PICKED, holds=False)
    sets = parts.sets if reads_customers else (*parts.sets, deleted)
    return (
        select(customer)
        .select_from(_base(parts, reads_customers))
        .where(customer.table.c.store_id == scope.store_id)
        .where(*([customers.c.deleted_at.is_(None)] if reads_customers else ()))
        .where(*parts.facts)
        .where(*(_conjunct(members, customer, scope) for members in sets))
        .where(*parts.mixed)
    )


def _base(parts: _Parts, reads_customers: bool) -> FromClause:
    """The customers' own rows only where they are read; every customer has a row of facts."""
    if not reads_customers:
        return customer_facts
    used = (each for predicate in (*parts.facts, *parts.mixed) for each in iterate(predicate))
    if not any(isinstance(each, Column) and each.table is customer_facts for each in used):
        return customers
    same = and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id)
    return customers.join(customer_facts, same)


def _conjunct(members: Members, customer: Column[int], scope: Scope) -> ColumnElement[bool]:
    """At the top, PostgreSQL joins: IN to those who are in a set, NOT EXISTS away from them."""
    if members.holds or scope.dialect != "postgresql":
        return _among(members, customer)
    left_out = members.ids.subquery()
    return not_(exists(select(literal(1)).where(left_out.c[0] == customer).correlate(customer.table)))
