"""A store's staff connect an account at the provider's own page (OAuth): they leave with a state, and come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from struct import Struct
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from muster_sdk import Authorization, ContentInvalid
from sqlalchemy import delete, insert

from domain.channels import states
from domain.channels.calls import check_ability, refused_to_staff
from domain.channels.tables import channel_authorizations
from domain.kit import ids, secret_keys
from domain.kit.db import Transaction
from domain.kit.errors import DomainError
from domain.kit.signing import SignedTokens
from domain.services import Services
from domain.sessions import calls
from domain.sessions.calls import CallContext
from domain.stores import queries as stores
from domain.stores.channels import ChannelUnavailable, place_of_settings

CALLBACK_PATH = "/oauth/callback"
LIFE = timedelta(minutes=10)
_LONGEST_URL = 2000
_PURPOSE = b"muster channel authorization"
_FIELDS = Struct(">IQ16s")


@dataclass(frozen=True, slots=True)
class AuthorizationState:
    """The state that a provider hands back: whose authorization it is, of which channel, and until when."""

    store_id: int
    id: UUID
    channel: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """An authorization as it was begun: the settings that were given then, and where its browser is to go behind it."""

    settings: Mapping[str, Any]
    return_url: str


def redirect_url(services: Services) -> str:
    """Return the address of the callback, which an operator registers with the provider."""
    return f"{services.public_url}{CALLBACK_PATH}"


async def begin(services: Services, store_id: int, key: str, settings: Mapping[str, Any]) -> tuple[UUID, str]:
    """Return a new authorization's ID, and the provider's page for it. Raise ChannelUnavailable, DomainError."""
    check_ability(services, key, "oauth", "connects no account: give its settings by channelConfigure")
    authorization_id = ids.new()
    expires_at = int((services.clock() + LIFE).timestamp())
    state = (await _states(services)).write(store_id, expires_at, authorization_id.bytes, text=key)
    async with services.database.read() as tx:
        context = await _context(tx, services, store_id, key, settings)
    call = calls.authorization_url(redirect_url(services), state)
    try:
        with refused_to_staff():
            url = (await services.sessions.call(call, context)).value
    except ChannelUnavailable as error:
        if isinstance(error.__cause__, ContentInvalid):
            raise DomainError(error.message, field=("settings", *error.__cause__.path)) from None
        raise
    if urlsplit(url).scheme not in {"https", "http"}:
        raise ChannelUnavailable(f"The channel {key!r} answered authorization_url with no address of the web")
    return authorization_id, url


async def store(  # noqa: PLR0913, PLR0917 - one argument a column
    tx: Transaction,
    services: Services,
    store_id: int,
    authorization_id: UUID,
    key: str,
    settings: Mapping[str, Any],
    return_url: str,
) -> None:
    """Store an authorization that was begun, and install its channel; delete those of the store that are expired."""
    if len(return_url) > _LONGEST_URL:
        raise DomainError(f"returnUrl has {_LONGEST_URL:,} characters at most", field=("returnUrl",))
    now = services.clock()
    await services.channels.configure(tx, store_id, key, None, now)
    rows = channel_authorizations.c
    await tx.execute(delete(channel_authorizations).where(rows.store_id == store_id, rows.expires_at < now))
    sealing_key = await services.keys.sealing_key(tx)
    place = _place(store_id, key, authorization_id)
    await tx.execute(
        insert(channel_authorizations).values(
            store_id=store_id,
            id=authorization_id,
            channel=key,
            settings=secret_keys.seal(sealing_key, orjson.dumps(settings), _PURPOSE, place),
            return_url=return_url,
            expires_at=now + LIFE,
        )
    )


async def read_state(services: Services, text: str) -> AuthorizationState | None:
    """Return what the state names, None unless this server made it and it has not expired."""
    token = (await _states(services)).read(text)
    if token is None:
        return None
    store_id, expires_at, authorization_id = token.fields
    if services.clock().timestamp() >= expires_at:
        return None
    return AuthorizationState(store_id, UUID(bytes=authorization_id), token.text, expires_at)


async def take(tx: Transaction, services: Services, state: AuthorizationState) -> PendingAuthorization | None:
    """Return the authorization, which is deleted: it is there once. None when it was taken before."""
    rows = channel_authorizations.c
    is_it = rows.store_id == state.store_id, rows.id == state.id, rows.channel == state.channel
    taken = delete(channel_authorizations).where(*is_it).returning(rows.settings, rows.return_url)
    row = (await tx.execute(taken)).one_or_none()
    if row is None:
        return None
    place = _place(state.store_id, state.channel, state.id)
    plain = services.keys.secret_keys.open(row.settings, _PURPOSE, place)
    return None if plain is None else PendingAuthorization(orjson.loads(plain), row.return_url)


async def complete(
    services: Services, state: AuthorizationState, pending: PendingAuthorization, query: Mapping[str, str]
) -> None:
    """Exchange the code for settings, and configure the channel with them. Raise DomainError, nothing stored then."""
    check_ability(services, state.channel, "oauth", "connects no account any more")
    async with services.database.read() as tx:
        context = await _context(tx, services, state.store_id, state.channel, pending.settings)
    authorization = Authorization(query["code"], redirect_url(services), query)
    with refused_to_staff():
        result = await services.sessions.call(calls.authorize(authorization), context)
    settings = {**context.settings, **result.value}
    checked = await services.channels.check(services.database, state.store_id, state.channel, settings)
    async with services.database.write() as tx:
        await services.channels.configure(tx, state.store_id, state.channel, checked, services.clock())
        await states.store(tx, state.store_id, state.channel, result.state_changes)


async def delete_expired(tx: Transaction, now: datetime) -> None:
    """Delete the authorizations of all stores from which nobody came back."""
    await tx.execute(delete(channel_authorizations).where(channel_authorizations.c.expires_at < now))


async def _context(
    tx: Transaction, services: Services, store_id: int, key: str, settings: Mapping[str, Any]
) -> CallContext:
    """Return the frame of a call with the store's settings, and above them those that were given now."""
    installed = key in await stores.installations(tx, store_id)
    configured = await services.channels.find(tx, store_id, key) if installed else None
    stored = {} if configured is None else configured.settings or {}
    return CallContext(key, {**stored, **settings}, await states.load(tx, store_id, key))


async def _states(services: Services) -> SignedTokens:
    return SignedTokens((await services.keys.load(services.database)).signing, "muster authorization state", _FIELDS)


def _place(store_id: int, key: str, authorization_id: UUID) -> bytes:
    return place_of_settings(store_id, key) + authorization_id.bytes
