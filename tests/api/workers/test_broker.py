"""Notices can be counted, and a broker that is away harms nobody."""

import time

import pytest
import redis
from dramatiq import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from pika.exceptions import AMQPConnectionError

from api.workers import broker
from api.workers.broker import queue_name
from api.workers.consumers import brokers_for
from api.workers.notifier import Notifier
from domain.jobs import Queue
from domain.kit import ids
from domain.kit.db import JobNotice


def waiting(broker: Broker) -> int:
    """Return the number of messages that nobody has fetched or acknowledged yet."""
    name = queue_name(broker)
    if isinstance(broker, StubBroker):
        size: int = broker.queues[name].qsize()
        return size
    if isinstance(broker, RedisBroker):
        return int(broker.do_qsize(name))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    assert isinstance(broker, RabbitmqBroker)
    return broker.get_queue_message_counts(name)[0]


def test_what_waits_is_counted(broker_url: str) -> None:
    brokers = brokers_for(broker_url, "muster-test")
    for queue_broker in brokers.values():
        queue_broker.flush_all()
    notifier = Notifier(brokers)
    notifier([JobNotice(Queue.LISTS.value, 1, ids.new()) for _ in range(7)])
    notifier.close()
    counts = {queue: waiting(queue_broker) for queue, queue_broker in brokers.items()}
    for queue_broker in brokers.values():
        queue_broker.flush_all()
        queue_broker.close()
    assert counts == dict.fromkeys(Queue, 0) | {Queue.LISTS: 7}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1"])
def test_a_broker_that_is_away_holds_nobody_up(url: str) -> None:
    brokers = brokers_for(url, "muster-test")
    notifier = Notifier(brokers)
    began = time.monotonic()
    notifier([JobNotice(Queue.DEFAULT.value, 1, ids.new())] * 20_000)
    assert time.monotonic() - began < 1
    notifier.close()
    for each in brokers.values():
        each.close()


def test_two_installations_share_one_broker(broker_url: str) -> None:
    """Each has its own queues, whether notices, counts or purges are concerned."""
    ours, theirs = brokers_for(broker_url, "muster-test"), brokers_for(broker_url, "muster-test-2")
    for queue_broker in [*ours.values(), *theirs.values()]:
        queue_broker.flush_all()
    broker.notify(ours[Queue.LISTS], JobNotice(Queue.LISTS.value, 1, ids.new()))
    broker.notify(theirs[Queue.LISTS], JobNotice(Queue.LISTS.value, 1, ids.new()))
    broker.notify(theirs[Queue.LISTS], JobNotice(Queue.LISTS.value, 2, ids.new()))
    assert [waiting(brokers[Queue.LISTS]) for brokers in (ours, theirs)] == [1, 2]
    ours[Queue.LISTS].flush_all()
    assert [waiting(brokers[Queue.LISTS]) for brokers in (ours, theirs)] == [0, 2]
    for queue_broker in [*ours.values(), *theirs.values()]:
        queue_broker.flush_all()
        queue_broker.close()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1"])
def test_a_broker_that_is_away_is_noticed(url: str) -> None:
    queue_broker = broker.make_broker(url, Queue.DEFAULT, "muster-test")
    with pytest.raises((redis.ConnectionError, AMQPConnectionError)):
        broker.probe(queue_broker)
    queue_broker.close()


def test_a_broker_that_is_there_answers(broker_url: str) -> None:
    queue_broker = broker.make_broker(broker_url, Queue.DEFAULT, "muster-test")
    broker.probe(queue_broker)
    queue_broker.close()
