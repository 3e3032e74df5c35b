"""Writes a batch of rows: customers who are new straight into their tables, those who are known by way of staging."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import delete

from domain.customers import identity, queries, writes
from domain.customers.identity import Identifiers
from domain.customers.model import Consent, PropertyDefinition
from domain.imports import copy
from domain.imports.customers import additions, merge, suppression
from domain.imports.customers.objectors import Objectors
from domain.imports.customers.part import Part
from domain.imports.format import DirectRows, ImportKey, WrittenRows
from domain.imports.tables import import_customers, import_matches
from domain.kit.db import Transaction

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """The frame of a batch's rows: their import, whose staged columns are `names` and whose file has `columns`."""

    key: ImportKey
    names: Sequence[str]
    columns: Sequence[str]
    definitions: Mapping[str, PropertyDefinition]
    # Numbers of rows whose customers are known to have said no, whatever the file says.
    objecting: frozenset[int]
    now: datetime
    objectors: Objectors = field(default_factory=Objectors)

    def place(self, name: str) -> int:
        return self.names.index(name)


async def write(tx: Transaction, key: ImportKey, direct: DirectRows, now: datetime) -> WrittenRows:
    """Write the rows, with a problem for each that is left out."""
    staged = direct.staged
    # Nobody adds a customer or erases one from here on until the transaction ends.
    await writes.take_numbers(tx, key.store_id, 0)
    names = staged.columns
    number, part = names.index("row"), names.index("part")
    identifying = [names.index(name) for name in ("row", *suppression.IDENTIFYING)]
    returning = await suppression.returning_rows(
        tx, key, ([row[place] for place in identifying] for row in staged.rows)
    )
    left_out = frozenset(returning.erased_since)
    rows: Iterable[Row] = (row for row in staged.rows if row[number] not in left_out) if left_out else staged.rows
    definitions = {definition.key: definition for definition in await queries.definitions(tx, key.store_id)}
    batch = _Batch(key, names, direct.columns, definitions, frozenset(returning.objecting), now)
    for _, turn in groupby(sorted(rows, key=itemgetter(part)), itemgetter(part)):
        pending = list(turn)
        while pending:
            pending = await _write_turn(tx, batch, pending)
    await batch.objectors.save(tx, key, now)
    return WrittenRows(direct.carried, suppression.refusals(returning.erased_since))


async def _write_turn(tx: Transaction, batch: _Batch, rows: Sequence[Row]) -> list[Row]:
    """Write rows that name no customer twice, and return those of customers whom an earlier one turned out to be of."""
    store_id = batch.key.store_id
    places = [batch.place(name) for name in ("external_id", "email", "phone")]
    known_ids = await identity.find(tx, store_id, [Identifiers(*(row[place] for place in places)) for row in rows])
    new_rows: list[Row] = []
    known_rows: dict[int, Row] = {}
    repeated: list[Row] = []
    for row, known_id in zip(rows, known_ids, strict=True):
        if known_id is None:
            new_rows.append(row)
        elif known_id in known_rows:
            repeated.append(row)
        else:
            known_rows[known_id] = row
    if new_rows:
        ids = await additions.add(tx, batch.key, batch.names, new_rows, batch.definitions, batch.now)
        _note_returning(batch, zip(ids, new_rows, strict=True))
        own, place = [batch.place(name) for name in ("email", "phone")], batch.place("contacts")
        for customer_id, row in zip(ids, new_rows, strict=True):
            if row[place] and Consent.UNSUBSCRIBED in row[place]:
                batch.objectors.add_new(customer_id, [row[at] for at in own], row[place], batch.now)
    if known_rows:
        await _merge(tx, batch, known_rows)
        _note_returning(batch, known_rows.items())
    return repeated


async def _merge(tx: Transaction, batch: _Batch, known_rows: Mapping[int, Row]) -> None:
    """Merge the rows of customers whom the store has, by their ids."""
    operation_key = copy.key_of(batch.key.operation_id, tx.dialect)
    number, rows = batch.place("row"), list(known_rows.values())
    matches = [(batch.key.store_id, operation_key, row[number], id_, 0) for id_, row in known_rows.items()]
    await copy.put(tx, import_customers, batch.names, rows)
    await copy.put(tx, import_matches, import_matches.c.keys(), matches)
    await merge.merge_known(
        tx, Part(batch.key, rows[0][batch.place("part")]), batch.columns, batch.now, batch.objectors
    )
    for table in (import_matches, import_customers):
        await tx.execute(delete(table).where(batch.key.matches(table.c)))


def _note_returning(batch: _Batch, rows_by_id: Iterable[tuple[int, Row]]) -> None:
    if batch.objecting:
        number = batch.place("row")
        batch.objectors.returning += [id_ for id_, row in rows_by_id if row[number] in batch.objecting]
