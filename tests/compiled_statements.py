"""Statements that are compiled once in a run: each test has engines of its own, which would begin anew."""

from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

_MOST = 20_000


class _CompiledStatements(dict[Any, Any]):
    """What SQLAlchemy keeps of statements for one engine, kept for all engines of a driver."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        if len(self) >= _MOST:
            self.clear()
        super().__setitem__(_of_any_engine(key), compiled)


def share_compiled_statements() -> None:
    """Have all engines of this process share what is compiled."""
    compiled = _CompiledStatements()

    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    event.listen(Engine, "engine_connect", share)


def _of_any_engine(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (dialect.name, dialect.driver, *statement)
