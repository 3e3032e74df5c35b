"""Notices can be counted, and a broker that is away harms nobody."""

import time

import pytest

from api.workers import broker
from api.workers.consumers import brokers_for
from api.workers.notifier import Notifier
from domain.jobs import Queue
from domain.kit import ids
from domain.kit.db import JobNotice


def test_what_waits_is_counted(broker_url: str) -> None:
    brokers = brokers_for(broker_url)
    for queue_broker in brokers.values():
        queue_broker.flush_all()
    notifier = Notifier(brokers)
    notifier([JobNotice(Queue.LISTS.value, 1, ids.new()) for _ in range(7)])
    notifier.close()
    counts = {queue: broker.waiting(queue_broker, queue) for queue, queue_broker in brokers.items()}
    for queue_broker in brokers.values():
        queue_broker.flush_all()
        queue_broker.close()
    assert counts == dict.fromkeys(Queue, 0) | {Queue.LISTS: 7}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1"])
def test_a_broker_that_is_away_holds_nobody_up(url: str) -> None:
    brokers = brokers_for(url)
    notifier = Notifier(brokers)
    began = time.monotonic()
    notifier([JobNotice(Queue.DEFAULT.value, 1, ids.new())] * 20_000)
    assert time.monotonic() - began < 1
    notifier.close()
    for each in brokers.values():
        each.close()
