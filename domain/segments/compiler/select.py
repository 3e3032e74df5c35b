"""Compiles a definition to one SELECT of customer ids: predicates first, then id sets, the smallest first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Select, select

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
from domain.segments.compiler.planner import all_of, any_of, select_customers
from domain.segments.filters import AttributeCondition, BehaviorCondition, Definition, MembershipCondition
from domain.segments.sql.behaviors.base import EventField, FieldCondition, FieldConditions
from domain.segments.sql.dimensions.customer import on_list, picked_for
from domain.segments.sql.predicates import IdSet, Predicate, negate
from domain.segments.sql.scope import FilterScope


def customer_ids(
    definition: Definition, catalogue: Catalogue, scope: FilterScope, groups: ReferencedSegments
) -> Select[int]:
    """Return a statement of the ids of the live customers who match. Raise FilterOutdated as `condition_of` does."""
    return ids_of(expanded(definition, groups), catalogue, scope)


def ids_of(node: Node, catalogue: Catalogue, scope: FilterScope) -> Select[int]:
    """Return a statement of the ids of the live customers who match a definition in its normal form."""
    uses = Counter(leaf.key for leaf in leaves(node))
    predicates: dict[bytes, Predicate] = {}
    for leaf in leaves(node):
        predicate = condition_of(leaf, catalogue, scope)
        if isinstance(predicate, IdSet) and uses[leaf.key] > 1:
            # A set that is asked for more than once is made once.
            shared = predicate.ids.cte()
            predicate = replace(predicate, ids=select(shared.c[0]).correlate(None), conjuncts=(), alternatives=())
        predicates[leaf.key] = predicate
    parts = node.parts if isinstance(node, And) else (node,)
    return select_customers([_predicate(part, predicates, scope) for part in parts], scope)


def static_ids(segment_id: UUID, scope: FilterScope) -> Select[int]:
    """Return a statement of the live customers among those picked for a static segment."""
    return select_customers([picked_for(segment_id, scope)], scope)


def _predicate(node: Node, predicates: Mapping[bytes, Predicate], scope: FilterScope) -> Predicate:
    """Return the predicate of a tree whose leaves have these."""
    match node:
        case Leaf(_, negated):
            return negate(predicates[node.key]) if negated else predicates[node.key]
        case And(parts):
            return all_of((_predicate(part, predicates, scope) for part in parts), scope)
        case Or(parts):
            return any_of((_predicate(part, predicates, scope) for part in parts), scope)


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
