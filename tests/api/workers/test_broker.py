"""What is rung for can be counted, and a broker that is away harms nobody."""

import time

import pytest

from api.workers import broker
from api.workers.consumers import brokers_for
from api.workers.notifier import Doorbell
from domain.jobs import Queue
from domain.kit import ids
from domain.kit.db import Ring


def test_what_waits_is_counted(broker_url: str) -> None:
    brokers = brokers_for(broker_url)
    for each in brokers.values():
        each.flush_all()
    doorbell = Doorbell(brokers)
    doorbell([Ring(Queue.LISTS.value, 1, ids.new()) for _ in range(7)])
    doorbell.close()
    counts = {queue: broker.waiting(each, queue) for queue, each in brokers.items()}
    for each in brokers.values():
        each.flush_all()
        each.close()
    assert counts == dict.fromkeys(Queue, 0) | {Queue.LISTS: 7}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1"])
def test_a_broker_that_is_away_holds_nobody_up(url: str) -> None:
    doorbell = Doorbell(brokers_for(url))
    began = time.monotonic()
    doorbell([Ring(Queue.DEFAULT.value, 1, ids.new())] * 20_000)
    assert time.monotonic() - began < 1
