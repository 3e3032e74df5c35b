"""Every statement on stores, tokens and installed channels."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    Integer,
    TupleType,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from domain.kit import ids
from domain.kit.db import AnyRow, Transaction
from domain.kit.db.portable import insert_into
from domain.kit.db.types import Id
from domain.kit.errors import DomainError, ErrorCode
from domain.stores.model import (
    PROPERTY_CONDITIONS,
    STATIC_SEGMENT_MEMBERS,
    ApiToken,
    Credential,
    Limits,
    Principal,
    Store,
    TokenScope,
    check_idempotency_key,
)
from domain.stores.tables import api_tokens, channel_installations, idempotency_keys, stores

_STORE = (
    stores.c.id,
    stores.c.name,
    stores.c.timezone,
    stores.c.currency,
    stores.c.static_segment_members,
    stores.c.property_conditions,
    stores.c.audit_days,
)
# Built once, for every request runs it.
_CREDENTIAL_BY_HASH = (
    select(
        *_STORE,
        api_tokens.c.id.label("token_id"),
        api_tokens.c.name.label("token_name"),
        api_tokens.c.scopes,
        api_tokens.c.expires_at,
        api_tokens.c.revoked_at,
    )
    .join(stores, stores.c.id == api_tokens.c.store_id)
    .where(api_tokens.c.hash == bindparam("hash"))
)
_CREDENTIAL = _CREDENTIAL_BY_HASH.where(api_tokens.c.store_id == bindparam("store"))
_TOKEN = (
    api_tokens.c.id,
    api_tokens.c.name,
    api_tokens.c.scopes,
    api_tokens.c.created_at,
    api_tokens.c.expires_at,
    api_tokens.c.last_used_at,
)
_USE_RECORDED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Installation:
    """A channel that a store has installed, with its sealed settings."""

    channel: str
    installed_at: datetime
    settings: bytes | None
    package: str | None


async def create(tx: Transaction, name: str, timezone: str, currency: str, now: datetime) -> Store:
    store_id = await tx.scalar(
        insert(stores)
        .values(
            name=name,
            timezone=timezone,
            currency=currency,
            static_segment_members=STATIC_SEGMENT_MEMBERS,
            property_conditions=PROPERTY_CONDITIONS,
            created_at=now,
        )
        .returning(stores.c.id)
    )
    return Store(store_id, name, timezone, currency, Limits(STATIC_SEGMENT_MEMBERS, PROPERTY_CONDITIONS))


async def timezone_of(tx: Transaction, store_id: int) -> str:
    """Return the name of the zone whose days are the store's."""
    timezone: str = await tx.scalar(select(stores.c.timezone).where(stores.c.id == store_id))
    return timezone


async def by_id(tx: Transaction, store_id: int) -> Store | None:
    row = (await tx.execute(select(*_STORE).where(stores.c.id == store_id))).one_or_none()
    return None if row is None else _store(row)


async def lock(tx: Transaction, store_id: int) -> Store | None:
    """Return the store, locked until the transaction ends."""
    statement = select(*_STORE).where(stores.c.id == store_id).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _store(row)


async def update_store(tx: Transaction, store: Store) -> None:
    values = {
        "name": store.name,
        "timezone": store.timezone,
        "currency": store.currency,
        "static_segment_members": store.limits.static_segment_members,
        "property_conditions": store.limits.property_conditions,
        "audit_days": store.audit_days,
    }
    await tx.execute(update(stores).where(stores.c.id == store.id).values(values))


async def first(tx: Transaction) -> Store | None:
    row = (await tx.execute(select(*_STORE).order_by(stores.c.id).limit(1))).one_or_none()
    return None if row is None else _store(row)


async def all_ids(tx: Transaction) -> list[int]:
    return list((await tx.execute(select(stores.c.id).order_by(stores.c.id))).scalars())


async def add_token(  # noqa: PLR0913, PLR0917 - one argument a column
    tx: Transaction,
    store_id: int,
    name: str,
    hashed: bytes,
    scopes: frozenset[TokenScope],
    now: datetime,
    expires_at: datetime | None = None,
) -> UUID:
    token_id = ids.new()
    await tx.execute(
        insert(api_tokens).values(
            store_id=store_id,
            id=token_id,
            name=name,
            hash=hashed,
            scopes=" ".join(sorted(scopes)),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token_id


async def credential(tx: Transaction, store_id: int | None, hashed: bytes) -> Credential | None:
    """Return what is known of the token, which may be revoked or expired; None when there is no such token.

    `store_id` is None for a token of an earlier release: it is looked for in all stores.
    """
    if store_id is None:
        row = (await tx.execute(_CREDENTIAL_BY_HASH, {"hash": hashed})).one_or_none()
    else:
        row = (await tx.execute(_CREDENTIAL, {"hash": hashed, "store": store_id})).one_or_none()
    if row is None:
        return None
    principal = Principal(_store(row), row.token_id, _scopes(row.scopes), row.expires_at, row.token_name)
    return Credential(principal, row.revoked_at)


async def valid_tokens(tx: Transaction, keys: Collection[tuple[int, UUID]], now: datetime) -> set[tuple[int, UUID]]:
    """Return the tokens, each by its store and id, that are neither revoked nor expired: by one statement for all."""
    tokens = api_tokens.c
    valid = tokens.revoked_at.is_(None), or_(tokens.expires_at.is_(None), tokens.expires_at > now)
    is_key = tuple_(tokens.store_id, tokens.id).in_(bindparam("keys", expanding=True, type_=TupleType(Integer, Id)))
    rows = await tx.execute(select(tokens.store_id, tokens.id).where(is_key, *valid), {"keys": list(keys)})
    return {(row.store_id, row.id) for row in rows}


async def tokens(tx: Transaction, store_id: int) -> list[ApiToken]:
    """Return the store's tokens that are not revoked, the newest first."""
    statement = select(*_TOKEN).where(api_tokens.c.store_id == store_id, api_tokens.c.revoked_at.is_(None))
    return [_token(row) for row in await tx.execute(statement.order_by(api_tokens.c.id.desc()))]


async def tokens_by_id(tx: Transaction, store_id: int, token_ids: Sequence[UUID]) -> dict[UUID, ApiToken]:
    """Return those of the tokens that are not revoked."""
    is_token = api_tokens.c.store_id == store_id, api_tokens.c.id.in_(token_ids), api_tokens.c.revoked_at.is_(None)
    return {row.id: _token(row) for row in await tx.execute(select(*_TOKEN).where(*is_token))}


async def count_tokens(tx: Transaction, store_id: int) -> int:
    statement = select(func.count()).select_from(api_tokens)
    count: int = await tx.scalar(statement.where(api_tokens.c.store_id == store_id, api_tokens.c.revoked_at.is_(None)))
    return count


async def record_use(tx: Transaction, store_id: int, token_id: UUID, now: datetime) -> None:
    """Store when the token was used, once a minute: so that reading does not write at every request."""
    stale = or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at < now - _USE_RECORDED_EVERY)
    await tx.execute(
        update(api_tokens)
        .where(and_(api_tokens.c.store_id == store_id, api_tokens.c.id == token_id, stale))
        .values(last_used_at=now)
    )


async def revoke_token(tx: Transaction, store_id: int, token_id: UUID, now: datetime) -> bool:
    """Revoke the token. Return False when the store has no such token that is not revoked yet."""
    revoked = await tx.execute(
        update(api_tokens)
        .where(api_tokens.c.store_id == store_id, api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return bool(revoked.rowcount)


async def installations(tx: Transaction, store_id: int) -> dict[str, Installation]:
    rows = await tx.execute(
        select(
            channel_installations.c.channel,
            channel_installations.c.installed_at,
            channel_installations.c.settings,
            channel_installations.c.package,
        ).where(channel_installations.c.store_id == store_id)
    )
    return {row.channel: Installation(row.channel, row.installed_at, row.settings, row.package) for row in rows}


async def install(
    tx: Transaction,
    store_id: int,
    channel: str,
    settings: bytes | None,
    now: datetime,
    package: str | None = None,
) -> None:
    """Install a channel of a package, or change its settings; what is None leaves what is stored as it is."""
    statement = insert_into(channel_installations, tx.dialect).values(
        store_id=store_id, channel=channel, installed_at=now, settings=settings, package=package
    )
    keys = ["store_id", "channel"]
    changes = {name: value for name, value in (("settings", settings), ("package", package)) if value is not None}
    if changes:
        await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))
    else:
        await tx.execute(statement.on_conflict_do_nothing(index_elements=keys))


async def is_repeated(
    tx: Transaction, store_id: int, key: str, request: bytes, subject_id: UUID, now: datetime
) -> bool:
    """Store the key with its request. Return whether the same request came with it before.

    Raise DomainError when another request came with it.
    """
    inserted = await tx.execute(
        insert_into(idempotency_keys, tx.dialect)
        .values(
            store_id=store_id,
            key=check_idempotency_key(key),
            request=request,
            subject_id=subject_id,
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    if inserted.rowcount:
        return False
    earlier_request = await tx.scalar(
        select(idempotency_keys.c.request).where(idempotency_keys.c.store_id == store_id, idempotency_keys.c.key == key)
    )
    if earlier_request != request:
        raise DomainError(
            "This idempotency key came with another request before: use a new one",
            field=("idempotencyKey",),
            code=ErrorCode.IDEMPOTENCY_CONFLICT,
        )
    return True


def _store(row: AnyRow) -> Store:
    limits = Limits(row.static_segment_members, row.property_conditions)
    return Store(row.id, row.name, row.timezone, row.currency, limits, row.audit_days)


def _token(row: AnyRow) -> ApiToken:
    return ApiToken(row.id, row.name, _scopes(row.scopes), row.created_at, row.expires_at, row.last_used_at)


def _scopes(stored: str) -> frozenset[TokenScope]:
    return frozenset(TokenScope(name) for name in stored.split())
