"""Events that clients track again and again until they know that it is done: each counts once."""

from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from domain.customers.key import CustomerKey
from domain.events import counters
from domain.ingestion.model import TrackedEvent
from domain.ingestion.track import track
from domain.kit.db import Transaction
from domain.orders import facts
from tests.simulation.database import SimulatedDatabase
from tests.simulation.storage import START
from tests.simulation.stories.story import Story


class EventsStory(Story):
    name = "events"

    async def prepare(self, tx: Transaction) -> None:
        chance = self.world.chance
        events = [self._event(number) for number in range(chance.randint(1, 12))]
        # Clients overlap: what one has sent, another sends too.
        self._batches = [chance.sample(events, chance.randint(1, len(events))) for _ in range(chance.randint(1, 4))]
        self._acknowledged: set[tuple[bool, str]] = set()

    def _event(self, number: int) -> TrackedEvent:
        chance = self.world.chance
        customer = CustomerKey(external_id=f"e{chance.randrange(3)}")
        moment = START - timedelta(hours=chance.randrange(2_000))
        kind = chance.choice(("visit", "tasting", "order", "order.refunded", "points.changed"))
        by_kind: dict[str, dict[str, Any]] = {
            "visit": {"page": "/a"},
            "order": {"total": chance.randrange(500), "items": [{"category": "Bags", "quantity": 1, "price": 5}]},
            "order.refunded": {"order": f"event{chance.randrange(12)}", "amount": 5},
            "points.changed": {"amount": 7},
        }
        return TrackedEvent(f"event{number}", kind, customer, moment, by_kind.get(kind, {}))

    def clients(self, database: SimulatedDatabase) -> Sequence[Coroutine[Any, Any, None]]:
        return [self._track(database, batch) for batch in self._batches]

    async def _track(self, database: SimulatedDatabase, batch: Sequence[TrackedEvent]) -> None:
        await self.world.pause(5)
        while True:
            try:
                async with database.write() as tx:
                    await track(tx, self.store_id, batch, self.world.now())
            except SQLAlchemyError:
                await self.world.pause(5)
            else:
                self._acknowledged.update((event.type == "order", event.id) for event in batch)
                return

    async def judge(self, tx: Transaction) -> None:
        rows = self.world.storage.rows
        stored = {(True, key) for (key,) in rows("SELECT id FROM orders WHERE store_id = ?", self.store_id)}
        of_events = "SELECT id FROM events WHERE store_id = ? AND id LIKE 'event%'"
        stored |= {(False, key) for (key,) in rows(of_events, self.store_id)}
        if stored != self._acknowledged:
            self.wrong(f"stored but not acknowledged, or the other way round: {sorted(stored ^ self._acknowledged)}")
        if customers := await counters.mismatches(tx, self.store_id):
            self.wrong(f"the counters of {customers} are not what their events give")
        if customers := await facts.mismatches(tx, self.store_id):
            self.wrong(f"the facts of {customers} are not what their orders give")
        points = 7 * sum(
            1
            for batch in {event.id: event for batch in self._batches for event in batch}.values()
            if batch.type == "points.changed"
        )
        remaining = self.world.storage.value(
            "SELECT coalesce(sum(remaining), 0) FROM wallet_lots WHERE store_id = ?", self.store_id
        )
        if remaining != points * 10_000:
            self.wrong(f"{remaining / 10_000} points are left of {points}")
