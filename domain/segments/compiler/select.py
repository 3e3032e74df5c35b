"""Compiles a definition to one SELECT of customer ids: predicates first, then id sets, the smallest first."""

from collections import Counter
from collections.abc import Sequence
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

from domain.segments.catalogue import BehaviorEntry, Catalogue
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
from domain.segments.compiler.planner import Conjuncts, cost, in_set, select_customers, union_of
from domain.segments.filters import AttributeCondition, BehaviorCondition, Definition, MembershipCondition
from domain.segments.sql.behaviors.base import EventField, FieldCondition, FieldConditions
from domain.segments.sql.dimensions.customer import on_list, picked_for
from domain.segments.sql.predicates import IdSet, Predicate, RowPredicate, Selectivity, negate
from domain.segments.sql.scope import FilterScope


def customer_ids(
    definition: Definition, catalogue: Catalogue, scope: FilterScope, groups: ReferencedSegments
) -> Select[int]:
    """Return a statement of the ids of the live customers who match. Raise FilterOutdated as `condition_of` does."""
    return ids_of(expanded(definition, groups), catalogue, scope)


def ids_of(node: Node, catalogue: Catalogue, scope: FilterScope) -> Select[int]:
    """Return a statement of the ids of the live customers who match a definition in its normal form."""
    return _Query(catalogue, scope).select(node)


def static_ids(segment_id: UUID, scope: FilterScope) -> Select[int]:
    """Return a statement of the live customers among those picked for a static segment."""
    return select_customers(Conjuncts((), (picked_for(segment_id, scope),)), scope)


@dataclass(slots=True)
class _Query:
    """A filter's query as it is planned, with the predicate of each leaf."""

    catalogue: Catalogue
    scope: FilterScope
    _predicates: dict[bytes, Predicate] = field(default_factory=dict[bytes, Predicate])
    # Once the customers are narrowed: who they are there, and the columns of the alternatives' row predicates.
    _customer: ColumnElement[int] | None = None
    _columns: dict[bytes, ColumnElement[bool]] = field(default_factory=dict[bytes, ColumnElement[bool]])

    def select(self, node: Node) -> Select[int]:
        uses = Counter(leaf.key for leaf in leaves(node))
        for leaf in leaves(node):
            predicate = condition_of(leaf, self.catalogue, self.scope)
            if isinstance(predicate, IdSet) and uses[leaf.key] > 1:
                # A set that is asked for more than once is made once.
                shared = predicate.ids.cte()
                predicate = replace(predicate, ids=select(shared.c[0]).correlate(None))
            self._predicates[leaf.key] = predicate
        # The parts of an AND are predicates on a row, id sets, or alternatives of both.
        predicates: list[ColumnElement[bool]] = []
        id_sets: list[IdSet] = []
        alternatives: list[Node] = []
        for part in node.parts if isinstance(node, And) else (node,):
            leaf_predicates = [self._predicate(leaf) for leaf in leaves(part)]
            members = [predicate for predicate in leaf_predicates if isinstance(predicate, IdSet)]
            if not members:
                predicates.append(self._clause(part))
            elif isinstance(part, Leaf):
                id_sets += members
            elif (
                isinstance(part, Or)
                and all(isinstance(alternative, Leaf) for alternative in part.parts)
                and len(members) == len(part.parts)
                and not any(id_set.negated for id_set in members)
            ):
                id_sets.append(union_of(members))
            else:
                alternatives.append(part)
        conjuncts = Conjuncts(tuple(predicates), tuple(sorted(id_sets, key=cost)), tuple(alternatives))
        if not conjuncts.alternatives:
            return select_customers(conjuncts, self.scope)
        return self._select_alternatives(conjuncts)

    def _select_alternatives(self, conjuncts: Conjuncts) -> Select[int]:
        """Narrow the customers by predicates and id sets, and of these select the ones that fulfil the alternatives."""
        predicates = {leaf.key: self._predicates[leaf.key] for part in conjuncts.alternatives for leaf in leaves(part)}
        conditions = {
            key: predicate.condition for key, predicate in predicates.items() if isinstance(predicate, RowPredicate)
        }
        labels = {key: clause.label(f"fact_{number}") for number, (key, clause) in enumerate(conditions.items())}
        customers = select_customers(conjuncts, self.scope, tuple(labels.values()))
        if self.scope.dialect == "postgresql":
            # It would look every customer up in the sets first: a subquery with an offset it leaves as it is.
            customers = customers.offset(literal_column("0"))
        narrowed = customers.subquery("found")
        self._customer = narrowed.c[0]
        self._columns = {key: narrowed.c[label.name] for key, label in labels.items()}
        return select(self._customer).where(*(self._clause(part) for part in conjuncts.alternatives))

    def _predicate(self, leaf: Leaf) -> Predicate:
        """Return the leaf's predicate, negated where the leaf is."""
        predicate = self._predicates[leaf.key]
        if isinstance(predicate, RowPredicate) and leaf.key in self._columns:
            predicate = RowPredicate(self._columns[leaf.key])
        return negate(predicate) if leaf.negated else predicate

    def _clause(self, node: Node) -> ColumnElement[bool]:
        if isinstance(node, Leaf):
            predicate = self._predicate(node)
            return self._in_set(predicate) if isinstance(predicate, IdSet) else predicate.condition
        if isinstance(node, And):
            # In this order the databases look; of alternatives, they look no further once one is true.
            return and_(true(), *(self._clause(part) for part in sorted(node.parts, key=self._cost)))
        predicates = [self._predicate(part) for part in node.parts if isinstance(part, Leaf)]
        id_sets = [predicate for predicate in predicates if isinstance(predicate, IdSet)]
        members = [id_set for id_set in id_sets if not id_set.negated]
        return or_(
            false(),
            *(predicate.condition for predicate in predicates if isinstance(predicate, RowPredicate)),
            *([self._in_set(union_of(members))] if members else []),
            *(self._in_set(id_set) for id_set in id_sets if id_set.negated),
            *(self._clause(part) for part in node.parts if not isinstance(part, Leaf)),
        )

    def _cost(self, node: Node) -> tuple[bool, bool, Selectivity]:
        """Return the key by which an AND is sorted: row predicates, sets from small to large, alternatives, negated."""
        predicates = [self._predicate(leaf) for leaf in leaves(node)]
        id_sets = [predicate for predicate in predicates if isinstance(predicate, IdSet)]
        largest = max((id_set.selectivity for id_set in id_sets), default=Selectivity.PICKED)
        return bool(id_sets), not isinstance(node, Leaf) or any(id_set.negated for id_set in id_sets), largest

    def _in_set(self, id_set: IdSet) -> ColumnElement[bool]:
        assert self._customer is not None
        return in_set(id_set, self._customer, self.scope)


def condition_of(leaf: Leaf, catalogue: Catalogue, scope: FilterScope) -> Predicate:
    """Return the predicate of the leaf's condition, as if it were not negated.

    Raise FilterOutdated when it asks for a dimension or an attribute that the store no longer has.
    """
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
                FieldCondition(narrowing, _event_field(behavior, narrowing.dimension, narrowing.values))
                for narrowing in condition.where
            )
            of = None if condition.of is None else _event_field(behavior, condition.of, [0])
            return behavior.source.predicate(condition, FieldConditions(where, of), scope)
        case MembershipCondition(segment_id, list_id):
            if list_id is not None:
                return on_list(list_id, scope)
            assert segment_id is not None
            return picked_for(segment_id, scope)


def _event_field(behavior: BehaviorEntry, key: str, values: Sequence[object]) -> EventField:
    attribute = behavior.attribute(key, values)
    if attribute is None:
        raise FilterOutdated(f"The filter asks for {key} of {behavior.key}, which the store no longer has")
    return attribute.field
