"""The statements that a database executes meanwhile."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

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
