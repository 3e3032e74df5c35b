"""What `muster doctor` looks at."""

from dataclasses import dataclass

from api.http.health import faults_of
from api.wiring import Runtime
from domain import jobs
from domain.campaigns import launch
from domain.events import counters
from domain.kit.db import Transaction
from domain.orders import facts
from domain.stores import queries as stores

_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    well: bool
    says: str


async def examine(runtime: Runtime) -> list[Finding]:
    faults = await faults_of(runtime.database, runtime.ask_broker)
    findings = [
        _settings(runtime),
        _plugins(runtime),
        *(Finding("reach", False, fault) for fault in faults),
    ]
    if faults:
        return findings
    reach = Finding("reach", True, "database and broker answer; the database is up to date")
    async with runtime.database.read() as tx:
        numbers = await stores.numbers(tx)
        return [
            *findings,
            reach,
            await _channels(tx, runtime, numbers),
            await _facts(tx, numbers),
            await _campaigns(tx),
            await _leases(tx),
        ]


def _settings(runtime: Runtime) -> Finding:
    settings = runtime.settings
    if settings.env == "test":
        return Finding("settings", False, "MUSTER_ENV=test is for rehearsals")
    if not settings.embedded and settings.database_url.startswith("sqlite"):
        return Finding("settings", False, "several processes share SQLite: set MUSTER_DATABASE_URL to PostgreSQL")
    return Finding("settings", True, "as they should be")


def _plugins(runtime: Runtime) -> Finding:
    found = runtime.plugins
    if found.faults:
        said = "; ".join(f"{fault.plugin} of {fault.package} is left out: {fault.reason}" for fault in found.faults)
        return Finding("plugins", False, said)
    return Finding("plugins", True, f"channels: {', '.join(sorted(found.channels)) or 'none'}")


async def _channels(tx: Transaction, runtime: Runtime, numbers: list[int]) -> Finding:
    """Whether what stores have configured opens with this server's key."""
    problems = [
        f"store {number}: {problem}"
        for number in numbers
        for problem in await runtime.services.channels.problems(tx, number)
    ]
    if problems:
        return Finding("channels", False, _some(problems))
    return Finding("channels", True, "all that stores have installed can be used")


async def _facts(tx: Transaction, numbers: list[int]) -> Finding:
    """Whether the counts that segments read are those of the orders and of the other events."""
    wrong = {number: misses for number in numbers if (misses := await _misses(tx, number))}
    if wrong:
        said = [
            f"store {number}: {len(misses)} customers are counted wrong ({_some([str(one) for one in misses])})"
            for number, misses in wrong.items()
        ]
        return Finding("facts", False, _some(said))
    return Finding("facts", True, "what is counted of customers' orders and events is what a recount gives")


async def _misses(tx: Transaction, number: int) -> list[int]:
    return sorted({*await facts.mismatches(tx, number), *await counters.mismatches(tx, number)})


async def _campaigns(tx: Transaction) -> Finding:
    stranded = await launch.stranded(tx)
    if stranded:
        said = _some([str(campaign_id) for campaign_id in stranded])
        return Finding("campaigns", False, f"{len(stranded)} are SENDING and no job works on them: {said}")
    return Finding("campaigns", True, "a job works on each that is SENDING")


async def _leases(tx: Transaction) -> Finding:
    counts = (await jobs.count(tx)).values()
    waiting_jobs, stuck = sum(count for count, _ in counts), sum(expired for _, expired in counts)
    if stuck:
        return Finding("jobs", False, f"{stuck} of {waiting_jobs} jobs lost their worker: is `muster work` running?")
    return Finding("jobs", True, f"{waiting_jobs} wait or run")


def _some(said: list[str]) -> str:
    more = len(said) - _NAMED_AT_MOST
    return "; ".join(said[:_NAMED_AT_MOST]) + (f"; and {more} more" if more > 0 else "")
