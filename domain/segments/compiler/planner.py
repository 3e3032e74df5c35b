"""Plans one SELECT of customer ids: conditions and id sets narrow customers' rows, or the smallest set gives them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Select, and_, false, or_, select, true, union, union_all
from sqlalchemy.sql.visitors import iterate

from domain.customers.tables import customer_facts, customers
from domain.segments.sql.predicates import (
    IdSet,
    Predicate,
    RowPredicate,
    Selectivity,
    is_not_true,
    membership,
    negate,
    partial_index_ids,
)
from domain.segments.sql.scope import FilterScope


def all_of(predicates: Iterable[Predicate], scope: FilterScope) -> Predicate:
    """Return the predicate that is true where each is."""
    conditions, id_sets = _parts(_conjuncts(list(predicates)))
    if not id_sets:
        return RowPredicate(and_(true(), *conditions))
    id_sets.sort(key=_cost)
    selectivity = Selectivity.LOG if id_sets[0].negated else id_sets[0].selectivity
    return IdSet(_select(conditions, id_sets, scope), selectivity, distinct=True)


def any_of(predicates: Iterable[Predicate], scope: FilterScope) -> Predicate:
    """Return the predicate that is true where one is: with sets among them a UNION, as no OR can have sub-selects.

    All but those of a set are all but those of the set who fulfil none of the others.
    """
    parts = tuple(part for predicate in predicates for part in _alternatives(predicate))
    conditions, id_sets = _parts(parts)
    if not id_sets:
        return RowPredicate(or_(false(), *conditions))
    if any(id_set.negated for id_set in id_sets):
        return negate(all_of([negate(part) for part in parts], scope))
    largest = max(id_set.selectivity for id_set in id_sets)
    of_rows = [_select([or_(*conditions)], [], scope)] if conditions else []
    ids = _union([*(id_set.ids for id_set in id_sets), *of_rows])
    return IdSet(ids, largest, distinct=True, alternatives=parts)


def select_customers(predicates: Iterable[Predicate], scope: FilterScope) -> Select[int]:
    """Return a statement of the live customers who fulfil each predicate."""
    conditions, id_sets = _parts(_conjuncts(list(predicates)))
    # Few are, and an index has them: customers' own rows need not be read for it.
    deleted_ids = partial_index_ids("deleted_at IS NOT NULL", scope)
    deleted = IdSet(deleted_ids, Selectivity.PICKED, negated=True, distinct=True)
    mixed = [id_set for id_set in id_sets if _has_facts(id_set)]
    rest = [*sorted((id_set for id_set in id_sets if not _has_facts(id_set)), key=_cost), deleted]
    if mixed and (conditions or not rest[0].negated):
        return _select_narrowed(conditions, rest, mixed, scope)
    return _select(conditions, [*mixed, *rest], scope)


def _has_facts(id_set: IdSet) -> bool:
    return not id_set.negated and any(isinstance(part, RowPredicate) for part in id_set.alternatives)


def _select_narrowed(
    conditions: Sequence[ColumnElement[bool]], id_sets: Sequence[IdSet], mixed: Sequence[IdSet], scope: FilterScope
) -> Select[int]:
    """Select as `_select` does, and search the sets that are alternatives to facts only for whom the rest leaves."""
    alternatives = [_parts(id_set.alternatives) for id_set in mixed]
    facts = [or_(*facts).label(f"fact_{number}") for number, (facts, _) in enumerate(alternatives)]
    left = _select(conditions, id_sets, scope, facts).cte()
    for fact, (_, others) in zip(facts, alternatives, strict=True):
        fulfilled = left.c[fact.name]
        searched = [select(left).where(is_not_true(fulfilled), membership(other, left.c[0], scope)) for other in others]
        # Of one set, nobody comes twice.
        together = union if len(searched) > 1 else union_all
        left = together(select(left).where(fulfilled), *searched).cte()
    return select(left.c[0])


def _conjuncts(predicates: Sequence[Predicate]) -> Iterator[Predicate]:
    """Yield what each must fulfil; a set that nothing else narrows stays whole."""
    narrowing = [predicate for predicate in predicates if isinstance(predicate, RowPredicate) or not predicate.negated]
    for predicate in predicates:
        if isinstance(predicate, RowPredicate) or (len(narrowing) == 1 and not predicate.negated):
            yield predicate
        else:
            yield from predicate.conjuncts or (predicate,)


def _alternatives(predicate: Predicate) -> tuple[Predicate, ...]:
    return predicate.alternatives if isinstance(predicate, IdSet) and predicate.alternatives else (predicate,)


def _parts(predicates: Iterable[Predicate]) -> tuple[list[ColumnElement[bool]], list[IdSet]]:
    conditions: list[ColumnElement[bool]] = []
    id_sets: list[IdSet] = []
    for predicate in predicates:
        if isinstance(predicate, IdSet):
            id_sets.append(predicate)
        else:
            conditions.append(predicate.condition)
    return conditions, id_sets


def _union(selects: Sequence[Select[int]]) -> Select[int]:
    if len(selects) == 1:
        return selects[0]
    # Not UNION ALL: of what that gives, PostgreSQL would expect 200 different customers.
    together = union(*selects).subquery()
    return select(together.c[0]).correlate(None)


def _cost(id_set: IdSet) -> tuple[bool, Selectivity]:
    """Return the key by which sets are sorted: small ones first, negated ones last."""
    return id_set.negated, id_set.selectivity


def _select(
    conditions: Sequence[ColumnElement[bool]],
    id_sets: Sequence[IdSet],
    scope: FilterScope,
    columns: Sequence[ColumnElement[bool]] = (),
) -> Select[*tuple[Any, ...]]:
    """Return a statement of the customers whom conditions and sets, in their order, leave, with columns of each."""
    elements = [element for condition in (*conditions, *columns) for element in iterate(condition)]
    tables = {element.table for element in elements if isinstance(element, Column)} & {customers, customer_facts}
    smallest = next(iter(id_sets), None)
    rows: FromClause
    of_store: tuple[ColumnElement[bool], ...] = ()
    if not tables and smallest is not None and not smallest.negated:
        # No row is of a customer who is not there: those of a set need not be looked up among the others.
        ids = smallest.ids if smallest.distinct else smallest.ids.distinct()
        rows, id_sets = ids.subquery("those"), id_sets[1:]
        customer = rows.c[0]
    elif customers not in tables:
        # Every customer has a row of facts.
        rows, customer = customer_facts, customer_facts.c.customer_id
        of_store = (customer_facts.c.store_id == scope.store_id,)
    else:
        same = and_(customer_facts.c.store_id == customers.c.store_id, customer_facts.c.customer_id == customers.c.id)
        rows = customers.join(customer_facts, same) if customer_facts in tables else customers
        customer, of_store = customers.c.id, (customers.c.store_id == scope.store_id,)
    memberships = [membership(id_set, customer, scope) for id_set in id_sets]
    return select(customer, *columns).select_from(rows).where(*of_store, *conditions, *memberships).correlate(None)
