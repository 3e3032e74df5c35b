"""Checks of stores: their settings, tokens, thresholds and channels."""

from collections.abc import Iterator, Sequence

from sqlalchemy import func, or_, select

from api.doctor.check import CheckScope, DataCheck, Examination, Rows, WrongRows
from api.doctor.findings import Finding, listed
from domain.campaigns import queries as campaigns
from domain.campaigns.tables import campaigns as campaign_rows
from domain.changes.tables import customer_changes, store_versions
from domain.channels import periodic
from domain.channels.tables import channel_works
from domain.kit.clock import day_of
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.lifecycle.tables import lifecycles
from domain.segments.tables import value_ranks
from domain.stores import queries, tables
from domain.stores.model import Store, StoreChange, apply_change, check_scopes


async def find_invalid_settings(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    store = await queries.by_id(tx, scope.store_id)
    return [] if store is None else list(_refused(store))


def _refused(store: Store) -> Iterator[Finding]:
    limits = store.limits
    change = StoreChange(
        store.name, store.timezone, store.currency, limits.static_segment_members, limits.property_conditions
    )
    try:
        apply_change(store, change)
    except DomainError as errors:
        for error in errors.errors:
            yield Finding(f"its {'.'.join(map(str, error.field))} is refused: {error.message}", store.id)


async def find_unreadable_tokens(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    token = tables.api_tokens.c
    rows = await tx.execute(select(token.id, token.scopes, token.hash).where(token.store_id == scope.store_id))
    wrong = [f"id={row.id}" for row in rows if len(row.hash) != 32 or not _are_scopes(row.scopes)]
    return listed("tokens cannot be used", wrong, scope.store_id)


def _are_scopes(stored: str) -> bool:
    try:
        check_scopes(stored.split())
    except DomainError:
        return False
    return True


async def find_unusable_channels(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    problems = await scope.runtime.services.channels.problems(tx, scope.store_id)
    works = await periodic.problems(tx, scope.store_id)
    problems += [f"the work of {channel} fails: {problem}" for channel, problem in sorted(works.items())]
    return [Finding(problem, scope.store_id) for problem in problems]


async def find_stopped_campaigns(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    return [
        Finding(f"campaign {stopped.campaign_id}: {stopped.problem}", scope.store_id)
        for stopped in await campaigns.stopped(tx, scope.store_id)
    ]


async def find_future_scoring(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the day for which a store was scored ahead: until then it would not be."""
    today = day_of(scope.now, await queries.timezone_of(tx, scope.store_id))
    scored = lifecycles.c
    days = await tx.execute(select(scored.scheduled_on, scored.computed_on).where(scored.store_id == scope.store_id))
    later = [day for row in days for day in row if day is not None and (day - today).days > 1]
    return [Finding(f"its customers are scored no earlier than {max(later)}", scope.store_id)] if later else []


def _same_rank(scope: CheckScope) -> Rows:
    rank = value_ranks.c
    return (
        select(rank.dimension, rank.rank)
        .where(rank.store_id == scope.store_id)
        .group_by(rank.dimension, rank.rank)
        .having(func.count() > 1)
    )


def _reversed_changes(scope: CheckScope) -> Rows:
    mark = customer_changes.c
    is_wrong = or_(mark.first_id > mark.last_id, mark.kinds <= 0)
    return select(mark.id).where(mark.store_id == scope.store_id, is_wrong)


def _negative_versions(scope: CheckScope) -> Rows:
    version = store_versions.c
    counts = [column for column in version if not column.primary_key]
    return select(version.shard).where(version.store_id == scope.store_id, or_(*(count < 0 for count in counts)))


DATA_CHECKS = (
    DataCheck(
        "stores",
        "settings, tokens and ranks of stores can be used",
        "set the value with storeUpdate, or create the token anew",
        [
            Examination(find_invalid_settings, [tables.stores]),
            Examination(find_unreadable_tokens, [tables.api_tokens]),
            WrongRows("ranks that several values have", _same_rank),
        ],
        each_store=True,
    ),
    DataCheck(
        "channels",
        "the settings of all installed channels can be used, and they send what is to be sent",
        "install the plugin, or do what the message says; campaigns go on by themselves",
        [
            Examination(find_unusable_channels, [tables.channel_installations, channel_works]),
            Examination(find_stopped_campaigns, [campaign_rows]),
        ],
        each_store=True,
    ),
    DataCheck(
        "scoring",
        "every store is scored again by tomorrow",
        "set scheduled_on of lifecycles to null",
        [Examination(find_future_scoring, [lifecycles])],
        each_store=True,
    ),
    DataCheck(
        "changes",
        "marks of what has changed can be read",
        "delete the marks, and change the segment's filter back and forth: its members are found anew",
        [
            WrongRows("marks that name nobody", _reversed_changes),
            WrongRows("counts of writes below zero", _negative_versions),
        ],
        each_store=True,
    ),
)
