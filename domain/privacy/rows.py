"""Finds a person's rows by keys and indexes alone, to erase them or to read them page by page."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, RowMapping, and_, delete, literal, select, tuple_, update

from domain.kit.db import Database, Transaction
from domain.privacy.inventory import Erasure, PersonalTable

PAGE = 1_000
_OWNERS_AT_ONCE = 1_000
Condition = ColumnElement[bool]


async def erase(tx: Transaction, store_id: int, customer_id: int, declared: Iterable[PersonalTable]) -> None:
    """Delete or clear the person's rows in these tables, as each is declared."""
    for entry in declared:
        for rows in await _of_person(tx, entry, store_id, customer_id):
            if entry.erasure is Erasure.DELETED:
                await tx.execute(delete(entry.table).where(*rows))
            elif entry.erasure is Erasure.CLEARED:
                await tx.execute(update(entry.table).where(*rows).values(dict(entry.cleared or {})))


async def pages(
    database: Database, entry: PersonalTable, store_id: int, customer_id: int
) -> AsyncGenerator[list[dict[str, object]]]:
    """Yield the person's rows in the table, at most `PAGE` at a time, as their export has them."""
    async with database.read() as tx:
        batches = await _of_person(tx, entry, store_id, customer_id)
    for rows in batches:
        last: RowMapping | None = None
        while True:
            async with database.read() as tx:
                page = (await tx.execute(_page(entry, rows, last))).mappings().all()
            if page:
                yield [_values(entry, row) for row in page]
            if len(page) < PAGE:
                break
            last = page[-1]


async def _of_person(
    tx: Transaction, entry: PersonalTable, store_id: int, customer_id: int
) -> list[tuple[Condition, ...]]:
    """Return conditions that together select the person's rows, each by a key or an index."""
    columns = entry.table.c
    own = (columns.store_id == store_id, columns[entry.customer] == customer_id)
    if entry.owners is None:
        return [own]
    owners: Sequence[Any]
    if isinstance(entry.owners, Column):
        table: Any = entry.owners.table
        owners = list((await tx.execute(select(entry.owners).where(table.c.store_id == store_id))).scalars())
    else:
        owners = entry.owners
    return [
        (*own, columns[entry.owner].in_(owners[start : start + _OWNERS_AT_ONCE]))
        for start in range(0, len(owners), _OWNERS_AT_ONCE)
    ]


def _page(entry: PersonalTable, rows: tuple[Condition, ...], last: RowMapping | None) -> Any:
    keys = _keys(entry)
    statement = select(entry.table).where(*rows).order_by(*keys)
    reference = entry.reference
    if reference is not None:
        named = reference.table
        same = and_(named.c.store_id == entry.table.c.store_id, named.c.id == entry.table.c[reference.column])
        statement = statement.outerjoin(named, same).add_columns(named.c[reference.value].label(reference.name))
    if last is not None:
        behind = tuple_(*keys) > tuple_(*(literal(last[key.name], key.type) for key in keys))
        statement = statement.where(behind)
    return statement.limit(PAGE)


def _keys(entry: PersonalTable) -> list[Column[Any]]:
    """Return what orders the person's rows: the columns of the key but for the store's and the person's."""
    return [column for column in entry.table.primary_key if column.name not in {"store_id", entry.customer}]


def _values(entry: PersonalTable, row: RowMapping) -> dict[str, object]:
    hidden = {"store_id"} if entry.customer == "id" else {"store_id", entry.customer}
    hidden |= set(entry.derived.split())
    return {str(name): value for name, value in row.items() if name not in hidden and value is not None}
