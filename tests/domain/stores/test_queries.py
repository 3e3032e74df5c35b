"""Stores and what gives access to them, as stored."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain.kit import ids
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.stores import queries
from domain.stores.model import Credential, Limits, Principal, Store, TokenScope
from domain.stores.queries import Installation
from domain.stores.tables import api_tokens
from tests.factories import NOW, add_store

HASH = bytes(range(32))
SCOPES = frozenset({TokenScope.READ, TokenScope.SEND})
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def add_token(tx: Transaction, store_id: int, expires_at: datetime | None = None) -> UUID:
    token_id = await queries.add_token(tx, store_id, "the till", HASH, SCOPES, NOW)
    await tx.execute(update(api_tokens).values(expires_at=expires_at))
    return token_id


async def test_a_store_begins_with_the_limits_of_every_store(database: Database) -> None:
    async with database.write() as tx:
        assert await queries.first(tx) is None
        store = await queries.create(tx, "Tea", "Asia/Taipei", "TWD", NOW)
        assert store == Store(store.id, "Tea", "Asia/Taipei", "TWD", Limits(10_000, 5))
        assert await queries.by_id(tx, store.id) == await queries.lock(tx, store.id) == store
        assert await queries.timezone_of(tx, store.id) == "Asia/Taipei"
        second = await queries.create(tx, "Silk", "UTC", "EUR", NOW)
        assert await queries.first(tx) == store
        assert await queries.all_ids(tx) == [store.id, second.id]
        assert await queries.by_id(tx, second.id + 1) is None


async def is_valid(tx: Transaction, store_id: int | None, hashed: bytes, now: datetime) -> bool:
    credential = await queries.credential(tx, store_id, hashed)
    return credential is not None and credential.is_valid(now)


async def test_a_token_signs_its_store_in(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        token_id = await add_token(tx, store_id)
        store = await queries.by_id(tx, store_id)
        assert store is not None
        expected = Credential(Principal(store, token_id, SCOPES, None, "the till"), None)
        assert await queries.credential(tx, store_id, HASH) == expected
        assert await queries.credential(tx, store_id, HASH[::-1]) is None
        assert await queries.credential(tx, await add_store(tx), HASH) is None
        # As tokens of earlier releases are looked for.
        assert await queries.credential(tx, None, HASH) == expected
        assert await queries.credential(tx, None, HASH[::-1]) is None


async def test_a_token_signs_nobody_in_from_the_moment_at_which_it_expires(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await add_token(tx, store_id, expires_at=NOW)
        assert await is_valid(tx, store_id, HASH, NOW - SECOND)
        assert not await is_valid(tx, store_id, HASH, NOW)


async def test_a_token_that_is_revoked_signs_nobody_in(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        token_id, other_store = await add_token(tx, store_id), await add_store(tx)
        assert not await queries.revoke_token(tx, other_store, token_id, NOW)
        assert await is_valid(tx, store_id, HASH, NOW)
        assert await queries.revoke_token(tx, store_id, token_id, NOW)
        assert not await is_valid(tx, store_id, HASH, NOW)
        assert not await queries.revoke_token(tx, store_id, token_id, NOW + MINUTE)
        assert await tx.scalar(select(api_tokens.c.revoked_at)) == NOW


async def test_of_the_tokens_of_several_stores_those_are_known_that_are_still_valid(
    database: Database, store_id: int
) -> None:
    async with database.write() as tx:
        other_store = await add_store(tx)
        expiries = {
            "a": (store_id, None),
            "b": (other_store, NOW + SECOND),
            "c": (store_id, NOW),
            "d": (store_id, None),
        }
        keys: dict[str, tuple[int, UUID]] = {}
        for number, (name, (owner, expires_at)) in enumerate(expiries.items()):
            token_id = await queries.add_token(tx, owner, name, bytes([number] * 32), SCOPES, NOW, expires_at)
            keys[name] = owner, token_id
        await queries.revoke_token(tx, *keys["d"], NOW)
        of_another_store = store_id, keys["b"][1]
        valid = await queries.valid_tokens(tx, [*keys.values(), of_another_store], NOW)
    assert valid == {keys["a"], keys["b"]}


async def test_the_use_of_a_token_is_stored_once_a_minute(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        token_id = await add_token(tx, store_id)
        used: list[datetime] = []
        for moment in (NOW, NOW + MINUTE, NOW + MINUTE + SECOND):
            await queries.record_use(tx, store_id, token_id, moment)
            used.append(await tx.scalar(select(api_tokens.c.last_used_at)))
    assert used == [NOW, NOW, NOW + MINUTE + SECOND]


async def test_the_same_request_is_known_by_its_idempotency_key(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        other_store, subject = await add_store(tx), ids.new()
        assert not await queries.is_repeated(tx, store_id, "k1", HASH, subject, NOW)
        assert await queries.is_repeated(tx, store_id, "k1", HASH, subject, NOW)
        assert not await queries.is_repeated(tx, store_id, "k2", HASH, subject, NOW)
        assert not await queries.is_repeated(tx, other_store, "k1", HASH[::-1], subject, NOW)


async def test_another_request_with_a_known_idempotency_key_is_refused(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        await queries.is_repeated(tx, store_id, "k1", HASH, ids.new(), NOW)
        with pytest.raises(DomainError) as refused:
            await queries.is_repeated(tx, store_id, "k1", HASH[::-1], ids.new(), NOW)
    assert (refused.value.code, refused.value.field) == (ErrorCode.IDEMPOTENCY_CONFLICT, ("idempotencyKey",))


async def test_a_channel_that_is_installed_again_keeps_what_is_not_given(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        for settings, package in ((b"first", "a"), (None, "b"), (b"second", None)):
            await queries.install(tx, store_id, "email", settings, NOW, package)
            await queries.install(tx, store_id, "email", None, NOW + MINUTE)
            last = "a" if settings == b"first" else "b"
            assert await queries.installations(tx, store_id) == {
                "email": Installation("email", NOW, settings or b"first", last)
            }
        assert await queries.installations(tx, await add_store(tx)) == {}
