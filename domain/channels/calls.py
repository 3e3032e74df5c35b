"""Calls of a store's channel: with its settings and its state, which keeps what a call has put."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from muster_sdk import ContentInvalid, Unreachable

from domain.channels import states
from domain.kit.db import Transaction
from domain.services import Services
from domain.sessions.calls import CallContext, ChannelCall
from domain.sessions.session import ChannelBroken
from domain.stores.channels import ChannelUnavailable, ConfiguredChannel

T = TypeVar("T")


async def find_channel(tx: Transaction, services: Services, store_id: int, key: str) -> ConfiguredChannel:
    """Return the store's channel. Raise ChannelUnavailable when it is not installed or cannot be used."""
    configured = await services.channels.find(tx, store_id, key)
    if configured is None:
        raise ChannelUnavailable(f"The store has not installed the channel {key!r}: see channelInstall", field=("key",))
    return configured


async def context_of(tx: Transaction, services: Services, store_id: int, key: str) -> CallContext:
    """Return what a call of the store's channel is given. Raise ChannelUnavailable, also for one without settings."""
    configured = await find_channel(tx, services, store_id, key)
    settings = configured.settings
    if settings is None:
        message = f"The channel {key!r} has no settings, so that nobody can be asked: see channelConfigure"
        raise ChannelUnavailable(message, field=("key",))
    takes_webhooks = configured.channel.capabilities.webhooks
    webhook_url = (await services.webhook_addresses()).url(store_id, key) if takes_webhooks else None
    return CallContext(key, settings, await states.load(tx, store_id, key), webhook_url)


async def call_channel(
    services: Services,
    store_id: int,
    key: str,
    call: ChannelCall[T],
    record: Callable[[Transaction, T], Awaitable[None]] | None = None,
    prepare: Callable[[T], Awaitable[None]] | None = None,
) -> T:
    """Call a method of the store's channel, and return its answer. No transaction of the caller's may be open.

    `record` stores what the answer has for effect, in the transaction that stores the channel's state; `prepare` does
    before that what takes long.
    Raise ChannelUnavailable, and what `Sessions.call` raises.
    """
    async with services.database.read() as tx:
        context = await context_of(tx, services, store_id, key)
    result = await services.sessions.call(call, context)
    if prepare is not None:
        await prepare(result.value)
    if result.state_changes or record is not None:
        async with services.database.write() as tx:
            await states.store(tx, store_id, key, result.state_changes)
            if record is not None:
                await record(tx, result.value)
    return result.value


def check_ability(services: Services, key: str, ability: str, sentence: str) -> None:
    """Raise ChannelUnavailable unless the server's channel has declared the ability, a name of `Capabilities`."""
    capabilities = services.channels.capabilities.get(key)
    if capabilities is None:
        known = ", ".join(sorted(services.channels.capabilities)) or "none"
        raise ChannelUnavailable(f"{key!r} is no channel of this server, which has: {known}", field=("key",))
    if not getattr(capabilities, ability):
        raise ChannelUnavailable(f"The channel {key!r} {sentence}", field=("key",))


@contextmanager
def refused_to_staff() -> Generator[None]:
    """Turn what a call raises into a ChannelUnavailable, for somebody who waits for it."""
    try:
        yield
    except (Unreachable, ContentInvalid, ChannelBroken) as error:
        raise ChannelUnavailable(str(error), field=("key",)) from error
