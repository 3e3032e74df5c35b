# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# asyncpg ships no types.
"""Checks of `muster doctor` about what is around PostgreSQL: a pooler in front of it, standbys behind it."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.kit.db import Database, Transaction

_USE_POOLER = "a pooler is between Muster and PostgreSQL: set MUSTER_DATABASE_POOLER=transaction"
_STANDBYS = """
SELECT coalesce(application_name, '?') AS name, sync_state FROM pg_stat_replication
WHERE state IS DISTINCT FROM 'backup' ORDER BY 1
"""


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


async def replication_warnings(tx: Transaction) -> list[str]:
    """Return why a failover to one of the standbys would lose transactions that were committed."""
    if tx.dialect != "postgresql":
        return []
    standbys = (await tx.execute(text(_STANDBYS))).all()
    if any(standby.sync_state is None for standby in standbys):
        return ["whether the standbys are synchronous cannot be seen: GRANT pg_monitor to Muster's user"]
    return [
        f"the standby {standby.name!r} is asynchronous: after a failover to it, messages may go out twice"
        for standby in standbys
        if standby.sync_state == "async"
    ]
