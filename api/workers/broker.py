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
    """Return a broker for one queue. It has no middleware: retries, limits and times are the job's own business."""
    broker: Broker
    if url.startswith("amqp"):
        broker = RabbitmqBroker(url=url, middleware=[], confirm_delivery=True)
    elif url.startswith("redis"):
        # By default Redis is tidied once in a thousand commands: a dead worker's messages wait for ten minutes.
        broker = _ClosingRedisBroker(  # type: ignore[no-untyped-call] # its constructor has no annotations
            url=url, middleware=[], heartbeat_timeout=_REDIS_HEARTBEAT * 1000, maintenance_chance=1_000_000
        )
    else:
        broker = StubBroker(middleware=[])
    broker.declare_queue(queue_name(queue))
    return broker


def notify(broker: Broker, notice: JobNotice) -> None:
    """Put a message on the broker that a job waits. Raise whatever its client does when it is away."""
    message: Message[None] = Message(
        queue_name=queue_name(Queue(notice.queue)),
        actor_name=ACTOR,
        args=(notice.store_id, notice.job_id.hex),
        kwargs={},
        options={},
    )
    broker.enqueue(message)  # pyright: ignore[reportUnknownMemberType] # it says Message, not of what


def waiting(broker: Broker, queue: Queue) -> int:
    """Return the number of messages that nobody has fetched or acknowledged yet."""
    name = queue_name(queue)
    if isinstance(broker, StubBroker):
        size: int = broker.queues[name].qsize()
        return size
    if isinstance(broker, RedisBroker):
        return int(broker.do_qsize(name))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    assert isinstance(broker, RabbitmqBroker)
    return broker.get_queue_message_counts(name)[0]
