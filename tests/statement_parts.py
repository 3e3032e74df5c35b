# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# What a select is correlated to, SQLAlchemy tells nobody but its compiler.
"""The tables of a statement, place by place, and what their rows fulfil there."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Alias, BooleanClauseList, ClauseElement, Delete, FromClause, Join, Select, Update
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import Grouping

Froms = frozenset[FromClause]


def parts(element: ClauseElement) -> tuple[Froms, list[ClauseElement]]:
    """Return the tables that a statement reads or writes itself, and what their rows fulfil."""
    criteria: list[Any]
    match element:
        case Select():
            # Columns that others have replaced leave their joins behind.
            earlier = (join for entities in element._memoized_select_entities for join in entities._setup_joins)
            joins = [*earlier, *element._setup_joins]
            criteria = [*element._where_criteria, *(on for _, on, _, _ in joins if on is not None)]
            joined: list[Any] = [*element._from_obj, *(target for target, *_ in joins)]
            joined += (table for column in element._raw_columns for table in column._from_objects)
        case Update() | Delete():
            criteria = [*element._where_criteria]
            joined = [element.table]
        case _:
            return frozenset(), []
    joined += (table for criterion in criteria for table in criterion._from_objects)
    tables: set[FromClause] = set()
    while joined:
        table = joined.pop()
        if isinstance(table, Join):
            joined += [table.left, table.right]
            criteria.append(table.onclause)
        else:
            tables.add(table)
    return frozenset(tables), criteria


def correlated(element: ClauseElement, enclosing: Froms) -> Froms:
    if not isinstance(element, Select):
        return frozenset()
    return enclosing if element._auto_correlate else frozenset(element._correlate or ())


def table_of(place: FromClause) -> Any:
    return place.element if isinstance(place, Alias) else place


def conjuncts(criteria: Iterable[Any]) -> Iterator[Any]:
    """Yield the conditions of which all must be true."""
    for criterion in criteria:
        match criterion:
            case BooleanClauseList(operator=operators.and_):
                yield from conjuncts(criterion.clauses)
            case Grouping():
                yield from conjuncts([criterion.element])
            case _:
                yield criterion
