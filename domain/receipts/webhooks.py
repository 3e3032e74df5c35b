"""Webhooks: a channel's code reads one in its own process, and what it tells is stored before it is answered."""

from muster_sdk import WebhookAnswer, WebhookRequest

from domain.channels import states
from domain.kit.db import Transaction
from domain.receipts import intake
from domain.receipts.intake import Taken
from domain.services import Services
from domain.sessions import calls
from domain.sessions.calls import CallContext, CallResult
from domain.stores.channels import ConfiguredChannel


async def find(services: Services, store_id: int, key: str) -> tuple[ConfiguredChannel, CallContext] | None:
    """Return the channel and the context of its calls; None where the store has nothing that takes webhooks.

    Raise ChannelUnavailable for settings that do not open.
    """
    addresses = await services.webhook_addresses()
    async with services.database.read() as tx:
        configured = await services.channels.find(tx, store_id, key)
        settings = None if configured is None else configured.settings
        if configured is None or settings is None or not configured.channel.capabilities.webhooks:
            return None
        state = await states.load(tx, store_id, key)
    return configured, CallContext(key, settings, state, addresses.url(store_id, key))


async def read(
    services: Services, configured: ConfiguredChannel, context: CallContext, request: WebhookRequest
) -> CallResult[WebhookAnswer]:
    """Return what the channel has read. Raise WebhookRefused for a stranger's request, ChannelBroken."""
    result = await services.sessions.call(calls.read_webhook(request), context)
    intake.check_size(configured.channel, result.value.receipts, result.value.inbound)
    return result


async def store(
    tx: Transaction, store_id: int, configured: ConfiguredChannel, result: CallResult[WebhookAnswer]
) -> Taken:
    """Store what the channel has read, and what it has put into its state."""
    channel, answer = configured.channel, result.value
    await states.store(tx, store_id, channel.key, result.state_changes)
    return await intake.take(tx, store_id, channel, answer.receipts, answer.inbound)
