"""Brokers that carry notices: RabbitMQ, Redis, or inside this process."""

from dramatiq import Broker, Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from domain.jobs import Queue
from domain.kit.db import JobNotice

ACTOR = "work"
# Seconds until the messages that a killed worker had fetched are given to another.
_REDIS_HEARTBEAT = 15


class _ClosingRedisBroker(RedisBroker):
    """Closes its connections: dramatiq's own leaves them to the garbage collector."""

    def close(self) -> None:
        super().close()
        self.client.connection_pool.disconnect()  # pyright: ignore[reportUnknownMemberType] # it has no annotations


def queue_name(queue: Queue) -> str:
    return f"muster.{queue.value}"


def make_broker(url: str, queue: Queue) -> Broker:
    """A broker for one queue. It has no middleware: retries, limits and times are the job's own business."""
    broker = _connect(url)
    broker.declare_queue(queue_name(queue))
    return broker


def notify(broker: Broker, at: JobNotice) -> None:
    message: Message[None] = Message(
        queue_name=queue_name(Queue(at.queue)),
        actor_name=ACTOR,
        args=(at.store_id, at.job_id.hex),
        kwargs={},
        options={},
    )
    broker.enqueue(message)  # pyright: ignore[reportUnknownMemberType] # it says Message, not of what


def waiting(broker: Broker, queue: Queue) -> int:
    """How many messages nobody has fetched or acknowledged yet."""
    name = queue_name(queue)
    if isinstance(broker, StubBroker):
        size: int = broker.queues[name].qsize()
        return size
    if isinstance(broker, RedisBroker):
        return int(broker.do_qsize(name))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    assert isinstance(broker, RabbitmqBroker)
    return broker.get_queue_message_counts(name)[0]


def _connect(url: str) -> Broker:
    if url.startswith("amqp"):
        return RabbitmqBroker(url=url, middleware=[], confirm_delivery=True)
    if url.startswith("redis"):
        # By default Redis is tidied once in a thousand commands: a dead worker's messages wait for ten minutes.
        return _ClosingRedisBroker(  # type: ignore[no-untyped-call] # its constructor has no annotations
            url=url, middleware=[], heartbeat_timeout=_REDIS_HEARTBEAT * 1000, maintenance_chance=1_000_000
        )
    return StubBroker(middleware=[])
