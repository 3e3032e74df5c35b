"""Whoever sends tokens that are not valid is told to wait; a valid one signs in whatever others do (S5)."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import event
from starlette.requests import HTTPConnection

from api.audit_trail import AuditTrail
from api.authentication import TokenAuthenticator
from api.sign_in_throttle import SignInThrottle, TooManyFailures
from domain.kit.db import Database
from domain.stores import queries
from domain.stores.model import Principal, TokenScope, new_token, token_hash
from tests.factories import NOW
from tests.journeys.processes import server


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refusals(throttle: SignInThrottle, address: str | None, times: int) -> list[int]:
    """Return the seconds to wait of each failure that is refused."""
    waits: list[int] = []
    for _ in range(times):
        try:
            throttle.fail(address)
        except TooManyFailures as refused:
            waits.append(refused.retry_after)
    return waits


def test_the_eleventh_failure_of_a_minute_is_refused() -> None:
    timer = Timer()
    throttle = SignInThrottle(timer)
    assert refusals(throttle, "192.0.2.1", 10) == []
    timer.now = 20.5
    assert refusals(throttle, "192.0.2.1", 2) == [40, 40]
    assert refusals(throttle, "192.0.2.2", 10) == []
    timer.now = 60
    assert refusals(throttle, "192.0.2.1", 11) == [60]


def test_a_subscriber_of_version_6_has_one_count() -> None:
    throttle = SignInThrottle(Timer())
    for number in range(10):
        assert refusals(throttle, f"2001:db8:1:2::{number}", 1) == []
    assert refusals(throttle, "2001:db8:1:2:ffff::1", 1) == [60]
    assert refusals(throttle, "2001:db8:1:3::1", 1) == []
    assert refusals(throttle, None, 11) == [60]


def test_no_more_than_ten_thousand_addresses_are_remembered() -> None:
    throttle = SignInThrottle(Timer())
    refusals(throttle, "192.0.2.1", 10)
    for number in range(9_999):
        throttle.fail(f"10.0.{number // 256}.{number % 256}")
    assert refusals(throttle, "192.0.2.1", 1) == [60]
    throttle.fail("10.1.0.0")
    assert refusals(throttle, "192.0.2.1", 1) == []


def connection(token: str, address: str = "192.0.2.1") -> HTTPConnection:
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return HTTPConnection({"type": "http", "headers": headers, "client": (address, 1)})


async def test_a_valid_token_signs_in_from_an_address_that_must_wait(database: Database, store_id: int) -> None:
    token, statements = new_token(store_id), list[str]()
    hashed = token_hash(token)
    assert hashed is not None
    async with database.write() as tx:
        await queries.add_token(tx, store_id, "test", hashed, frozenset({TokenScope.READ}), NOW)
    authenticator = TokenAuthenticator(database, lambda: NOW, AuditTrail(database))

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        statements.append(sql)

    async def sign_in(token: str) -> Principal | None:
        statements.clear()
        return await authenticator.authenticate(connection(token))

    bad = new_token(store_id)
    for _ in range(10):
        assert await sign_in(bad) is None
        assert len(statements) == 1
    for refused in (bad, token + "x", "nonsense", new_token(store_id)):
        with pytest.raises(TooManyFailures):
            await sign_in(refused)
        # What is known to be no token is not looked up; only a token that was never seen is.
        assert len(statements) == (refused not in {bad, token + "x", "nonsense"})
    assert isinstance(await sign_in(token), Principal)
    # Whoever sends no token has not failed to sign in.
    assert await sign_in("") is None
    assert await authenticator.authenticate(connection(bad, "192.0.2.2")) is None


@pytest.mark.slow
@pytest.mark.parametrize(("proxies", "refused"), [("none", [429]), ("127.0.0.1", [])])
def test_the_address_that_a_proxy_names_is_believed_of_a_trusted_one_alone(
    tmp_path: Path, proxies: str, refused: list[int]
) -> None:
    with server({"MUSTER_TRUSTED_PROXIES": proxies}, tmp_path) as url, httpx.Client(base_url=url) as client:
        answers = [
            client.post(
                "/graphql",
                json={"query": "{ viewer { scopes } }"},
                headers={"Authorization": "Bearer x", "X-Forwarded-For": f"192.0.2.{number}"},
            )
            for number in range(11)
        ]
    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    assert [answer.status_code for answer in answers[10:] if answer.status_code != 401] == refused
    for answer in answers:
        if answer.status_code == 429:
            [error] = answer.json()["errors"]
            assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": int(answer.headers["retry-after"])}
