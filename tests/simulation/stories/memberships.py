"""Segments are tracked while their customers change: the events of those who entered and left give the members."""

from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from domain import changes
from domain.changes import ChangeKind
from domain.customers import actions as customers
from domain.jobs import Job, JobKind
from domain.kit.db import Transaction
from domain.memberships import tracking
from domain.memberships.model import StepLimits
from domain.services import Services
from tests.simulation.database import SimulatedDatabase
from tests.simulation.population import add_people, add_segment, add_tags
from tests.simulation.stories.story import Chore, Story
from tests.simulation.world import Process

_LIMITS = StepLimits(customers=2, max_changed=6, marks=3, members=3)
Member = tuple[bytes, int]


class MembershipsStory(Story):
    name = "memberships"

    async def prepare(self, tx: Transaction) -> None:
        chance = self.world.chance
        self._people = add_people(self.world.storage, self.store_id, chance.randint(2, 8))
        self._segments = [UUID(int=number) for number in range(101, chance.randint(102, 103))]
        # Whoever is a member when tracking begins did not enter.
        self._tracked: set[bytes] = set()
        self._before: Counter[Member] = Counter()
        self._rewritten = 0
        for segment_id in self._segments:
            add_segment(self.world.storage, self.store_id, segment_id)
        await changes.record_store_change(tx, self.store_id, ChangeKind.SEGMENTS)
        vips = [person for person in self._people if chance.random() < 0.3]
        add_tags(self.world.storage, self.store_id, vips)

    @property
    def kinds(self) -> Mapping[str, JobKind[Services]]:
        """Return tracking in steps so small that a few customers take several."""

        async def track_in_steps(services: Services, job: Job) -> None:
            await tracking.track(services, job, _LIMITS)

        return {tracking.TRACK.name: replace(tracking.TRACK, run=track_in_steps)}

    def clients(self, database: SimulatedDatabase) -> Sequence[Coroutine[Any, Any, None]]:
        chance = self.world.chance
        changes_ = [self._toggle(database, chance.choice(self._people)) for _ in range(chance.randint(1, 5))]
        if chance.random() < 0.3:
            changes_.append(self._toggle_all(database))
        return changes_

    async def _toggle(self, database: SimulatedDatabase, person: int) -> None:
        act = customers.tags_add if self.world.chance.random() < 0.6 else customers.tags_remove
        await self.world.pause(20)
        try:
            async with database.write() as tx:
                await act(tx, self.store_id, person, ["VIP"], self.world.now())
        except SQLAlchemyError:
            return

    async def _toggle_all(self, database: SimulatedDatabase) -> None:
        """Change more customers than tracking takes one by one."""
        await self.world.pause(20)
        try:
            async with database.write() as tx:
                for person in self._people:
                    await customers.tags_add(tx, self.store_id, person, ["VIP"], self.world.now())
        except SQLAlchemyError:
            return

    def chores(self, services: Services) -> Sequence[Chore]:
        return [lambda: tracking.schedule_due(services.database, services.clock())]

    def committed(self, process: Process) -> None:
        """Take the first members of a segment for those before any move."""
        for (segment_id,) in self.world.storage.rows("SELECT segment_id FROM tracked_segments"):
            if segment_id not in self._tracked:
                self._tracked.add(segment_id)
                self._before.update(self._members(segment_id))

    def _members(self, segment_id: bytes) -> list[Member]:
        statement = "SELECT customer_id FROM segment_memberships WHERE segment_id = ?"
        return [(segment_id, customer_id) for customer_id in self.world.storage.values(statement, segment_id)]

    def ended(self) -> bool:
        now = int(self.world.now().timestamp() * 1_000_000)
        due = "SELECT 1 FROM customer_changes WHERE store_id = ? AND due_at <= ?"
        return self.world.storage.value(due, self.store_id, now) is None

    async def judge(self, tx: Transaction) -> None:
        storage = self.world.storage
        tagged_rows = storage.values(
            "SELECT customer_id FROM customer_tags WHERE store_id = ? AND tag = 'VIP'", self.store_id
        )
        tagged = set(tagged_rows)
        moves = Counter(self._before)
        statement = "SELECT subject, customer_id, type FROM events WHERE type IN ('segment.entered', 'segment.left')"
        for subject, customer_id, kind in storage.rows(statement):
            moves[UUID(subject).bytes, customer_id] += 1 if kind == "segment.entered" else -1
        for segment_id in self._segments:
            members = {customer_id for _, customer_id in self._members(segment_id.bytes)}
            if members != tagged:
                self.wrong(f"the members are {sorted(members)}, the segment has {sorted(tagged)}")
            for person in self._people:
                noted = moves[segment_id.bytes, person]
                if noted != (person in members):
                    self.wrong(f"{person} entered {noted} times more than it left, a member: {person in members}")
