"""The log of events and its counters are written together, and compared."""

from datetime import timedelta

import pytest
from sqlalchemy import Table, delete, func, literal, select, update

from domain.events import counters, log
from domain.events.model import Event
from domain.events.tables import event_counters, events
from domain.kit.db import Database
from tests.factories import NOW


@pytest.mark.parametrize("table", [events, event_counters])
async def test_a_counter_that_is_not_a_count_of_the_events_is_a_mismatch(
    database: Database, store_id: int, table: Table
) -> None:
    entries = [Event(f"e{number}", number % 3 + 1, "visit", NOW + timedelta(hours=number)) for number in range(6)]
    async with database.write() as tx:
        await log.append(tx, store_id, entries, NOW)
        assert await counters.mismatches(tx, store_id) == []
        await tx.execute(delete(table).where(table.c.customer_id == 2))
        await tx.execute(update(event_counters).where(event_counters.c.customer_id == 3).values(count=7))
        assert await counters.mismatches(tx, store_id) == [2, 3]


async def test_what_is_appended_once_is_there_once(database: Database, store_id: int) -> None:
    sent = select(literal("k1").label("id"), literal(7).label("customer_id"), literal("c").label("subject"))
    async with database.write() as tx:
        for _ in range(2):
            await log.append_once(tx, store_id, "email.sent", sent, NOW)
        assert await tx.scalar(select(func.count()).select_from(events)) == 1
        assert await tx.scalar(select(event_counters.c.count)) == 1
