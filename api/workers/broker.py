"""Brokers that carry notices: RabbitMQ, Redis, or inside this process."""

from typing import Any

import pika
import redis
from dramatiq import Broker, Message
from dramatiq.brokers.rabbitmq import DEAD_MESSAGE_TTL, RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import xq_name

from domain.jobs import Queue
from domain.kit.db import JobNotice

ACTOR = "work"
# Seconds until the messages that a killed worker had fetched are given to another.
_REDIS_HEARTBEAT = 15
# Seconds until a broker that does not answer is given up.
_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 10
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": 15_000}
_QUORUM = {"x-queue-type": "quorum"}


class _QuorumBroker(RabbitmqBroker):
    """Keeps each queue on several nodes of RabbitMQ: dramatiq's own queues are away with the node that has them."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__(url=urls, middleware=[], confirm_delivery=True)
        nodes = [pika.URLParameters(url) for url in urls]
        for parameters in nodes:
            parameters.socket_timeout = _CONNECT_SECONDS
            parameters.stack_timeout = 2 * _CONNECT_SECONDS
            parameters.blocked_connection_timeout = _ANSWER_SECONDS
            parameters.tcp_options = _KEEPALIVE
        self.parameters = nodes

    def _build_queue_arguments(self, queue_name: str) -> dict[str, str]:
        arguments: dict[str, str] = super()._build_queue_arguments(queue_name)  # type: ignore[no-untyped-call]
        return {**arguments, **_QUORUM}

    def _declare_xq_queue(self, queue_name: str) -> Any:
        arguments = {"x-message-ttl": DEAD_MESSAGE_TTL, **_QUORUM}
        return self.channel.queue_declare(queue=xq_name(queue_name), durable=True, arguments=arguments)


class _ClosingRedisBroker(RedisBroker):
    """Closes its connections: dramatiq's own leaves them to the garbage collector."""

    def close(self) -> None:
        super().close()
        self.client.connection_pool.disconnect()  # pyright: ignore[reportUnknownMemberType] # it has no annotations


def make_broker(url: str, queue: Queue, namespace: str) -> Broker:
    """Return a broker for one queue of the namespace, at the first of the URL's addresses that answers.

    It has no middleware: retries, limits and times are the job's own business.
    """
    broker: Broker
    if url.startswith("amqp"):
        broker = _QuorumBroker(url.split(","))
    elif url.startswith("redis"):
        client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] # it has no annotations
            url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_ANSWER_SECONDS, socket_keepalive=True
        )
        # By default Redis is tidied once in a thousand commands: a dead worker's messages wait for ten minutes.
        broker = _ClosingRedisBroker(  # type: ignore[no-untyped-call] # its constructor has no annotations
            client=client,
            middleware=[],
            namespace=namespace,
            heartbeat_timeout=_REDIS_HEARTBEAT * 1000,
            maintenance_chance=1_000_000,
        )
    else:
        broker = StubBroker(middleware=[])
    broker.declare_queue(f"{namespace}-{queue.value}")
    return broker


def queue_name(broker: Broker) -> str:
    """Return the name of the broker's one queue."""
    (name,) = broker.get_declared_queues() - broker.delay_queues
    return name


def notify(broker: Broker, notice: JobNotice) -> None:
    """Put a message on the broker that a job waits. Raise whatever its client does when it is away."""
    message: Message[None] = Message(
        queue_name=queue_name(broker),
        actor_name=ACTOR,
        args=(notice.store_id, notice.job_id.hex),
        kwargs={},
        options={},
    )
    broker.enqueue(message)  # pyright: ignore[reportUnknownMemberType] # it says Message, not of what


def probe(broker: Broker) -> None:
    """Ask the broker whether it is there. Raise whatever its client does when it is away.

    On a connection of its own: one that is kept would be closed by the broker in between.
    """
    if isinstance(broker, RedisBroker):
        broker.client.ping()  # pyright: ignore[reportUnknownMemberType] # as above
    elif isinstance(broker, RabbitmqBroker):
        pika.BlockingConnection(broker.parameters).close()
