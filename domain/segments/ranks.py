"""Store the order of a dimension's values, as a store ranks them: Bronze, Silver, Gold."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select

from domain import changes
from domain.changes import ChangeKind
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.kit.values import ValueType
from domain.segments.catalogue import Catalogue, Ranks, can_be_ranked
from domain.segments.catalogue.entries import near
from domain.segments.language.values import InvalidValue, quoted, read_value
from domain.segments.tables import value_ranks
from domain.stores import queries as stores

MAX_VALUES = 100
MAX_LENGTH = 200


async def of(tx: Transaction, store_id: int) -> Ranks:
    """Return the ranked values of each dimension, from the lowest to the highest."""
    ranks: defaultdict[str, list[str]] = defaultdict(list)
    for row in await tx.execute(_OF_STORE, {"store": store_id}):
        ranks[row.dimension].append(row.value)
    return {dimension: tuple(values) for dimension, values in ranks.items()}


_OF_STORE = (
    select(value_ranks.c.dimension, value_ranks.c.value)
    .where(value_ranks.c.store_id == bindparam("store"))
    .order_by(value_ranks.c.dimension, value_ranks.c.rank)
)


async def replace(tx: Transaction, store_id: int, catalogue: Catalogue, key: str, values: Sequence[str]) -> None:
    """Replace a dimension's ranks, the lowest first; no values delete them. Raise DomainError.

    Segments that compare by them are evaluated again.
    """
    dimension = catalogue.dimensions.get(key)
    if dimension is None:
        message = f"There is no dimension {key[:100]!r}{near(key[:100], catalogue.dimensions)}"
        raise DomainError(message, field=("dimension",), code=ErrorCode.NOT_FOUND)
    if not can_be_ranked(dimension):
        rankable = ", ".join(entry.key for entry in catalogue.dimensions.values() if can_be_ranked(entry))
        raise DomainError(f"The values of {key} have no ranks: choose of {rankable}", field=("dimension",))
    for index, value in enumerate(values):
        text = read_value(ValueType.STRING, value)
        if isinstance(text, InvalidValue):
            raise DomainError(f"{quoted(value)} {text.reason}", field=("values", index))
        if len(value) > MAX_LENGTH:
            message = f"{quoted(value)} has {len(value)} characters: {MAX_LENGTH} at most"
            raise DomainError(message, field=("values", index))
    if len(values) > MAX_VALUES:
        message = f"There are {len(values)} values: {MAX_VALUES} at most"
        raise DomainError(message, field=("values",), code=ErrorCode.LIMIT_EXCEEDED)
    for index, value in enumerate(values):
        if value in values[:index]:
            raise DomainError(f"{quoted(value)} is there twice", field=("values", index), code=ErrorCode.TAKEN)
    # Two at a time would each add rows that the other does not see.
    await stores.lock(tx, store_id)
    await tx.execute(
        delete(value_ranks).where(value_ranks.c.store_id == store_id, value_ranks.c.dimension == dimension.key)
    )
    rows = [
        {"store_id": store_id, "dimension": dimension.key, "value": value, "rank": rank}
        for rank, value in enumerate(values)
    ]
    if rows:
        await tx.execute(insert(value_ranks), rows)
    await changes.record_store_change(tx, store_id, ChangeKind.PROFILE)
