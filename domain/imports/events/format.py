"""Files of events: an event a row, tracked in batches as clients send them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select

from domain.consents import suppressions
from domain.customers.tables import customer_facts, customers
from domain.events.tables import event_counters, event_customers
from domain.events.tables import events as event_rows
from domain.events.types import EVENT_TYPES
from domain.imports import problems
from domain.imports.events.rows import ATTRIBUTE, EventReader, rows_of, staged_event
from domain.imports.format import ImportKey, RowsRefused
from domain.imports.mapping import header_error
from domain.imports.model import ImportKind, Progress
from domain.imports.style import style_of
from domain.imports.tables import import_events
from domain.ingestion import track
from domain.ingestion.model import MAX_BATCH, TrackedEvent
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors
from domain.operations.model import Problem, ProblemOutcome

_CUSTOMER = ("external_id", "email", "phone")
_FIELDS = ("id", "type", *_CUSTOMER, "occurred_at")
_LEFT_OUT = "The customer was erased after the file was sent: the row was left out"
_KNOWN_ATTRIBUTES = frozenset(name for kind in EVENT_TYPES.values() for name in kind.attributes)
_staged = import_events.c


class EventFormat:
    kind = ImportKind.EVENTS
    staging = import_events
    # A batch with a wrong event is tracked without it, which takes a transaction of its own.
    direct = None
    written = (event_rows, event_customers, event_counters, customers, customer_facts)
    names = (*_FIELDS, "attributes.KEY")

    def field(self, name: str) -> str | None:
        prefix, dot, key = name.partition(".")
        if dot and prefix in {"attributes", "data"}:
            if not key.strip():
                raise DomainError("names no attribute")
            return ATTRIBUTE + key.strip()
        if name in _FIELDS:
            return name
        return ATTRIBUTE + name if name in _KNOWN_ATTRIBUTES else None

    def check_columns(self, names: Sequence[str]) -> None:
        missing = next((name for name in ("type", "occurred_at") if name not in names), None)
        if missing is not None:
            raise header_error(f"The column {missing!r} is missing: events need type, occurred_at and a customer")
        if not set(_CUSTOMER) & set(names):
            raise header_error("Events need a column external_id, email or phone: whose are they?")

    async def reader(self, tx: Transaction, key: ImportKey, progress: Progress) -> EventReader:
        return EventReader(key, progress, await style_of(tx, key, progress), tx.dialect)

    async def complete(
        self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime, *, dry_run: bool
    ) -> Progress:
        return progress

    async def merge_next(self, tx: Transaction, key: ImportKey, progress: Progress, now: datetime) -> Progress | None:
        """Track the next of the events. Raise RowsRefused where some cannot be: nothing is tracked then."""
        batch = (
            select(_staged.row, _staged.event)
            .where(key.matches(_staged), _staged.row > progress.merged_row)
            .order_by(_staged.row)
            .limit(MAX_BATCH)
        )
        rows = (await tx.execute(batch)).all()
        if not rows:
            return None
        numbers = [row.row for row in rows]
        events = [staged_event(row.event) for row in rows]
        if await suppressions.is_needed(tx, key.store_id):
            erased = await _erased_since(tx, key, dict(zip(numbers, events, strict=True)))
            if erased:
                raise RowsRefused(dict.fromkeys(erased, _LEFT_OUT))
        try:
            result = await track.track(tx, key.store_id, events, now)
        except DomainErrors as errors:
            raise RowsRefused(rows_of(numbers, errors.errors)) from errors
        await suppressions.heed(tx, key.suppression_key, key.store_id, sorted(result.added), now)
        return replace(progress, merged_row=numbers[-1], merged_rows=progress.merged_rows + len(rows))

    async def refuse(self, tx: Transaction, key: ImportKey, progress: Progress, refused: RowsRefused) -> Progress:
        """Leave rows out, with a problem for each."""
        numbers = sorted(refused.messages)
        rows = await tx.execute(
            select(_staged.row, _staged.event).where(key.matches(_staged), _staged.row.in_(numbers))
        )
        refusals = [
            Problem(row.row, refused.messages[row.row], _subject(key, row.event), outcome=ProblemOutcome.ROW_REFUSED)
            for row in rows
        ]
        refusals.sort(key=lambda problem: problem.row or 0)
        await tx.execute(delete(import_events).where(key.matches(_staged), _staged.row.in_(numbers)))
        return await problems.record(tx, key, progress, refusals)


async def _erased_since(tx: Transaction, key: ImportKey, events: dict[int, TrackedEvent]) -> list[int]:
    """Return the rows whose customers were erased since the file was sent."""
    hashes = {number: _hashes(key, event) for number, event in events.items()}
    return await suppressions.erased_since(tx, key.store_id, hashes, key.sent_at)


def _hashes(key: ImportKey, event: TrackedEvent) -> set[bytes]:
    customer = event.customer
    return suppressions.hashes_of(
        key.suppression_key, key.store_id, customer.external_id, [customer.email, customer.phone]
    )


def _subject(key: ImportKey, event: str) -> bytes | None:
    return next(iter(_hashes(key, staged_event(event))), None)
