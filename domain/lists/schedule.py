"""Makes the lists that are due: each once, however many schedulers there are and however late they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.kit.db import Database, Transaction
from domain.lists import build
from domain.lists.build import ListRequest
from domain.segments import refresh_schedule
from domain.segments.model import next_refresh
from domain.stores import queries as stores

AT_MOST = 1_000
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class FailedBuild:
    """A segment whose due list could not be begun; it stays due."""

    store_id: int
    segment_id: UUID
    error: Exception


async def make_due(database: Database, now: datetime) -> tuple[int, list[FailedBuild]]:
    """Begins a list for each segment that is due, a thousand at most; how many, and those that could not be.

    A segment that was due several times gets one list, and is due again when its cycle says (SL-07).
    """
    async with database.read() as tx:
        due = await refresh_schedule.due(tx, now, AT_MOST)
    made, unmade = 0, list[FailedBuild]()
    for store_id, wanted in due.items():
        for some in _chunks(wanted):
            begun, failed = await _begin_or_each(database, store_id, some, now)
            made += begun
            unmade += failed
    return made, unmade


async def _begin_or_each(
    database: Database, store_id: int, wanted: Sequence[UUID], now: datetime
) -> tuple[int, list[FailedBuild]]:
    """All of them in a transaction; one by one when that fails, so that one's fault stops no other."""
    try:
        async with database.write() as tx:
            return await _begin(tx, store_id, wanted, now), []
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one segment is its own
        if len(wanted) == 1:
            return 0, [FailedBuild(store_id, wanted[0], error)]
    made, unmade = 0, list[FailedBuild]()
    for segment_id in wanted:
        begun, failed = await _begin_or_each(database, store_id, [segment_id], now)
        made += begun
        unmade += failed
    return made, unmade


async def _begin(tx: Transaction, store_id: int, wanted: Sequence[UUID], now: datetime) -> int:
    taken = await refresh_schedule.take(tx, store_id, wanted, now)
    shop = await stores.by_id(tx, store_id)
    if not taken or shop is None:
        return 0
    await refresh_schedule.set_due(
        tx, store_id, {each.segment_id: next_refresh(each.policy, now, shop.timezone) for each in taken}
    )
    await build.start_all(tx, store_id, [ListRequest(each.segment_id, each.list_name) for each in taken], now)
    return len(taken)


def _chunks(wanted: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))
