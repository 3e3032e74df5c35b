"""The checks of `muster doctor`: configuration, connections, and whether the stored data is consistent."""

from dataclasses import dataclass

from api.database_checks import pooler_problems, replication_warnings
from api.http.health import readiness_of
from api.wiring import Runtime
from domain import jobs
from domain.campaigns import launch
from domain.campaigns import queries as campaigns
from domain.events import counters
from domain.installation.model import WrongSecretKey
from domain.kit.db import Transaction
from domain.kit.secret_keys import sealed_prefix
from domain.orders import facts
from domain.stores import queries as stores

_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check. One that passed with a `warning` needs a decision of the operator."""

    name: str
    passed: bool
    message: str
    warning: bool = False


async def run_checks(runtime: Runtime) -> list[Check]:
    """Return the checks of the configuration, the connections and, when these are sound, the stored data."""
    settings, plugins = runtime.settings, runtime.plugins
    setting_problems: list[str] = []
    if settings.env == "test":
        setting_problems.append("MUSTER_ENV=test is meant for tests")
    if not settings.embedded and settings.database_url.startswith("sqlite"):
        setting_problems.append("several processes share SQLite: set MUSTER_DATABASE_URL to PostgreSQL")
    if settings.database_pooler == "none":
        setting_problems += await pooler_problems(runtime.database)
    plugin_problems = [f"{fault.plugin} of {fault.package} is left out: {fault.reason}" for fault in plugins.faults]
    channels = ", ".join(sorted(plugins.channels)) or "none"
    readiness = await readiness_of(runtime.probes)
    connection_problems = [*readiness.faults, *readiness.warnings]
    checks = [
        _check("settings", setting_problems, "no conflicts"),
        _check("plugins", plugin_problems, f"channels: {channels}"),
        _check("connections", connection_problems, "database and broker answer; the database is up to date"),
    ]
    if readiness.faults:
        return checks
    keys = await _key_check(runtime)
    async with runtime.database.read() as tx:
        warnings = await replication_warnings(tx)
        message = _summary(warnings) if warnings else "a failover loses nothing that was committed"
        checks.append(Check("replication", passed=True, message=message, warning=bool(warnings)))
        return [*checks, keys, await _continuity_check(tx, runtime), *await _data_checks(tx, runtime)]


async def _continuity_check(tx: Transaction, runtime: Runtime) -> Check:
    """Check that the database has all that was committed, and name the campaigns that may have gone out since."""
    problem = await runtime.services.continuity.held(tx)
    if problem is None:
        return Check("continuity", passed=True, message="the database has what it had committed")
    under_way = [*await campaigns.under_way(tx), *await campaigns.due(tx, runtime.services.clock())]
    named = [f"store {campaign.store_id}: campaign {campaign.campaign_id}" for campaign in under_way]
    affected = f"under way or due: {_summary(named)}" if named else "no campaign was under way or due"
    return Check("continuity", passed=False, message=f"{problem} ({affected})")


async def _key_check(runtime: Runtime) -> Check:
    """Check that the secret key is that of the database, and say what is left to do of a rotation."""
    keys = runtime.services.keys
    pair = keys.secret_keys.pair
    try:
        await keys.load(runtime.database)
        async with runtime.database.write() as tx:
            sealing_key = await keys.sealing_key(tx)
            others = await stores.count_sealed_settings(tx, unlike=sealed_prefix(pair.current))
    except WrongSecretKey as error:
        return Check("keys", passed=False, message=str(error))
    if pair.previous is None:
        return Check("keys", passed=True, message="the secret key is that of the database")
    if sealing_key != pair.current or others:
        message = (
            f"the lasting keys or the settings of {others} channels are sealed with the previous key: run `muster key "
            "reseal` once every process has both keys"
        )
    else:
        message = "nothing is sealed with the previous key any more: unset MUSTER_PREVIOUS_SECRET_KEY, or delete "
        message += "muster.key.previous"
    return Check("keys", passed=True, message=message, warning=True)


async def _data_checks(tx: Transaction, runtime: Runtime) -> list[Check]:
    store_ids = await stores.all_ids(tx)
    channel_problems = [
        f"store {store_id}: {problem}"
        for store_id in store_ids
        for problem in await runtime.services.channels.problems(tx, store_id)
    ]
    count_problems: list[str] = []
    for store_id in store_ids:
        customer_ids = sorted({*await facts.mismatches(tx, store_id), *await counters.mismatches(tx, store_id)})
        if customer_ids:
            examples = _summary([str(customer_id) for customer_id in customer_ids])
            count_problems.append(f"store {store_id}: {len(customer_ids)} customers have wrong counts ({examples})")
    campaign_ids = [str(campaign_id) for campaign_id in await launch.stranded(tx)]
    channel_problems += [
        f"store {stopped.store_id}: campaign {stopped.campaign_id}: {stopped.problem}"
        for stopped in await campaigns.stopped(tx)
    ]
    campaign_problems: list[str] = []
    if campaign_ids:
        campaign_problems.append(f"{len(campaign_ids)} are SENDING without a job: {_summary(campaign_ids)}")
    counts = (await jobs.count_by_queue(tx)).values()
    open_jobs, expired = sum(count.open for count in counts), sum(count.expired for count in counts)
    job_problems = [f"{expired} of {open_jobs} jobs lost their worker: is `muster work` running?"] if expired else []
    return [
        _check(
            "channels",
            channel_problems,
            "the settings of all installed channels can be used, and they send what is to be sent",
        ),
        _check("facts", count_problems, "the stored counts of orders and events equal a recount"),
        _check("campaigns", campaign_problems, "every campaign that is SENDING has a job"),
        _check("jobs", job_problems, f"{open_jobs} pending or running"),
    ]


def _check(name: str, problems: list[str], passed_message: str) -> Check:
    return Check(name, not problems, _summary(problems) if problems else passed_message)


def _summary(items: list[str]) -> str:
    more = len(items) - _MAX_NAMED
    return "; ".join(items[:_MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")
