"""Where customers came from: the page and the campaign of their first visit."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from domain import changes
from domain.changes import ChangeKind
from domain.customers.tables import customer_origins
from domain.events.model import Event
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into

VISIT = "visit"
_NEVER = datetime.max.replace(tzinfo=UTC)
_SAID = {"landing_page": 500, "referrer": 500, "utm_source": 200, "utm_medium": 200, "utm_campaign": 200}


async def record_first_visits(tx: Transaction, store_id: int, entries: Iterable[Event]) -> None:
    """A visit that came in late is the first one, when it is."""
    first = _first(entries)
    known = await _known(tx, store_id, list(first)) if first else {}
    earlier = {whose: entry for whose, entry in first.items() if entry.occurred_at < known.get(whose, _NEVER)}
    if not earlier:
        return
    statement = insert_into(customer_origins, tx.dialect)
    given = {name: statement.excluded[name] for name in ("at", *_SAID)}
    rows = [_row(store_id, entry) for entry in earlier.values()]
    await tx.execute(statement.on_conflict_do_update(index_elements=["store_id", "customer_id"], set_=given), rows)
    await changes.record_change(tx, store_id, ChangeKind.PROFILE, earlier)


def _first(entries: Iterable[Event]) -> dict[int, Event]:
    """Each customer's first visit of these."""
    found: dict[int, Event] = {}
    for entry in entries:
        if entry.type == VISIT:
            had = found.get(entry.customer_id)
            found[entry.customer_id] = entry if had is None else min(had, entry, key=_when)
    return found


async def _known(tx: Transaction, store_id: int, whose: Sequence[int]) -> dict[int, datetime]:
    had = customer_origins.c
    rows = await tx.execute(select(had.customer_id, had.at).where(had.store_id == store_id, had.customer_id.in_(whose)))
    return {row.customer_id: row.at for row in rows}


def _when(entry: Event) -> tuple[datetime, str]:
    return entry.occurred_at, entry.id


def _row(store_id: int, entry: Event) -> dict[str, object]:
    """A visit without a landing page of its own began where it was."""
    said = {"landing_page": entry.attributes.get("page"), **entry.attributes}
    cut = {name: (str(said[name])[:longest] if said.get(name) else None) for name, longest in _SAID.items()}
    return {"store_id": store_id, "customer_id": entry.customer_id, "at": entry.occurred_at, **cut}
