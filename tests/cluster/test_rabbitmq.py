"""Nodes of RabbitMQ are lost and come back: notices go on, through whatever is left."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from api.workers import broker
from api.workers.consumers import Consumers, brokers_for
from api.workers.notifier import Notifier
from domain import jobs
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Database
from domain.services import Services
from tests.cluster.rabbitmq import Node, cluster
from tests.factories import add_store
from tests.fakes import make_services

KIND = "note"
# They share the nodes, which take half a minute to start.
pytestmark = pytest.mark.xdist_group("rabbitmq-nodes")


@pytest.fixture(scope="module")
def nodes(cluster_folder: Path) -> Iterator[Sequence[Node]]:
    folder = cluster_folder / "rabbitmq"
    folder.mkdir()
    folder.chmod(0o777)
    with cluster(folder, 3) as nodes:
        yield nodes


class Shop:
    """Workers on the cluster, and jobs of which they are notified by the broker alone: no scheduler runs."""

    def __init__(self, urls: Sequence[str], database_url: str) -> None:
        self.done: list[int] = []
        self._brokers = brokers_for(",".join(urls), "muster-test")
        self._notifier = Notifier(self._brokers)
        self.database = Database(database_url, notify=self._notifier)
        kinds: dict[str, JobKind[Services]] = {KIND: JobKind(KIND, Queue.DEFAULT, self._run)}
        self._consumers = Consumers(
            self._brokers, lambda connections: make_services(Database(database_url, pool_size=connections)), kinds
        )
        self._consumers.start()
        self._added = 0

    async def work(self, times: int) -> None:
        """Add jobs until so many were done after the first of them: a notice may be lost with its node."""
        store_id = self.store_id
        before = len(self.done)
        async with asyncio.timeout(40):
            while len(self.done) < before + times:
                async with self.database.write() as tx:
                    await jobs.add(tx, store_id, KIND, {"number": self._added})
                self._added += 1
                await asyncio.sleep(0.2)

    async def open(self) -> None:
        async with self.database.write() as tx:
            self.store_id = await add_store(tx)

    async def close(self) -> None:
        await asyncio.to_thread(self._consumers.stop)
        self._notifier.close()
        await self.database.close()
        for queue_broker in self._brokers.values():
            queue_broker.close()

    async def _run(self, services: Services, job: Job) -> None:
        async with services.database.write() as tx:
            await jobs.finish(tx, job)
        number = job.payload["number"]
        assert isinstance(number, int)
        self.done.append(number)


@pytest.fixture
async def shop(nodes: Sequence[Node], database_url: str) -> AsyncIterator[Shop]:
    shop = Shop([node.url for node in nodes], database_url)
    await shop.open()
    yield shop
    await shop.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_loss_of_a_node_stops_nobody(shop: Shop, nodes: Sequence[Node]) -> None:
    await shop.work(5)
    assert await asyncio.to_thread(nodes[0].queue_types) == {"quorum"}
    # All are connected to the first node, and it leads the queues.
    nodes[0].kill()
    await shop.work(5)
    nodes[0].start()
    await asyncio.to_thread(nodes[0].wait)
    await shop.work(5)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_broker_that_restarts_is_found_again(shop: Shop, nodes: Sequence[Node]) -> None:
    await shop.work(5)
    for node in nodes:
        node.kill()
    queue_broker = broker.make_broker(",".join(node.url for node in nodes), Queue.DEFAULT, "muster-test")
    with pytest.raises(Exception):  # noqa: B017, PT011 - each client has its own
        broker.probe(queue_broker)
    for node in nodes:
        node.start()
    for node in nodes:
        await asyncio.to_thread(node.wait)
    broker.probe(queue_broker)
    queue_broker.close()
    await shop.work(5)
