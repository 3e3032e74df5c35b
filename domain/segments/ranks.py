"""The order of a dimension's values, as the store has put it: Bronze, Silver, Gold."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from domain import changes
from domain.changes import ChangeKind
from domain.customers.tables import value_ranks
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.kit.values import ValueType
from domain.segments.catalogue import Catalogue, DimensionEntry, Ranks, can_be_ranked
from domain.segments.catalogue.entries import near
from domain.segments.language.values import Wrong, read_value, shown

VALUES = 100
LENGTH = 200


async def of(tx: Transaction, store_id: int) -> Ranks:
    rows = value_ranks.c
    found = select(rows.dimension, rows.value).where(rows.store_id == store_id).order_by(rows.dimension, rows.rank)
    ranks: defaultdict[str, list[str]] = defaultdict(list)
    for dimension, value in await tx.execute(found):
        ranks[dimension].append(value)
    return {dimension: tuple(values) for dimension, values in ranks.items()}


async def put(tx: Transaction, store_id: int, catalogue: Catalogue, key: str, values: Sequence[str]) -> None:
    """The lowest first; no value takes the order away. Segments that compare by it are looked at again."""
    dimension = _dimension(catalogue, key)
    checked = [_checked(value, at) for at, value in enumerate(values)]
    _check_all(checked)
    owned = (value_ranks.c.store_id == store_id, value_ranks.c.dimension == dimension.key)
    await tx.execute(delete(value_ranks).where(*owned))
    rows = [
        {"store_id": store_id, "dimension": dimension.key, "value": value, "rank": rank}
        for rank, value in enumerate(checked)
    ]
    if rows:
        await tx.execute(insert(value_ranks), rows)
    await changes.record_store_change(tx, store_id, ChangeKind.PROFILE)


def _dimension(catalogue: Catalogue, key: str) -> DimensionEntry:
    found = catalogue.dimensions.get(key)
    if found is None:
        message = f"There is no dimension {key[:100]!r}{near(key[:100], catalogue.dimensions)}"
        raise DomainError(message, field=("dimension",), code=ErrorCode.NOT_FOUND)
    if not can_be_ranked(found):
        known = ", ".join(each.key for each in catalogue.dimensions.values() if can_be_ranked(each))
        raise DomainError(f"The values of {key} have no ranks: choose of {known}", field=("dimension",))
    return found


def _checked(value: str, at: int) -> str:
    read = read_value(ValueType.STRING, value)
    if isinstance(read, Wrong):
        raise DomainError(f"{shown(value)} {read.why}", field=("values", at))
    if len(value) > LENGTH:
        raise DomainError(f"{shown(value)} has {len(value)} characters: {LENGTH} at most", field=("values", at))
    return value


def _check_all(values: Sequence[str]) -> None:
    if len(values) > VALUES:
        message = f"There are {len(values)} values: {VALUES} at most"
        raise DomainError(message, field=("values",), code=ErrorCode.LIMIT_EXCEEDED)
    for at, value in enumerate(values):
        if value in values[:at]:
            raise DomainError(f"{shown(value)} is there twice", field=("values", at), code=ErrorCode.TAKEN)
