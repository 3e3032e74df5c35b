"""Checks of segments' schedules and members, and of lists."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Table, and_, exists, func, or_, select

from api.doctor.check import CheckScope, DataCheck, Examination, Rows, WrongRows, found_rows, wrong_rows
from api.doctor.findings import Finding, listed
from api.doctor.payloads import subjects_of
from domain import changes
from domain.kit.db import Transaction
from domain.lists.build import BUILD, ERASE
from domain.lists.model import ListStatus
from domain.lists.tables import list_members, lists
from domain.memberships import mismatches
from domain.memberships.tables import segment_memberships, tracked_segments
from domain.segments.model import CYCLES, UpdateMode
from domain.segments.tables import segment_members, segments
from domain.stores import queries as stores

_list, _segment = lists.c, segments.c
# What the scheduler has not begun by then, it does not begin.
_LATE = timedelta(minutes=15)
_LONGEST_CYCLE = timedelta(days=max(CYCLES) + 1)


def _never_due(scope: CheckScope) -> Rows:
    is_automatic = and_(_segment.active, _segment.update_mode == UpdateMode.AUTO.value)
    is_wrong = or_(_segment.next_refresh_at.is_(None), _segment.every_days.is_(None), _segment.every_days <= 0)
    return select(_segment.id).where(_segment.store_id == scope.store_id, is_automatic, is_wrong)


def _due_too_late(scope: CheckScope) -> Rows:
    is_wrong = _segment.next_refresh_at > scope.now + _LONGEST_CYCLE
    return select(_segment.id, _segment.next_refresh_at).where(_segment.store_id == scope.store_id, is_wrong)


def _overdue(scope: CheckScope) -> Rows:
    is_wrong = and_(_segment.active, _segment.next_refresh_at < scope.now - _LATE)
    return select(_segment.id, _segment.next_refresh_at).where(_segment.store_id == scope.store_id, is_wrong)


async def find_wrong_members(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the segments whose known members are not those whom their filters find."""
    store = await stores.by_id(tx, scope.store_id)
    assert store is not None
    findings: list[Finding] = []
    extensions = scope.runtime.services.extensions
    for comparison in await mismatches.comparisons(tx, store, scope.now, extensions):
        found = await wrong_rows(tx, comparison.mismatched)
        problem = f"customers are members of segment {comparison.segment_id} against its filter, or are missing"
        findings += found_rows(problem, found, scope)
    return findings


async def find_members_of_nothing(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return members of lists and segments that are deleted, unless a job is still to delete them."""
    erased = await subjects_of(tx, scope.store_id, [ERASE], "owner")
    findings: list[Finding] = []
    for members, owner, parent in ((list_members, "list_id", lists), (segment_members, "segment_id", segments)):
        ids = await _ids_of_nothing(tx, scope.store_id, members, owner, parent)
        gone = [f"{owner}={id_}" for id_ in ids if id_ not in erased]
        findings += listed(f"owners of rows of {members.name} are missing", gone, scope.store_id)
    # A segment that was deleted is forgotten with the next step of tracking, for which its mark waits.
    if not await changes.due_marks(tx, scope.store_id, scope.now, 1):
        ids = await _ids_of_nothing(tx, scope.store_id, tracked_segments, "segment_id", segments)
        gone = [f"segment_id={id_}" for id_ in ids]
        findings += listed("tracked segments are missing", gone, scope.store_id)
    return findings


async def _ids_of_nothing(tx: Transaction, store_id: int, members: Table, owner: str, parent: Table) -> Sequence[UUID]:
    """Return each owner that is missing once, by one look at the index for each owner."""
    column = members.c[owner]
    of_store = members.c.store_id == store_id
    first = select(column.label("owner")).where(of_store).order_by(column).limit(1).subquery()
    owners = select(first.c.owner).cte("owners", recursive=True)
    following = select(column).where(of_store, column > owners.c.owner).order_by(column).limit(1)
    owners = owners.union_all(select(following.correlate(owners).scalar_subquery()).where(owners.c.owner.is_not(None)))
    known = exists().where(parent.c.store_id == store_id, parent.c.id == owners.c.owner)
    missing = select(owners.c.owner).where(owners.c.owner.is_not(None), ~known)
    return (await tx.execute(missing)).scalars().all()


def _wrong_counts(scope: CheckScope) -> Rows:
    same = and_(list_members.c.store_id == scope.store_id, list_members.c.list_id == _list.id)
    members = select(func.count()).select_from(list_members).where(same).correlate(lists).scalar_subquery()
    return select(_list.id, _list.count.label("said")).where(_list.store_id == scope.store_id, _list.count != members)


def _without_first(scope: CheckScope) -> Rows:
    return (
        select(_list.segment_id, func.min(_list.number).label("number"))
        .where(_list.store_id == scope.store_id)
        .group_by(_list.segment_id)
        .having(func.min(_list.number) != 1)
    )


def _same_number(scope: CheckScope) -> Rows:
    return (
        select(_list.segment_id, _list.number)
        .where(_list.store_id == scope.store_id)
        .group_by(_list.segment_id, _list.number)
        .having(func.count() > 1)
    )


def _expired_before(scope: CheckScope) -> Rows:
    return select(_list.id).where(_list.store_id == scope.store_id, _list.expires_at < _list.created_at)


async def find_unbuilt_lists(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the lists that are GENERATING though no job builds them."""
    built = await subjects_of(tx, scope.store_id, [BUILD.name], "list")
    generating = _list.status == ListStatus.GENERATING.value
    ids = (await tx.execute(select(_list.id).where(_list.store_id == scope.store_id, generating))).scalars()
    stranded = [f"id={id_}" for id_ in ids if id_ not in built]
    return listed("lists are GENERATING without a job", stranded, scope.store_id)


DATA_CHECKS = (
    DataCheck(
        "schedules",
        "segments with a cycle are due within it",
        "is `muster work` running? Else set the segment's update policy again",
        [
            WrongRows("segments with a cycle that are never due", _never_due),
            WrongRows("segments that are due later than any cycle", _due_too_late),
            WrongRows("segments whose list is overdue", _overdue),
        ],
        each_store=True,
    ),
    DataCheck(
        "memberships",
        "the known members of segments are those whom their filters find",
        "change the segment's filter back and forth: its members are found anew",
        [Examination(find_wrong_members, [segment_memberships])],
        each_store=True,
    ),
    DataCheck(
        "members",
        "the members of lists and segments are of ones that exist",
        "delete the rows that are named",
        [Examination(find_members_of_nothing, [list_members, segment_members, tracked_segments])],
        each_store=True,
    ),
    DataCheck(
        "lists",
        "lists have the members that they count, and numbers of their own",
        "make a new list of the segment, and delete the one that is named",
        [
            WrongRows("lists with another number of members than they say", _wrong_counts),
            WrongRows("segments with lists, but without their first", _without_first),
            WrongRows("numbers that several lists of a segment have", _same_number),
            WrongRows("lists that expired before they were made", _expired_before),
            Examination(find_unbuilt_lists, [lists]),
        ],
        each_store=True,
    ),
)
