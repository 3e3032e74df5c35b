"""A token gives access to its store, and to nothing else."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.requests import HTTPConnection

from api.audit_trail import AuditTrail
from api.authentication import TokenAuthenticator
from domain.kit.db import Database
from domain.stores import queries
from domain.stores.model import Principal, TokenScope, new_token, token_hash
from domain.stores.tables import api_tokens
from tests.factories import NOW, add_store


async def authenticate(database: Database, authorization: str) -> Principal | None:
    headers = [(b"authorization", authorization.encode())]
    return await TokenAuthenticator(database, lambda: NOW, AuditTrail(database)).authenticate(
        HTTPConnection({"type": "http", "headers": headers})
    )


async def make_token(database: Database, store_id: int) -> tuple[str, UUID]:
    token = new_token(store_id)
    return token, await store_token(database, store_id, token)


async def store_token(database: Database, store_id: int, token: str) -> UUID:
    hashed = token_hash(token)
    assert hashed is not None
    async with database.write() as tx:
        return await queries.add_token(tx, store_id, "test", hashed, frozenset({TokenScope.READ}), NOW)


async def test_a_token_gives_access_to_its_store(database: Database, store_id: int) -> None:
    token, _ = await make_token(database, store_id)
    principal = await authenticate(database, f"Bearer {token}")
    assert principal is not None
    assert principal.store.id == store_id
    assert principal.may(TokenScope.READ)
    assert not principal.may(TokenScope.SEND)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic {}", "{}", "Bearer {}x"])
async def test_a_malformed_token_is_refused(database: Database, store_id: int, authorization: str) -> None:
    token, _ = await make_token(database, store_id)
    assert await authenticate(database, authorization.format(token)) is None


async def test_a_token_of_an_earlier_release_which_has_no_number_gives_access_to_its_store(
    database: Database, store_id: int
) -> None:
    old_token = "muster_pXb8hEnqzkm4VQbTePKPcDNKq7Xw4XBsxtvGwJeNsoTT3nZ14"
    assert await authenticate(database, f"Bearer {old_token}") is None
    async with database.write() as tx:
        other_store = await add_store(tx)
    await make_token(database, store_id)
    await store_token(database, other_store, old_token)
    principal = await authenticate(database, f"Bearer {old_token}")
    assert principal is not None
    assert principal.store.id == other_store


async def test_a_token_gives_no_access_to_a_store_whose_number_it_has_not(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        other_store = await add_store(tx)
    token = new_token(other_store)
    await store_token(database, store_id, token)
    assert await authenticate(database, f"Bearer {token}") is None


async def test_a_revoked_token_is_refused_at_once(database: Database, store_id: int) -> None:
    token, token_id = await make_token(database, store_id)
    assert await authenticate(database, f"Bearer {token}") is not None
    async with database.write() as tx:
        assert await queries.revoke_token(tx, store_id, token_id, NOW)
    assert await authenticate(database, f"Bearer {token}") is None


async def test_the_use_of_a_token_is_recorded(database: Database, store_id: int) -> None:
    token, token_id = await make_token(database, store_id)
    await authenticate(database, f"bearer {token}")
    async with database.read() as tx:
        used = await tx.scalar(select(api_tokens.c.last_used_at).where(api_tokens.c.id == token_id))
    assert used == NOW


async def test_the_use_of_a_token_is_recorded_once_a_minute(database: Database, store_id: int) -> None:
    token, token_id = await make_token(database, store_id)
    times = iter([NOW, NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=1)])
    authenticator = TokenAuthenticator(database, lambda: next(times), AuditTrail(database))
    request = HTTPConnection({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})
    for _ in range(2):
        assert await authenticator.authenticate(request) is not None
    async with database.read() as tx:
        used = await tx.scalar(select(api_tokens.c.last_used_at).where(api_tokens.c.id == token_id))
    assert used == NOW
