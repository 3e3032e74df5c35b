"""What `muster doctor` looks at."""

from dataclasses import dataclass

from api.http.health import faults_of
from api.wiring import Runtime
from domain import jobs


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    well: bool
    says: str


async def examine(runtime: Runtime) -> list[Finding]:
    faults = await faults_of(runtime.database, runtime.ask_broker)
    findings = [_settings(runtime), *(Finding("reach", False, fault) for fault in faults)]
    if faults:
        return findings
    return [
        *findings,
        Finding("reach", True, "database and broker answer; the database is up to date"),
        await _leases(runtime),
    ]


def _settings(runtime: Runtime) -> Finding:
    settings = runtime.settings
    if settings.env == "test":
        return Finding("settings", False, "MUSTER_ENV=test is for rehearsals")
    if not settings.embedded and settings.database_url.startswith("sqlite"):
        return Finding("settings", False, "several processes share SQLite: set MUSTER_DATABASE_URL to PostgreSQL")
    return Finding("settings", True, "as they should be")


async def _leases(runtime: Runtime) -> Finding:
    async with runtime.database.read() as tx:
        counts = (await jobs.count(tx)).values()
    waiting_jobs, stuck = sum(count for count, _ in counts), sum(expired for _, expired in counts)
    if stuck:
        return Finding("jobs", False, f"{stuck} of {waiting_jobs} jobs lost their worker: is `muster work` running?")
    return Finding("jobs", True, f"{waiting_jobs} wait or run")
