# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# asyncpg ships no types.
"""Sees a pooler in front of PostgreSQL that the settings do not know of."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.kit.db import Database

_USE_POOLER = "a pooler is between Muster and PostgreSQL: set MUSTER_DATABASE_POOLER=transaction"


async def pooler_problems(database: Database) -> list[str]:
    """Return the advice to set MUSTER_DATABASE_POOLER when a pooler answers in place of PostgreSQL."""
    if database.dialect != "postgresql":
        return []
    try:
        async with database.read() as tx:
            backend = await tx.scalar(text("SELECT pg_backend_pid()"))
            driver: Any = (await tx.connection.get_raw_connection()).driver_connection
            # PostgreSQL greets with the number of the process that serves the connection; a pooler makes one up.
            return [] if driver.get_server_pid() == backend else [_USE_POOLER]
    except (DBAPIError, OSError) as error:
        # PgBouncer refuses what it does not know; of any other fault, the check of connections reports.
        return [_USE_POOLER] if "unsupported startup parameter" in str(error) else []
