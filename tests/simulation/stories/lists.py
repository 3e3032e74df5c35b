"""Lists are built while the tags that they ask for change: each has whom its segment held when it was built."""

from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from api.workers.scheduler import make_lists
from domain.customers import actions as customers
from domain.kit.db import Transaction
from domain.lists import build
from domain.segments import actions as segment_actions
from domain.services import Services
from tests.simulation.database import SimulatedDatabase
from tests.simulation.population import add_people, add_segment, add_tags
from tests.simulation.storage import START
from tests.simulation.stories.story import Chore, Story
from tests.simulation.world import Process

_DAILY = {"update_mode": "AUTO", "every_days": 1, "next_refresh_at": START + timedelta(seconds=20)}


class ListsStory(Story):
    name = "lists"

    async def prepare(self, tx: Transaction) -> None:
        chance = self.world.chance
        self._people = add_people(self.world.storage, self.store_id, chance.randint(1, 8))
        self._segments = [UUID(int=number) for number in range(1, chance.randint(2, 3))]
        # One segment's list is due by itself, once.
        self._due = self._segments[0] if chance.random() < 0.5 else None
        self._asked = dict.fromkeys(self._segments, 0)
        self._perhaps = dict.fromkeys(self._segments, 0)
        self._ready: set[bytes] = set()
        for segment_id in self._segments:
            add_segment(self.world.storage, self.store_id, segment_id, **(_DAILY if segment_id == self._due else {}))
        vips = [person for person in self._people if chance.random() < 0.5]
        add_tags(self.world.storage, self.store_id, vips)

    def clients(self, database: SimulatedDatabase) -> Sequence[Coroutine[Any, Any, None]]:
        chance = self.world.chance
        asking = [self._ask(database, chance.choice(self._segments)) for _ in range(chance.randint(1, 3))]
        return [*asking, *(self._toggle(database, chance.choice(self._people)) for _ in range(chance.randint(0, 4)))]

    async def _ask(self, database: SimulatedDatabase, segment_id: UUID) -> None:
        """Ask once: whoever gets no answer does not know whether there will be a list."""
        await self.world.pause(20)
        try:
            async with database.write() as tx:
                segment = await segment_actions.lock(tx, self.store_id, segment_id)
                await build.request_list(tx, segment, self.world.now())
        except SQLAlchemyError:
            self._perhaps[segment_id] += 1
        else:
            self._asked[segment_id] += 1

    async def _toggle(self, database: SimulatedDatabase, person: int) -> None:
        act = customers.tags_add if self.world.chance.random() < 0.5 else customers.tags_remove
        await self.world.pause(20)
        try:
            async with database.write() as tx:
                await act(tx, self.store_id, person, ["VIP"], self.world.now())
        except SQLAlchemyError:
            return

    def chores(self, services: Services) -> Sequence[Chore]:
        return [lambda: make_lists(services)]

    def committed(self, process: Process) -> None:
        storage = self.world.storage
        statement = "SELECT id, count FROM lists WHERE store_id = ? AND status = 'READY'"
        for list_id, count in storage.rows(statement, self.store_id):
            if list_id in self._ready:
                continue
            self._ready.add(list_id)
            members = set(storage.values("SELECT customer_id FROM list_members WHERE list_id = ?", list_id))
            tagged = set(
                storage.values(
                    "SELECT customer_id FROM customer_tags WHERE store_id = ? AND tag = 'VIP'", self.store_id
                )
            )
            if members != tagged:
                self.wrong(f"a list has {sorted(members)}, its segment held {sorted(tagged)}")
            if count != len(members):
                self.wrong(f"a list of {len(members)} members says {count}")

    def ended(self) -> bool:
        due = "SELECT 1 FROM segments WHERE store_id = ? AND next_refresh_at <= ?"
        soon = int((START + timedelta(hours=1)).timestamp() * 1_000_000)
        return self.world.storage.value(due, self.store_id, soon) is None

    async def judge(self, tx: Transaction) -> None:
        storage = self.world.storage
        for segment_id in self._segments:
            statement = "SELECT number, status FROM lists WHERE segment_id = ? ORDER BY number"
            rows = storage.rows(statement, segment_id.bytes)
            least = self._asked[segment_id] + (segment_id == self._due)
            if not least <= len(rows) <= least + self._perhaps[segment_id]:
                self.wrong(f"{len(rows)} lists of one that was asked for {least} times")
            if [number for number, _ in rows] != list(range(1, len(rows) + 1)):
                self.wrong(f"versions {rows}")
            for _, status in rows:
                if status == "GENERATING" or (status == "FAILED" and not self.world.faults.happened):
                    self.wrong(f"a list is left {status}")
        for list_id, count in storage.rows("SELECT id, count FROM lists WHERE store_id = ?", self.store_id):
            members = storage.value("SELECT count(*) FROM list_members WHERE list_id = ?", list_id)
            if members != count:
                self.wrong(f"a list of {members} members says {count}")
        if storage.value(
            "SELECT count(*) FROM operations WHERE store_id = ? AND status IN ('QUEUED', 'RUNNING')", self.store_id
        ):
            self.wrong("an operation runs for ever")
