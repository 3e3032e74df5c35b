"""The test of a connection: whether a store's settings work at the provider."""

from collections.abc import Awaitable, Callable

from muster_sdk import AccountReport

from domain.channels.calls import call_channel, check_ability, refused_to_staff
from domain.kit.db import Transaction
from domain.services import Services
from domain.sessions import calls


async def check_connection(
    services: Services,
    store_id: int,
    key: str,
    record: Callable[[Transaction, AccountReport], Awaitable[None]] | None = None,
) -> AccountReport:
    """Return what the provider says of the account. Raise ChannelUnavailable when nobody can say anything."""
    check_ability(services, key, "connection_check", "has no test of its connection: send a campaign to yourself")
    with refused_to_staff():
        return await call_channel(services, store_id, key, calls.check(), record)
