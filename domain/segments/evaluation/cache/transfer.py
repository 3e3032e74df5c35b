"""Bringing many ids out of the database at once, as bitmaps."""

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
# Four bytes each on their way.
AT_MOST = 5_000_000


class TooManyIds(Exception):
    """So many ids are better counted where they are."""


async def fetched(tx: Transaction, ids: Select[Any]) -> BitMap:
    """Whom a select of ids finds."""
    found = ids.limit(AT_MOST + 1).subquery("found")
    return _bitmap(await tx.scalar(select(_packed(found.c[0], tx.dialect))))


async def fetched_each(
    tx: Transaction, rows: Select[Any], customer: ColumnElement[int], predicates: Sequence[ColumnElement[bool]]
) -> list[BitMap]:
    """Of whom each predicate holds, by one look at the rows."""
    packed = [_packed(customer, tx.dialect).filter(predicate) for predicate in predicates]
    row = (await tx.execute(rows.with_only_columns(*packed))).one()
    return [_bitmap(each) for each in row]


def _packed(customer: ColumnElement[Any], dialect: str) -> Any:
    if dialect == "postgresql":
        sent = func.int4send(cast(customer, Integer()), type_=LargeBinary())
        return func.string_agg(sent, literal_column("''::bytea"), type_=LargeBinary())
    return func.json_group_array(customer)


def _bitmap(packed: bytes | str | None) -> BitMap:
    if not packed:
        return BitMap()
    numbers = array("I")
    if isinstance(packed, str):
        numbers.extend(orjson.loads(packed))
    else:
        numbers.frombytes(packed)
        if sys.byteorder == "little":
            numbers.byteswap()
    if len(numbers) > AT_MOST:
        raise TooManyIds
    found = BitMap(numbers)
    found.run_optimize()
    found.shrink_to_fit()
    return found
