"""Sign-ins, refusals and downloads are on record; of a flood, a few are (S11)."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select
from starlette.requests import HTTPConnection

from api.audit_trail import AuditTrail, Thinning
from api.authentication import TokenAuthenticator
from domain.audit.model import Actor, ActorKind, AuditEntry, AuditOutcome, AuditSubject
from domain.audit.tables import audit_entries
from domain.kit.db import Database
from domain.stores import queries
from domain.stores.model import TokenScope, new_token, token_hash
from tests.factories import NOW

TILL = Actor(ActorKind.TOKEN, "the till")


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def entries(database: Database) -> list[Mapping[str, Any]]:
    async with database.read() as tx:
        rows = await tx.execute(select(audit_entries).order_by(audit_entries.c.at, audit_entries.c.id))
        return [dict(row) for row in rows.mappings()]


def connection(token: str, address: str) -> HTTPConnection:
    headers = [(b"authorization", f"Bearer {token}".encode())]
    return HTTPConnection({"type": "http", "headers": headers, "client": (address, 1)})


async def make_token(database: Database, store_id: int) -> str:
    token = new_token(store_id)
    hashed = token_hash(token)
    assert hashed is not None
    async with database.write() as tx:
        await queries.add_token(tx, store_id, "the till", hashed, frozenset({TokenScope.READ}), NOW)
    return token


def test_of_what_is_equal_the_first_ones_are_recorded_and_then_each_power_of_ten() -> None:
    timer = Timer()
    thinning = Thinning(3, 60, timer)
    recorded = [number for _ in range(1_100) if (number := thinning.count("a")) is not None]
    assert recorded == [1, 2, 3, 10, 100, 1_000]
    assert thinning.count("b") == 1
    timer.now = 60
    assert thinning.count("a") == 1


def test_ten_thousand_kinds_are_remembered() -> None:
    thinning = Thinning(1, 60, Timer())
    assert [thinning.count(number) for number in (*range(10_000), 0, 10_000, 0)][-3:] == [None, 1, 1]


async def test_the_first_use_of_a_token_from_an_address_is_a_sign_in(database: Database, store_id: int) -> None:
    token, timer = await make_token(database, store_id), Timer()
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"):
        # Each in a process of its own, and twice there.
        authenticator = TokenAuthenticator(database, lambda: NOW, AuditTrail(database, timer))
        for _ in range(2):
            assert await authenticator.authenticate(connection(token, address)) is not None
    rows = await entries(database)
    assert [(row["action"], row["outcome"], row["actor_name"], row["address"]) for row in rows] == [
        ("signIn", "DONE", "the till", "192.0.2.1"),
        ("signIn", "DONE", "the till", "192.0.2.2"),
        ("signIn", "DONE", "the till", "2001:db8::1"),
        ("signIn", "DONE", "the till", "2001:db8::2"),
    ]


async def test_a_token_that_travels_is_recorded_a_hundred_times_a_day(database: Database, store_id: int) -> None:
    token = await make_token(database, store_id)
    authenticator = TokenAuthenticator(database, lambda: NOW, AuditTrail(database, Timer()))
    for number in range(120):
        await authenticator.authenticate(connection(token, f"192.0.2.{number}"))
    assert len(await entries(database)) == 100


async def test_a_token_that_is_revoked_or_expired_is_refused_on_record(database: Database, store_id: int) -> None:
    token = await make_token(database, store_id)
    async with database.write() as tx:
        [stored] = await queries.tokens(tx, store_id)
        await queries.revoke_token(tx, store_id, stored.id, NOW)
    authenticator = TokenAuthenticator(database, lambda: NOW, AuditTrail(database))
    assert await authenticator.authenticate(connection(token, "192.0.2.1")) is None
    # Of a token that is none, nobody knows whose log would record it.
    assert await authenticator.authenticate(connection(new_token(store_id), "192.0.2.1")) is None
    [row] = await entries(database)
    assert (row["action"], row["outcome"], row["codes"], row["token_id"]) == ("signIn", "REFUSED", "REVOKED", stored.id)


async def test_a_flood_of_refusals_leaves_a_few_entries(database: Database, store_id: int) -> None:
    trail = AuditTrail(database, Timer())
    refused = AuditEntry(TILL, "segmentCreate", AuditOutcome.REFUSED, asked={"a": 1}, codes=("INVALID",))
    for _ in range(150):
        await trail.refuse(store_id, refused)
    rows = await entries(database)
    assert len(rows) == 11
    assert rows[0]["asked"] == {"a": 1}
    assert rows[-1]["asked"] == {"a": 1, "timesThisHour": 100}
    await trail.refuse(store_id, AuditEntry(TILL, "segmentUpdate", AuditOutcome.REFUSED))
    assert len(await entries(database)) == 12


async def test_a_file_is_not_handed_out_that_cannot_be_recorded(database: Database) -> None:
    trail, subject = AuditTrail(database), AuditSubject("Operation", "x")
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await trail.download(7, subject, "192.0.2.1")
