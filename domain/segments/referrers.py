"""Segments whose filters refer to a segment or to a list, which is not deleted before they are changed."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Text, cast, false, func, or_, select

from domain.kit.db import Transaction
from domain.segments.codec import definition
from domain.segments.filters import memberships
from domain.segments.tables import lists, segments

# Each ID is two comparisons of a statement; SQLite takes 1,000 in one expression.
_BATCH_SIZE = 200


async def of_segment(tx: Transaction, store_id: int, segment_id: UUID) -> list[str]:
    """Return the names of the segments that refer to the segment, or to a list of it."""
    list_ids = await tx.execute(
        select(lists.c.id).where(lists.c.store_id == store_id, lists.c.segment_id == segment_id)
    )
    return await _names(tx, store_id, [segment_id, *list_ids.scalars()])


async def of_list(tx: Transaction, store_id: int, list_id: UUID) -> list[str]:
    """Return the names of the segments that refer to the list."""
    return await _names(tx, store_id, [list_id])


async def naming(tx: Transaction, store_id: int, texts: Collection[str]) -> list[str]:
    """Return the names of the segments whose filters hold one of the texts, which are in lower case."""
    columns = [func.lower(cast(column, Text)) for column in (segments.c.include, segments.c.exclude)]
    holds = or_(false(), *(column.contains(text, autoescape=True) for text in sorted(texts) for column in columns))
    of_store = segments.c.store_id == store_id
    return list((await tx.execute(select(segments.c.name).where(of_store, holds).order_by(segments.c.name))).scalars())


async def _names(tx: Transaction, store_id: int, ids: Sequence[UUID]) -> list[str]:
    names: set[str] = set()
    for start in range(0, len(ids), _BATCH_SIZE):
        batch = ids[start : start + _BATCH_SIZE]
        # The text of a filter holds the IDs that it refers to: rows of segments that refer to none are not read.
        texts = [cast(column, Text) for column in (segments.c.include, segments.c.exclude)]
        mentions = (text.contains(str(id_)) for id_ in batch for text in texts)
        rows = await tx.execute(
            select(segments.c.name, segments.c.include, segments.c.exclude).where(
                segments.c.store_id == store_id, or_(*mentions)
            )
        )
        for row in rows:
            filters = definition(row.include, row.exclude)
            trees = [tree for tree in (filters.include, filters.exclude) if tree is not None]
            conditions = (membership for tree in trees for _, membership in memberships(tree))
            # A value of another condition may be the text of an ID too.
            if any(membership.segment_id in batch or membership.list_id in batch for membership in conditions):
                names.add(row.name)
    return sorted(names)
