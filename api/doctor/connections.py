"""Checks of what a server is connected to: the broker, the database, a pooler in front of it, standbys behind it."""

from collections.abc import Sequence

from sqlalchemy import select, text

from api.doctor.check import CheckScope, DataCheck, Examination, ProcessCheck
from api.doctor.configuration import missing_database
from api.doctor.findings import Finding
from api.http.health import readiness_of
from api.row_security import row_security
from api.wiring import Runtime
from domain.kit.db import Transaction
from domain.kit.db.portable import database_now

_STANDBYS = """
SELECT coalesce(application_name, '?') AS name, sync_state FROM pg_stat_replication
WHERE state IS DISTINCT FROM 'backup' ORDER BY 1
"""
_APART_SECONDS = 5.0
_SETTINGS_OFF = text(
    "SELECT name FROM pg_settings"
    " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY 1"
)


async def find_silent_services(runtime: Runtime) -> Sequence[Finding]:
    missing = missing_database(runtime.settings)
    if missing is not None:
        return [Finding(missing)]
    readiness = await readiness_of(runtime.probes)
    return [Finding(problem) for problem in (*readiness.faults, *readiness.warnings)]


async def find_late_standbys(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return why a failover to one of the standbys would lose transactions that were committed."""
    if scope.dialect != "postgresql":
        return []
    standbys = (await tx.execute(text(_STANDBYS))).all()
    if any(standby.sync_state is None for standby in standbys):
        problem = "whether the standbys are synchronous cannot be seen: GRANT pg_monitor to Muster's user"
        return [Finding(problem, warning=True)]
    return [
        Finding(
            f"the standby {standby.name!r} is asynchronous: after a failover to it, messages may go out twice",
            warning=True,
        )
        for standby in standbys
        if standby.sync_state == "async"
    ]


async def find_loose_commits(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the settings of PostgreSQL by which a crash loses what was committed."""
    if scope.dialect != "postgresql":
        return []
    off = (await tx.execute(_SETTINGS_OFF)).scalars()
    problem = "is off: after a crash of the database's machine, messages may go out twice"
    return [Finding(f"{name} {problem}", warning=True) for name in off]


async def find_clocks_apart(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    now = await tx.scalar(select(database_now(scope.dialect)))
    seconds = abs((now - scope.runtime.services.clock()).total_seconds())
    if seconds <= _APART_SECONDS:
        return []
    return [Finding(f"the clocks of this machine and of the database are {seconds:,.0f} s apart")]


async def find_row_security(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return why requests might see more than the rows of their store, or less."""
    rows = await row_security(tx, is_on=scope.runtime.settings.row_security)
    if rows.problems or not rows.warning:
        return [Finding(problem) for problem in rows.problems]
    return [Finding(rows.message, warning=True)]


PROCESS_CHECKS = (
    ProcessCheck(
        "connections",
        "database and broker answer; the database is up to date",
        "start what does not answer, or correct MUSTER_DATABASE_URL or MUSTER_BROKER_URL",
        find_silent_services,
    ),
)
DATA_CHECKS = (
    DataCheck(
        "replication",
        "a failover loses nothing that was committed",
        "name the standby in synchronous_standby_names, unless it only reports read it",
        [Examination(find_late_standbys)],
    ),
    DataCheck(
        "durability",
        "a crash of the database loses nothing that was committed",
        "switch it on in postgresql.conf",
        [Examination(find_loose_commits)],
    ),
    DataCheck(
        "row security",
        "requests see the rows of their store alone",
        "run the statement that is named as an administrator, then `muster migrate`",
        [Examination(find_row_security)],
    ),
    DataCheck(
        "clocks",
        "the clocks of this machine and of the database agree",
        "have both machines follow a time server",
        [Examination(find_clocks_apart)],
    ),
)
