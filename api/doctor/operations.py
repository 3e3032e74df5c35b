"""Checks of operations, of the files that they make, and of imports."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import and_, exists, func, or_, select

from api.doctor.check import CheckScope, DataCheck, Examination, Rows, WrongRows
from api.doctor.findings import Finding, listed
from api.doctor.payloads import subjects_of
from api.workers.handlers import JOB_KINDS, MAKE_FILES
from domain.imports.tables import imports, uploads
from domain.kit.db import Transaction
from domain.operations.actions import unowned_files
from domain.operations.files import VALIDITY
from domain.operations.model import OperationStatus
from domain.operations.tables import operation_problems, operations

_operation, _import, _upload, _problem = operations.c, imports.c, uploads.c, operation_problems.c
_UNFINISHED = (OperationStatus.QUEUED.value, OperationStatus.RUNNING.value)
# A file that has not come whole by then does not come.
_UPLOAD = timedelta(hours=1)


async def find_stranded(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return operations that wait or run though no job works on them, and whose file is not on its way."""
    worked_on = await subjects_of(tx, scope.store_id, JOB_KINDS.keys(), "operation")
    waits_for_file = exists().where(_import.store_id == scope.store_id, _import.operation_id == _operation.id)
    rows = await tx.execute(
        select(_operation.id, _operation.kind, _operation.created_at, waits_for_file.label("waits"))
        .where(_operation.store_id == scope.store_id, _operation.status.in_(_UNFINISHED))
        .order_by(_operation.id)
    )
    stranded: list[str] = []
    incomplete: list[str] = []
    for row in rows:
        if row.id in worked_on:
            continue
        if not row.waits:
            stranded.append(f"id={row.id} {row.kind}")
        elif row.created_at < scope.now - _UPLOAD:
            incomplete.append(f"id={row.id} {row.kind}")
    return [
        *listed("operations wait or run without a job", stranded, scope.store_id),
        *listed("uploads have not come whole in an hour, and have no job", incomplete, scope.store_id),
    ]


async def find_kept_imports(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return imports whose rows are still staged though their operation has ended."""
    worked_on = await subjects_of(tx, scope.store_id, JOB_KINDS.keys(), "operation")
    same = and_(_operation.store_id == scope.store_id, _operation.id == _import.operation_id)
    ended = _operation.status.not_in(_UNFINISHED)
    statement = select(_import.operation_id).join(operations, same).where(_import.store_id == scope.store_id, ended)
    ids = (await tx.execute(statement.order_by(_import.operation_id))).scalars()
    kept = [f"operation_id={id_}" for id_ in ids if id_ not in worked_on]
    return listed("imports have ended, and their files are still there", kept, scope.store_id)


def _without_end(scope: CheckScope) -> Rows:
    is_unfinished = _operation.status.in_(_UNFINISHED)
    is_wrong = or_(
        and_(is_unfinished, _operation.finished_at.is_not(None)),
        and_(~is_unfinished, _operation.finished_at.is_(None)),
        _operation.finished_at < _operation.created_at,
    )
    return select(_operation.id, _operation.status).where(_operation.store_id == scope.store_id, is_wrong)


def _wrong_progress(scope: CheckScope) -> Rows:
    is_done = _operation.status == OperationStatus.DONE.value
    is_wrong = or_(_operation.done < 0, _operation.total < 0, and_(is_done, _operation.done != _operation.total))
    keys = (_operation.id, _operation.done, _operation.total)
    return select(*keys).where(_operation.store_id == scope.store_id, is_wrong, _operation.total.is_not(None))


def _wrong_bytes(scope: CheckScope) -> Rows:
    of_import = (_upload.store_id == scope.store_id, _upload.operation_id == _import.operation_id)
    size = func.coalesce(func.sum(func.length(_upload.content)), 0)
    uploaded = select(size).where(*of_import).correlate(imports).scalar_subquery()
    of_store = _import.store_id == scope.store_id
    return select(_import.operation_id, _import.bytes).where(of_store, _import.bytes != uploaded)


def _with_gaps(scope: CheckScope) -> Rows:
    return (
        select(_upload.operation_id, func.count().label("pieces"), func.max(_upload.number).label("last"))
        .where(_upload.store_id == scope.store_id)
        .group_by(_upload.operation_id)
        .having(func.count() != func.max(_upload.number))
    )


def _unnumbered_problems(scope: CheckScope) -> Rows:
    return (
        select(_problem.operation_id, func.count().label("problems"), func.max(_problem.number).label("last"))
        .where(_problem.store_id == scope.store_id)
        .group_by(_problem.operation_id)
        .having(func.count() != func.max(_problem.number))
    )


async def find_missing_files(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the operations that can still be downloaded, but for their file."""
    is_valid = _operation.finished_at > scope.now - VALIDITY
    rows = await tx.execute(
        select(_operation.store_id, _operation.id, _operation.file)
        .where(_operation.store_id == scope.store_id, _operation.file.is_not(None), is_valid)
        .order_by(_operation.id)
    )
    path = scope.runtime.services.files.path
    files = [(f"id={row.id} {row.file!r}", path(row.file)) for row in rows]
    missing = await asyncio.to_thread(lambda: [name for name, file in files if not file.is_file()])
    return listed("operations have lost their file", missing, scope.store_id)


async def find_unowned_files(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    names = await unowned_files(tx, scope.runtime.services.files, MAKE_FILES)
    return listed("files are no operation's", names, warning=True)


DATA_CHECKS = (
    DataCheck(
        "operations",
        "what runs has a job, and what has ended says when",
        "set the operation FAILED with a finished_at, and start it again",
        [
            Examination(find_stranded, [operations]),
            WrongRows("operations have ended without a time, or go on in spite of one", _without_end),
            WrongRows("operations have done more or less than all", _wrong_progress),
            WrongRows("operations with gaps in the numbers of their problems", _unnumbered_problems),
        ],
        each_store=True,
    ),
    DataCheck(
        "imports",
        "files are there from end to end, and gone with their import",
        "send the file again; delete the rows of imports and uploads that are named",
        [
            Examination(find_kept_imports, [imports]),
            WrongRows("imports with files of another length than they say", _wrong_bytes),
            WrongRows("uploads with gaps between their pieces", _with_gaps),
        ],
        each_store=True,
    ),
    DataCheck(
        "files",
        "every file of MUSTER_FILES_DIR is an operation's, and the other way round",
        "have all machines share the directory; have `muster work` run, which deletes what is left over",
        [Examination(find_unowned_files, [operations])],
    ),
    DataCheck(
        "downloads",
        "what can be downloaded is there",
        "have all machines share MUSTER_FILES_DIR, or make the export again",
        [Examination(find_missing_files, [operations])],
        each_store=True,
    ),
)
