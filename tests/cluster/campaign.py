"""A campaign that real workers send to a real mail server while machines fail, and what became of each message."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import UUID

from sqlalchemy import select

from domain.campaigns.model import CampaignStatus
from domain.campaigns.queries import resume_all
from domain.campaigns.tables import campaigns
from domain.deliveries.tables import deliveries
from domain.kit.db import Database
from tests.journeys.mailing import launch_mailing
from tests.journeys.processes import mail_server, wait_for
from tests.storm.trees import Tree

KEY = "a key for the cluster of tests"
NAMESPACE = f"muster-cluster-{os.getpid()}"


@dataclass
class Mailing:
    """A campaign that is being sent."""

    url: str
    store_id: int
    campaign_id: UUID
    recipients: int
    log: Path
    received: Callable[[], int]

    def wait_for_messages(self, share: float) -> None:
        """Wait until the share of its messages has arrived."""
        wait_for(lambda: self.received() >= share * self.recipients, "no message arrives", 60)

    async def end(self, seconds: float = 120) -> CampaignStatus:
        """Wait until it is over. Return its status."""
        deadline = monotonic() + seconds
        while (status := await self._status()) is CampaignStatus.SENDING:
            assert monotonic() < deadline, f"it is still sending: {await self.statuses()}"
            await asyncio.sleep(0.5)
        return status

    async def resume(self) -> None:
        """Do as `muster resume` does."""
        database = Database(self.url)
        async with database.write() as tx:
            assert sum((await resume_all(tx)).values()) == 1
        await database.close()

    async def statuses(self) -> Counter[str]:
        """Return how many deliveries ended in which way."""
        return Counter((await self._status_by_address()).values())

    def times_by_address(self) -> Counter[str]:
        """Return how often the mail server took a message for which address."""
        return Counter(line.split()[0] for line in self.log.read_text().splitlines())

    async def check(self) -> None:
        """Check that nothing was sent twice, and that what is on record as sent did arrive, and the reverse."""
        arrived, statuses = self.times_by_address(), await self._status_by_address()
        assert len(statuses) == self.recipients
        assert [address for address, times in arrived.items() if times > 1] == [], "sent twice"
        sent = {address for address, status in statuses.items() if status == "SENT"}
        unknown = {address for address, status in statuses.items() if status == "UNKNOWN"}
        assert sent <= arrived.keys(), "on record as sent, and never received"
        assert arrived.keys() <= sent | unknown, "received, and on record as never sent"

    async def _status(self) -> CampaignStatus:
        database = Database(self.url)
        try:
            async with database.read() as tx:
                return CampaignStatus(
                    await tx.scalar(select(campaigns.c.status).where(campaigns.c.id == self.campaign_id))
                )
        finally:
            await database.close()

    async def _status_by_address(self) -> Mapping[str, str]:
        database = Database(self.url)
        try:
            async with database.read() as tx:
                columns = deliveries.c.address, deliveries.c.status
                return dict((await tx.execute(select(*columns).where(deliveries.c.store_id == self.store_id))).all())
        finally:
            await database.close()


@contextmanager
def mailing(url: str, broker_url: str, folder: Path, *, recipients: int) -> Generator[Mailing]:
    """A campaign that workers have begun to send."""
    log = folder / "received.log"
    with mail_server(log) as (port, received):
        store_id, campaign_id = asyncio.run(launch_mailing(url, port, recipients, KEY))
        settings = {
            "MUSTER_DATABASE_URL": url,
            "MUSTER_BROKER_URL": broker_url,
            "MUSTER_BROKER_NAMESPACE": NAMESPACE,
            "MUSTER_SECRET_KEY": KEY,
            "MUSTER_PRIVATE_TARGETS": "127.0.0.1",
        }
        workers = Tree(settings, folder)
        workers.start()
        try:
            yield Mailing(url, store_id, campaign_id, recipients, log, received)
        finally:
            workers.kill()
