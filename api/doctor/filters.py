"""The check of segments' filters: each can be read, and asks for what its store has."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import select

from api.doctor.check import CheckScope, DataCheck, Examination
from api.doctor.findings import Finding, listed, printable
from api.doctor.unreadable import readable
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.segments import queries
from domain.segments.evaluation.resolve import select_ids_of_each
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import segments
from domain.stores import queries as stores


async def find_unusable_filters(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return the segments that cannot be read, or ask for what the store does not have."""
    timezone = await stores.timezone_of(tx, scope.store_id)
    filter_scope = FilterScope(scope.store_id, timezone, scope.now, scope.dialect)
    extensions = scope.runtime.services.extensions
    of_store = select(segments.c.id).where(segments.c.store_id == scope.store_id)
    ids = (await tx.execute(of_store)).scalars().all()
    unreadable: list[str] = []
    outdated: list[str] = []
    async for batch in readable(ids, partial(queries.by_ids, tx, scope.store_id), unreadable):
        try:
            answers = await select_ids_of_each(tx, batch, filter_scope, extensions)
        except Exception as error:  # noqa: BLE001 - what one of them refers to breaks; that one is named by itself
            outdated.append(printable(f"some of {len(batch)}: {type(error).__name__}: {error}"))
            continue
        outdated += [
            printable(f"id={segment.id} {answer.message}")
            for segment, answer in zip(batch, answers, strict=True)
            if isinstance(answer, DomainError)
        ]
    return [
        *listed("segments cannot be read", unreadable, scope.store_id),
        *listed("segments ask for what is not there", outdated, scope.store_id),
    ]


DATA_CHECKS = (
    DataCheck(
        "filters",
        "the filters of segments can be read, and ask for what the store has",
        "write the segment's filter anew with segmentUpdate",
        [Examination(find_unusable_filters, [segments])],
        each_store=True,
    ),
)
