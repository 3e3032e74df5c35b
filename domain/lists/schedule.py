"""Build the lists that are due: each once, however many schedulers there are and however late they come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.kit.db import Database
from domain.lists import build
from domain.lists.build import ListRequest
from domain.segments import refresh_schedule
from domain.segments.model import next_refresh
from domain.stores import queries as stores

MAX_LISTS = 1_000
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class FailedBuild:
    """A segment whose due list could not be requested; it stays due."""

    store_id: int
    segment_id: UUID
    error: Exception


@dataclass(slots=True)
class BuildRound:
    """The number of lists that a round of the scheduler has requested, and those that it could not."""

    requested: int = 0
    failed: list[FailedBuild] = field(default_factory=list[FailedBuild])


async def build_due(database: Database, now: datetime, limit: int = MAX_LISTS) -> BuildRound:
    """Request a list for each segment that is due, up to so many, the longest due first.

    A segment that was due several times gets one list, and is due again when its cycle says (SL-07).
    """
    async with database.read() as tx:
        due = await refresh_schedule.due(tx, now, limit)
    result = BuildRound()
    for store_id, segment_ids in due.items():
        for start in range(0, len(segment_ids), _AT_ONCE):
            await _request_or_each(database, store_id, segment_ids[start : start + _AT_ONCE], now, result)
    return result


async def _request_or_each(
    database: Database, store_id: int, segment_ids: Sequence[UUID], now: datetime, result: BuildRound
) -> None:
    """Request all of them in a transaction; one by one when that fails, so that one's error stops no other."""
    requested = 0
    try:
        async with database.write() as tx:
            due = await refresh_schedule.lock_due(tx, store_id, segment_ids, now)
            store = await stores.by_id(tx, store_id)
            if due and store is not None:
                moments = {segment.segment_id: next_refresh(segment.policy, now, store.timezone) for segment in due}
                await refresh_schedule.set_due(tx, store_id, moments)
                requests = [ListRequest(segment.segment_id, segment.list_name) for segment in due]
                await build.request_lists(tx, store_id, requests, now)
                requested = len(due)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one segment is its own
        if len(segment_ids) == 1:
            result.failed.append(FailedBuild(store_id, segment_ids[0], error))
        else:
            for segment_id in segment_ids:
                await _request_or_each(database, store_id, [segment_id], now, result)
    else:
        result.requested += requested
