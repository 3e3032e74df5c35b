"""The page behind an unsubscribe link."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from api.app import create_app
from api.settings import Settings
from api.wiring import Runtime, build
from domain.consents.links import UnsubscribeToken
from domain.customers import actions, queries
from domain.customers.model import Consent, ContactChange, CustomerChange
from domain.customers.upsert import upsert
from domain.kit.db import Database
from domain.privacy import erasure
from domain.receipts.tables import receipts
from tests.factories import NOW
from tests.fakes import SUPPRESSION_KEY

CAMPAIGN = UUID("0197c0de-0000-7000-8000-000000000001")
ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    runtime = build(Settings(database_url=database_url, secret_key=SecretStr("a key for tests alone")))
    yield runtime
    await runtime.close()


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    # An exception is answered with 500, as a server does.
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
async def customer_id(database: Database, store_id: int) -> int:
    async with database.write() as tx:
        subscribed = ContactChange("email", consent=Consent.SUBSCRIBED)
        customer, _ = await upsert(tx, store_id, CustomerChange(email="ann@shop.example", contacts=[subscribed]), NOW)
    return customer.id


@pytest.fixture
async def link(runtime: Runtime, store_id: int, customer_id: int) -> str:
    return (await runtime.services.links()).url(UnsubscribeToken(store_id, customer_id, CAMPAIGN, "email"))


async def consent(database: Database, store_id: int, customer_id: int) -> Consent:
    async with database.read() as tx:
        (contact,) = (await queries.contacts_of(tx, store_id, [customer_id]))[customer_id]
    return contact.consent


async def test_opening_the_page_changes_nothing_and_shows_a_button(
    client: httpx.AsyncClient, database: Database, store_id: int, customer_id: int, link: str
) -> None:
    for answer in (await client.get(link), await client.head(link)):
        assert answer.status_code == 200
    page = await client.get(link)
    assert '<form method="post">' in page.text
    assert "<button" in page.text
    assert await consent(database, store_id, customer_id) is Consent.SUBSCRIBED


async def test_the_button_unsubscribes_and_may_be_pressed_twice(
    client: httpx.AsyncClient, database: Database, store_id: int, customer_id: int, link: str
) -> None:
    for _ in range(2):
        answer = await client.post(link)
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
        assert await consent(database, store_id, customer_id) is Consent.UNSUBSCRIBED


async def test_a_link_is_evidence_of_its_message_once(
    client: httpx.AsyncClient, database: Database, store_id: int, customer_id: int, link: str
) -> None:
    for _ in range(2):
        await client.post(link)
    async with database.read() as tx:
        rows = (await tx.execute(select(receipts.c.kind, receipts.c.campaign_id, receipts.c.customer_id))).all()
    assert [tuple(row) for row in rows] == [("UNSUBSCRIBED", CAMPAIGN, customer_id)]


async def test_a_mailbox_provider_unsubscribes_by_one_click(
    client: httpx.AsyncClient, database: Database, store_id: int, customer_id: int, link: str
) -> None:
    answer = await client.post(link, content=ONE_CLICK, headers=FORM)
    assert (answer.status_code, answer.text) == (200, "Unsubscribed.")
    assert await consent(database, store_id, customer_id) is Consent.UNSUBSCRIBED


async def test_a_one_click_may_be_multipart(client: httpx.AsyncClient, link: str) -> None:
    answer = await client.post(link, files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"\xff" * 100, b"=" * 100_000, b"a=b&&&c"])
async def test_a_post_unsubscribes_whatever_its_form_holds(
    client: httpx.AsyncClient, database: Database, store_id: int, customer_id: int, link: str, body: bytes
) -> None:
    assert (await client.post(link, content=body, headers=FORM)).status_code == 200
    assert await consent(database, store_id, customer_id) is Consent.UNSUBSCRIBED


@pytest.mark.parametrize("token", ["x", "A" * 58, "A" * 5_000, "%F0%9F%90%A6", "%00", "%FF"])
async def test_an_unknown_link_is_not_found(client: httpx.AsyncClient, token: str) -> None:
    for answer in (await client.get(f"/unsubscribe/{token}"), await client.post(f"/unsubscribe/{token}")):
        assert answer.status_code == 404
        assert "This link does not work" in answer.text


@pytest.mark.parametrize("erase", [False, True])
async def test_the_link_of_a_deleted_customer_still_works(
    client: httpx.AsyncClient, database: Database, store_id: int, customer_id: int, link: str, erase: bool
) -> None:
    async with database.write() as tx:
        if erase:
            await erasure.erase(tx, SUPPRESSION_KEY, store_id, customer_id, NOW)
        else:
            await actions.remove(tx, store_id, customer_id, NOW)
    assert (await client.get(link)).status_code == 200
    assert (await client.post(link)).status_code == 200


async def test_the_link_of_an_unknown_customer_is_harmless(
    client: httpx.AsyncClient, runtime: Runtime, store_id: int
) -> None:
    link = (await runtime.services.links()).url(UnsubscribeToken(store_id, 999, CAMPAIGN, "email"))
    assert (await client.post(link)).status_code == 200


async def test_the_page_is_neither_cached_nor_framed(client: httpx.AsyncClient, link: str) -> None:
    for answer in (await client.get(link), await client.post(link), await client.get("/unsubscribe/x")):
        headers = answer.headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
    assert (await client.put(link)).status_code == 405
