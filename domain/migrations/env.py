"""Runs migrations on the connection that `domain.migrations` hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeEngine

from domain.kit.db.types import Id, Instant, Json, Money
from domain.migrations.tables import metadata


def _render(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, (Id, Instant, Json, Money)):
        autogen_context.imports.add(f"from {Id.__module__} import Id, Instant, Json, Money")
        return f"{type(item).__name__}()"
    return False


def _same_type(
    _context: Any, _inspected: Any, _metadata: Any, _stored: TypeEngine[Any], declared: TypeEngine[Any]
) -> bool | None:
    return False if isinstance(declared, (Id, Instant, Json, Money)) else None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_item=_render,
    compare_type=_same_type,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
if connection.dialect.name == "postgresql":
    connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
context.run_migrations()
