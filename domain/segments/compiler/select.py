"""From a definition to one SELECT of customer ids: facts first, then sets, the smallest first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    literal_column,
    or_,
    select,
    true,
)

from domain.segments.catalogue import BehaviorEntry as KnownBehavior
from domain.segments.catalogue import Catalogue
from domain.segments.compiler.normal_form import (
    And,
    FilterOutdated,
    Leaf,
    Node,
    Or,
    ReferencedSegments,
    expanded,
    leaves,
)
from domain.segments.compiler.planner import Conjuncts, among, assemble, cost, united
from domain.segments.filters import AttributeCondition, BehaviorCondition, Definition, MembershipCondition
from domain.segments.sql.behaviors.base import EventField, FieldCondition, FieldConditions
from domain.segments.sql.dimensions.customer import on_list, picked_for
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate, Selectivity, negate
from domain.segments.sql.scope import FilterScope


def customer_ids(
    definition: Definition, catalogue: Catalogue, scope: FilterScope, groups: ReferencedSegments
) -> Select[int]:
    """The ids of the live customers whom the definition finds."""
    return ids_of(expanded(definition, groups), catalogue, scope)


def ids_of(node: Node, catalogue: Catalogue, scope: FilterScope) -> Select[int]:
    """The same for a definition in its normal form."""
    return _Statement(catalogue, scope).select(node)


def static_ids(segment_id: UUID, scope: FilterScope) -> Select[int]:
    """The live customers among those picked for a static segment."""
    return assemble(Conjuncts((), (picked_for(segment_id, scope),)), scope)


@dataclass(slots=True)
class _Statement:
    catalogue: Catalogue
    scope: FilterScope
    _uses: Counter[bytes] = field(default_factory=Counter[bytes])
    _compiled: dict[bytes, Predicate] = field(default_factory=dict[bytes, Predicate])
    # What the facts among the alternatives are called in the rows that are left, and who those rows are of.
    _said: dict[bytes, ColumnElement[bool]] = field(default_factory=dict[bytes, ColumnElement[bool]])
    _left: ColumnElement[int] | None = None

    def select(self, node: Node) -> Select[int]:
        self._uses.update(leaf.key for leaf in leaves(node))
        for leaf in leaves(node):
            self._compiled[leaf.key] = self._shared(leaf)
        parts = self._sort(node.parts if isinstance(node, And) else (node,))
        return self._narrowed(parts) if parts.mixed else assemble(parts, self.scope)

    def _narrowed(self, parts: Conjuncts) -> Select[int]:
        """Those for whom the simple parts hold, and of these the ones for whom an alternative does."""
        compiled = {leaf.key: self._compiled[leaf.key] for part in parts.mixed for leaf in leaves(part)}
        facts = {key: each.condition for key, each in compiled.items() if isinstance(each, RowPredicate)}
        said = {key: condition.label(f"fact_{number}") for number, (key, condition) in enumerate(facts.items())}
        found = assemble(parts, self.scope, tuple(said.values()))
        # PostgreSQL would look every customer up in the sets first: a subquery with an offset it leaves as it is.
        left = (found.offset(literal_column("0")) if self.scope.dialect == "postgresql" else found).subquery("found")
        self._left = left.c[0]
        self._said = {key: left.c[label.name] for key, label in said.items()}
        return select(self._left).where(*(self._predicate(part) for part in parts.mixed))

    def _shared(self, leaf: Leaf) -> Predicate:
        """A set that is asked for more than once is made once."""
        compiled = condition_of(leaf, self.catalogue, self.scope)
        if isinstance(compiled, RowPredicate) or self._uses[leaf.key] == 1:
            return compiled
        shared = compiled.ids.cte()
        return replace(compiled, ids=select(shared.c[0]).correlate(None))

    def _sort(self, parts: Sequence[Node]) -> Conjuncts:
        facts: list[ColumnElement[bool]] = []
        sets: list[IdSet] = []
        mixed: list[Node] = []
        for part in parts:
            simple = self._simple(part)
            if isinstance(simple, IdSet):
                sets.append(simple)
            elif simple is not None:
                facts.append(simple)
            else:
                mixed.append(part)
        return Conjuncts(tuple(facts), tuple(sorted(sets, key=cost)), tuple(mixed))

    def _simple(self, node: Node) -> IdSet | ColumnElement[bool] | None:
        """A set; or a predicate that needs none; or neither."""
        if isinstance(node, Leaf):
            leaf = self._sense(node)
            return leaf if isinstance(leaf, IdSet) else leaf.condition
        if any(isinstance(self._sense(leaf), IdSet) for leaf in leaves(node)):
            return self._united(node) if isinstance(node, Or) else None
        return self._predicate(node)

    def _sense(self, leaf: Leaf) -> Predicate:
        compiled = self._compiled[leaf.key]
        if isinstance(compiled, RowPredicate) and leaf.key in self._said:
            compiled = RowPredicate(self._said[leaf.key])
        return negate(compiled) if leaf.negated else compiled

    def _united(self, node: Or) -> IdSet | None:
        """Alternatives that are all sets of members are one set."""
        parts = [self._sense(part) for part in node.parts if isinstance(part, Leaf)]
        members = [part for part in parts if isinstance(part, IdSet) and not part.negated]
        return united(members) if len(members) == len(node.parts) else None

    def _predicate(self, node: Node) -> ColumnElement[bool]:
        if isinstance(node, Leaf):
            leaf = self._sense(node)
            return self._among(leaf) if isinstance(leaf, IdSet) else leaf.condition
        if isinstance(node, And):
            # In this order the databases look; of alternatives, they look no further once one holds.
            return and_(true(), *(self._predicate(part) for part in sorted(node.parts, key=self._weight)))
        return or_(false(), *self._alternatives(node))

    def _weight(self, node: Node) -> tuple[bool, bool, Selectivity]:
        """Facts first, then sets of members, the smallest first, then alternatives, then those to be left out."""
        senses = [self._sense(leaf) for leaf in leaves(node)]
        sets = [each for each in senses if isinstance(each, IdSet)]
        largest = max((each.selectivity for each in sets), default=Selectivity.PICKED)
        return bool(sets), not isinstance(node, Leaf) or any(each.negated for each in sets), largest

    def _alternatives(self, node: Or) -> Iterator[ColumnElement[bool]]:
        """Facts, then the sets of members as one, then the rest."""
        simple = [self._sense(part) for part in node.parts if isinstance(part, Leaf)]
        yield from (leaf.condition for leaf in simple if isinstance(leaf, RowPredicate))
        members = [leaf for leaf in simple if isinstance(leaf, IdSet)]
        held = [leaf for leaf in members if not leaf.negated]
        if held:
            yield self._among(united(held))
        yield from (self._among(leaf) for leaf in members if leaf.negated)
        yield from (self._predicate(part) for part in node.parts if not isinstance(part, Leaf))

    def _among(self, members: IdSet) -> ColumnElement[bool]:
        assert self._left is not None
        return among(members, self._left, self.scope)


def condition_of(leaf: Leaf, catalogue: Catalogue, scope: FilterScope) -> Predicate:
    """The leaf's condition in SQL, whatever its sense."""
    match leaf.condition:
        case AttributeCondition() as condition:
            dimension = catalogue.dimensions.get(condition.dimension)
            if dimension is None:
                raise FilterOutdated(f"The filter asks for {condition.dimension}, which the store no longer has")
            return dimension.source.predicate(condition, scope)
        case BehaviorCondition() as condition:
            behavior = catalogue.behavior(condition.behavior)
            assert behavior is not None
            where = tuple(
                FieldCondition(each, _event_field(behavior, each.dimension, each.values)) for each in condition.where
            )
            of = None if condition.of is None else _event_field(behavior, condition.of, [0])
            return behavior.source.predicate(condition, FieldConditions(where, of), scope)
        case MembershipCondition(segment_id, list_id):
            if list_id is not None:
                return on_list(list_id, scope)
            assert segment_id is not None
            return picked_for(segment_id, scope)


def _event_field(behavior: KnownBehavior, key: str, values: Sequence[object]) -> EventField:
    attribute = behavior.attribute(key, values)
    if attribute is None:
        raise FilterOutdated(f"The filter asks for {key} of {behavior.key}, which the store no longer has")
    return attribute.field
