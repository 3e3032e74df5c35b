"""Finds the rows of customers who were erased: those of files that were sent before are left out, others said no."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import delete, select

from domain.consents import suppressions
from domain.customers.objections import EVERY_CHANNEL
from domain.imports import problems
from domain.imports.format import ImportKey
from domain.imports.model import Progress
from domain.imports.tables import import_customers
from domain.kit.db import Transaction
from domain.operations.model import Problem, ProblemOutcome

_LEFT_OUT = "The customer was erased after the file was sent: the row was left out"
IDENTIFYING = ("external_id", "email", "phone", "contacts")
_AT_ONCE = 10_000
_staged = import_customers.c


@dataclass(frozen=True, slots=True)
class ReturningRows:
    """The numbers of a part's rows whose customers were erased since the file was sent; and of others who said no."""

    erased_since: list[int]
    objecting: list[int]


async def staged_rows(tx: Transaction, key: ImportKey, part: int) -> ReturningRows:
    """Return the staged rows of a part whose customers were erased. The store's numbers must be locked."""
    if not await suppressions.is_needed(tx, key.store_id):
        return ReturningRows([], [])
    of_part = (key.matches(_staged), _staged.part == part)
    rows = select(_staged.row, *(_staged[name] for name in IDENTIFYING)).where(*of_part)
    return await returning_rows(tx, key, (await tx.execute(rows)).all())


async def returning_rows(tx: Transaction, key: ImportKey, rows: Iterable[Sequence[Any]]) -> ReturningRows:
    """Return those of the rows whose customers were erased; each row is its number and what is `IDENTIFYING`.

    The store's numbers must be locked: nobody else is erased then.
    """
    returning = ReturningRows([], [])
    if not await suppressions.is_needed(tx, key.store_id):
        return returning
    hashes = {
        number: suppressions.hashes_of(
            key.suppression_key, key.store_id, external_id, _addresses(email, phone, row_contacts)
        )
        for number, external_id, email, phone, row_contacts in rows
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


def refusals(rows: Iterable[int]) -> list[Problem]:
    """Return a problem for each row that is left out, in the order of the file."""
    return [Problem(number, _LEFT_OUT, outcome=ProblemOutcome.ROW_REFUSED) for number in sorted(rows)]


async def leave_out(tx: Transaction, key: ImportKey, progress: Progress, part: int, rows: list[int]) -> Progress:
    """Delete staged rows, with a problem for each."""
    if not rows:
        return progress
    for start in range(0, len(rows), _AT_ONCE):
        left_out = _staged.row.in_(rows[start : start + _AT_ONCE])
        await tx.execute(delete(import_customers).where(key.matches(_staged), _staged.part == part, left_out))
    return await problems.record(tx, key, progress, refusals(rows))


def _addresses(email: str | None, phone: str | None, row_contacts: str | None) -> Iterator[str | None]:
    yield from (email, phone)
    if row_contacts is not None:
        yield from (contact.get("address") for contact in orjson.loads(row_contacts))
