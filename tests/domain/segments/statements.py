"""The statements that a database executes meanwhile, and the sub-selects that a distributed one would refuse."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BinaryExpression, BooleanClauseList, ClauseElement, SelectBase, Table, UnaryExpression, event
from sqlalchemy.sql import operators

from domain.kit.db import Database


@contextmanager
def statements(database: Database) -> Generator[list[str]]:
    executed: list[str] = []

    def append(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        executed.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", append)
    try:
        yield executed
    finally:
        event.remove(engine, "before_cursor_execute", append)


def alternative_selects(
    element: ClauseElement, *, alternative: bool = False, negated: bool = False
) -> Iterator[ClauseElement]:
    """Yield the selects under an OR, or under an AND of which NOT makes one; each SELECT begins anew."""
    match element:
        case Table():
            return
        case SelectBase():
            if alternative:
                yield element
            alternative = negated = False
        case BooleanClauseList():
            alternative |= negated if element.operator is operators.and_ else element.operator is operators.or_
        case UnaryExpression(operator=operators.inv) | BinaryExpression(operator=operators.is_not):
            negated = True
        case _:
            pass
    for child in element.get_children():
        yield from alternative_selects(child, alternative=alternative, negated=negated)
