"""A campaign goes out while customers opt out and staff pause it: nobody gets it twice, and every outcome is true."""

from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

from muster_sdk import Message
from sqlalchemy import and_, update
from sqlalchemy.exc import SQLAlchemyError

from domain.campaigns import launch
from domain.campaigns.model import CampaignStatus
from domain.campaigns.tables import campaigns
from domain.consents import actions as consents
from domain.consents.links import UnsubscribeToken
from domain.customers import actions as customers
from domain.kit import ids
from domain.kit.db import Transaction
from domain.services import Services
from tests.domain.campaigns.stage import add_campaign
from tests.fakes import SUPPRESSION_KEY, LocalChannel, RecordingSettings
from tests.simulation.channel import SimulatedChannel
from tests.simulation.database import SimulatedDatabase
from tests.simulation.loop import OWNER
from tests.simulation.population import add_list, add_people
from tests.simulation.storage import START
from tests.simulation.stories.story import Chore, Story
from tests.simulation.world import Process

BATCH_SIZE = 4
WINDOW_SIZE = 2

_SENDING = """
    SELECT d.customer_id, d.fence, d.attempts,
        c.deleted_at IS NOT NULL OR c.blacklisted OR coalesce(t.consent, '') <> 'SUBSCRIBED' OR EXISTS (
            SELECT 1 FROM objections o
            WHERE o.store_id = d.store_id AND o.address = d.address AND o.channel IN ('recording', '*'))
    FROM deliveries d JOIN customers c ON c.store_id = d.store_id AND c.id = d.customer_id
    LEFT JOIN contacts t ON t.store_id = d.store_id AND t.customer_id = d.customer_id AND t.channel = 'recording'
    WHERE d.campaign_id = ? AND d.status = 'SENDING'
"""


class DeliveriesStory(Story):
    name = "deliveries"

    async def prepare(self, tx: Transaction) -> None:
        chance = self.world.chance
        count = chance.randint(1, 7)
        everyone = add_people(self.world.storage, self.store_id, count, twins=chance.randint(0, count))
        # Their twins are on no list, and opt out for both.
        self._people, self._twins = everyone[:count], everyone[count:]
        self._channel = SimulatedChannel(self.world, self._check_intent)
        self._scheduled = chance.random() < 0.3
        changed = {"status": CampaignStatus.SCHEDULED, "scheduled_at": START + timedelta(seconds=9)}
        campaign = await add_campaign(
            tx,
            self.store_id,
            add_list(self.world.storage, self.store_id, self._people),
            content={"text": "Hi"},
            **(changed if self._scheduled else {}),
        )
        self._campaign_id = campaign.id
        self._keys = {ids.delivery_key(self.store_id, campaign.id, person): person for person in self._people}
        self._intents: set[tuple[int, int, int]] = set()
        # Whom each process has had an intent to write to: after it was frozen it goes on, and the key keeps it single.
        self._intended: set[tuple[Process, int]] = set()
        self._in_doubt: set[int] = set()
        self._cancelled = False
        if not self._scheduled:
            await launch.start(tx, self.store_id, campaign.id)

    @property
    def channel(self) -> LocalChannel:
        return LocalChannel(self._channel, RecordingSettings())

    def clients(self, database: SimulatedDatabase) -> Sequence[Coroutine[Any, Any, None]]:
        chance = self.world.chance
        opted_out = chance.sample(self._people, chance.randint(0, len(self._people) // 2))
        opted_out += chance.sample(self._twins, chance.randint(0, len(self._twins)))
        clients = [self._opt_out(database, person) for person in opted_out]
        if chance.random() < 0.2:
            clients.append(self._pause_or_cancel(database))
        return clients

    async def _opt_out(self, database: SimulatedDatabase, person: int) -> None:
        await self.world.pause(20)
        way = self.world.chance.randrange(3)
        try:
            async with database.write() as tx:
                now = self.world.now()
                if way == 0:
                    await customers.blacklist(tx, self.store_id, person, now, blacklisted=True)
                elif way == 1:
                    await customers.remove(tx, self.store_id, person, now)
                else:
                    token = UnsubscribeToken(self.store_id, person, self._campaign_id, "recording")
                    await consents.unsubscribe(tx, token, SUPPRESSION_KEY, now)
        except SQLAlchemyError:
            return

    async def _pause_or_cancel(self, database: SimulatedDatabase) -> None:
        await self.world.pause(20)
        self._cancelled = self.world.chance.random() < 0.5
        if self._cancelled:
            await self._set_status(database, CampaignStatus.CANCELLED)
            return
        await self._set_status(database, CampaignStatus.PAUSED)
        await self.world.pause(40)
        await self._set_status(database, CampaignStatus.SENDING)

    async def _set_status(self, database: SimulatedDatabase, status: CampaignStatus) -> None:
        """Set the status of a campaign that is being sent, however often that takes."""
        is_open = and_(campaigns.c.status.in_(["SENDING", "PAUSED"]), campaigns.c.open_batches > 0)
        while True:
            try:
                async with database.write() as tx:
                    is_campaign = campaigns.c.id == self._campaign_id
                    await tx.execute(update(campaigns).where(is_campaign, is_open).values(status=status.value))
            except SQLAlchemyError:
                await self.world.pause(5)
            else:
                return

    def chores(self, services: Services) -> Sequence[Chore]:
        return [lambda: launch.start_due(services)] if self._scheduled else []

    def ended(self) -> bool:
        status = self.world.storage.value("SELECT status FROM campaigns WHERE id = ?", self._campaign_id.bytes)
        return status in {"SENT", "CANCELLED", "FAILED"}

    def committed(self, process: Process) -> None:
        """Check that no intent follows an opt-out."""
        for customer_id, fence, attempts, excluded in self.world.storage.rows(_SENDING, self._campaign_id.bytes):
            intent = (customer_id, fence, attempts)
            if intent not in self._intents:
                self._intents.add(intent)
                self._intended.add((process, customer_id))
                if excluded:
                    self.wrong(f"an intent to write to {customer_id}, who has opted out")

    def state(self) -> dict[str, str]:
        statement = "SELECT customer_id, status, attempts, fence, error FROM deliveries WHERE campaign_id = ?"
        deliveries = self.world.storage.rows(statement, self._campaign_id.bytes)
        statement = "SELECT status, open_batches, problem FROM campaigns WHERE id = ?"
        status, *rest = self.world.storage.rows(statement, self._campaign_id.bytes)[0]
        shown = {f"delivery {person}": f"{state} {values}" for person, state, *values in deliveries}
        return shown | {"campaign": f"{status} {rest}"}

    def _check_intent(self, message: Message) -> None:
        person = self._keys[message.key]
        statement = "SELECT status FROM deliveries WHERE campaign_id = ? AND customer_id = ?"
        status = self.world.storage.value(statement, self._campaign_id.bytes, person)
        had_intent = (OWNER.get(), person) in self._intended
        if self.world.writing is None and status == "PENDING" and not had_intent:
            self.wrong(f"{person} is written to without an intent")

    def crashed(self, process: Process) -> None:
        """Note the messages that the process had begun: nobody knows what became of them."""
        begun = self._channel.begun
        for key in [key for key, beginner in begun.items() if beginner is process]:
            self._in_doubt.add(self._keys[key])
            del begun[key]

    async def judge(self, tx: Transaction) -> None:
        storage = self.world.storage
        in_doubt = self._in_doubt | {self._keys[key] for key in self._channel.in_doubt}
        accepted = Counter({self._keys[key]: times for key, times in self._channel.accepted.items()})
        for person, times in accepted.items():
            if times > 1:
                self.wrong(f"{person} got it {times} times")
        statement = "SELECT customer_id, status, attempts, error FROM deliveries WHERE campaign_id = ?"
        statuses: Counter[str] = Counter()
        for person, status, attempts, error in storage.rows(statement, self._campaign_id.bytes):
            statuses[status] += 1
            taken = accepted[person]
            if status in {"PENDING", "SENDING"} and not self._cancelled:
                self.wrong(f"{person} is left {status}")
            if status == "SENT" and taken != 1:
                self.wrong(f"{person} is SENT, the provider took {taken}")
            if status in {"FAILED", "SKIPPED"} and taken:
                self.wrong(f"{person} is {status} after {attempts} attempts ({error}), the provider took {taken}")
            if status == "UNKNOWN" and person not in in_doubt and not self._may_stay_unknown(person):
                self.wrong(f"{person} is UNKNOWN ({error}), though nobody crashed and an answer came")
        self._judge_counts(statuses)

    def _may_stay_unknown(self, person: int) -> bool:
        """Return whether a doubt may stay though nobody crashed while sending.

        Of several attempts by a key, one may be settled and another not; and a full disk takes no outcomes.
        """
        attempts = sum(customer_id == person for customer_id, *_ in self._intents)
        return self.world.files.full or (self._channel.capabilities.idempotent and attempts > 1)

    def _judge_counts(self, statuses: Counter[str]) -> None:
        storage = self.world.storage
        counts = storage.rows(
            "SELECT sum(recipients), sum(pending), sum(sent), sum(failed), sum(unknown), sum(skipped)"
            " FROM delivery_batches WHERE campaign_id = ?",
            self._campaign_id.bytes,
        )[0]
        folded = (
            sum(statuses.values()),
            statuses["PENDING"] + statuses["SENDING"],
            *(statuses[status] for status in ("SENT", "FAILED", "UNKNOWN", "SKIPPED")),
        )
        if statuses and counts != folded:
            self.wrong(f"the batches count {counts}, their deliveries are {folded}")
        status = storage.value("SELECT status FROM campaigns WHERE id = ?", self._campaign_id.bytes)
        if status not in ({"CANCELLED", "SENT", "FAILED"} if self._cancelled else {"SENT", "FAILED"}):
            self.wrong(f"the campaign is {status}")
        events = (
            "SELECT count(*), count(DISTINCT customer_id) FROM events WHERE subject = ? AND type = 'recording.sent'"
        )
        ((noted, people),) = storage.rows(events, str(self._campaign_id))
        if noted != people or noted != statuses["SENT"]:
            self.wrong(f"{noted} events of {people} customers tell of {statuses['SENT']} messages")
