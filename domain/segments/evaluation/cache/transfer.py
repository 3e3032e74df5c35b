"""Fetch many ids from the database at once, as bitmaps."""

import sys
from array import array
from collections.abc import Sequence
from typing import Any

import orjson
from pyroaring import BitMap
from sqlalchemy import ColumnElement, Integer, LargeBinary, Select, cast, func, literal_column, select

from domain.kit.db import Transaction

# A bitmap's numbers have 32 bits; PostgreSQL's integer has 31 of them.
LARGEST = 2**31 - 1


class TooManyIds(Exception):
    """So many ids are better counted by the database."""


async def fetch_bitmap(tx: Transaction, ids: Select[Any], max_ids: int) -> BitMap:
    """Return the ids that a statement selects. Raise TooManyIds when there are more than `max_ids`."""
    limited = ids.limit(max_ids + 1).subquery("found")
    return _bitmap(await tx.scalar(select(_packed(limited.c[0], tx.dialect))), max_ids)


async def fetch_bitmaps(
    tx: Transaction,
    rows: Select[Any],
    customer: ColumnElement[int],
    predicates: Sequence[ColumnElement[bool]],
    max_ids: int,
) -> list[BitMap]:
    """Return the ids that match each predicate, by one scan of the rows. Raise TooManyIds as `fetch_bitmap` does."""
    columns = [_packed(customer, tx.dialect).filter(predicate) for predicate in predicates]
    row = (await tx.execute(rows.with_only_columns(*columns))).one()
    return [_bitmap(packed, max_ids) for packed in row]


def _packed(customer: ColumnElement[Any], dialect: str) -> Any:
    if dialect == "postgresql":
        encoded = func.int4send(cast(customer, Integer()), type_=LargeBinary())
        return func.string_agg(encoded, literal_column("''::bytea"), type_=LargeBinary())
    return func.json_group_array(customer)


def _bitmap(packed: bytes | str | None, max_ids: int) -> BitMap:
    if not packed:
        return BitMap()
    numbers = array("I")
    if isinstance(packed, str):
        numbers.extend(orjson.loads(packed))
    else:
        numbers.frombytes(packed)
        if sys.byteorder == "little":
            numbers.byteswap()
    if len(numbers) > max_ids:
        raise TooManyIds
    bitmap = BitMap(numbers)
    bitmap.run_optimize()
    bitmap.shrink_to_fit()
    return bitmap
