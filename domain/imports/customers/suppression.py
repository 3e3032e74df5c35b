"""Finds the rows of customers who were erased: those of files that were sent before are left out, others said no."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from sqlalchemy import delete, select

from domain.consents import suppressions
from domain.customers.objections import EVERY_CHANNEL
from domain.imports import problems
from domain.imports.format import ImportKey
from domain.imports.model import Progress
from domain.imports.tables import import_customers
from domain.kit.db import AnyRow, Transaction
from domain.operations.model import Problem, ProblemOutcome

_LEFT_OUT = "The customer was erased after the file was sent: the row was left out"
_IDENTIFYING = ("external_id", "email", "phone", "contacts")
_AT_ONCE = 10_000
_staged = import_customers.c


@dataclass(frozen=True, slots=True)
class ReturningRows:
    """The numbers of a part's rows whose customers were erased since the file was sent; and of others who said no."""

    erased_since: list[int]
    objecting: list[int]


async def returning_rows(tx: Transaction, key: ImportKey, part: int) -> ReturningRows:
    """Return the part's rows of customers who were erased. The store's numbers must be locked: nobody else is then."""
    returning = ReturningRows([], [])
    if not await suppressions.is_needed(tx, key.store_id):
        return returning
    of_part = (key.matches(_staged), _staged.part == part)
    rows = await tx.execute(select(_staged.row, *(_staged[name] for name in _IDENTIFYING)).where(*of_part))
    hashes = {
        row.row: suppressions.hashes_of(key.suppression_key, key.store_id, row.external_id, _addresses(row))
        for row in rows
    }
    since = await suppressions.said_no(
        tx, key.store_id, (hashed for known_by in hashes.values() for hashed in known_by)
    )
    for number, known_by in hashes.items() if since else ():
        said = [suppression for hashed in known_by & since.keys() for suppression in since[hashed]]
        if any(no.channel == EVERY_CHANNEL and no.since >= key.sent_at for no in said):
            returning.erased_since.append(number)
        elif said:
            returning.objecting.append(number)
    return returning


async def leave_out(tx: Transaction, key: ImportKey, progress: Progress, part: int, rows: list[int]) -> Progress:
    """Delete staged rows, with a problem for each."""
    if not rows:
        return progress
    refused = [Problem(number, _LEFT_OUT, outcome=ProblemOutcome.ROW_REFUSED) for number in sorted(rows)]
    for start in range(0, len(rows), _AT_ONCE):
        left_out = _staged.row.in_(rows[start : start + _AT_ONCE])
        await tx.execute(delete(import_customers).where(key.matches(_staged), _staged.part == part, left_out))
    return await problems.record(tx, key, progress, refused)


def _addresses(row: AnyRow) -> Iterator[str | None]:
    yield from (row.email, row.phone)
    if row.contacts is not None:
        yield from (contact.get("address") for contact in orjson.loads(row.contacts))
