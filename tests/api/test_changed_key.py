"""A server that was started with another MUSTER_SECRET_KEY says so wherever a channel's settings matter."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import insert

from api import doctor
from api.app import create_app
from api.settings import Settings
from api.wiring import Runtime, build
from api.workers.handlers import JOB_KINDS
from api.workers.leases import LeaseKeeper
from api.workers.runner import work
from domain import jobs
from domain.campaigns import launch
from domain.campaigns import queries as campaigns
from domain.campaigns.model import Campaign, CampaignStatus
from domain.customers.tables import contacts
from domain.kit.db import Database
from domain.stores import queries as stores
from domain.stores.model import TokenScope, new_token, token_hash
from tests.domain.campaigns.stage import add_campaign, add_customer, add_list
from tests.factories import NOW

MAIL = {"host": "127.0.0.1", "security": "none", "fromAddress": "shop@shop.example"}
CONTENT = {"subject": "Hi", "html": "<p>Hi</p>"}


def runtime_of(url: str, key: str) -> Runtime:
    return build(Settings(database_url=url, secret_key=SecretStr(key)))


@pytest.fixture
async def restarted(database_url: str, store_id: int) -> AsyncIterator[Runtime]:
    """The server after the change; the channel was configured before it."""
    before = runtime_of(database_url, "the key of yesterday")
    async with before.database.write() as tx:
        await before.services.channels.configure(tx, store_id, "email", MAIL, NOW)
    await before.close()
    runtime = runtime_of(database_url, "the key of today")
    yield runtime
    await runtime.close()


@pytest.fixture
async def campaign(database: Database, store_id: int) -> Campaign:
    async with database.write() as tx:
        await add_customer(tx, store_id, 1, consent=None)
        row = {"store_id": store_id, "customer_id": 1, "channel": "email", "consent": "SUBSCRIBED", "invalid": False}
        await tx.execute(insert(contacts).values(row))
        return await add_campaign(tx, store_id, await add_list(tx, store_id, [1]), channel="email", content=CONTENT)


async def ask(runtime: Runtime, store_id: int, query: str, **variables: object) -> Any:
    token = new_token(store_id)
    hashed = token_hash(token)
    assert hashed is not None
    async with runtime.database.write() as tx:
        await stores.add_token(tx, store_id, "test", hashed, frozenset({TokenScope.ADMIN}), NOW)
    transport = httpx.ASGITransport(create_app(runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://muster") as client:
        answer = await client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 200
    return answer.json()


async def run_jobs(runtime: Runtime) -> None:
    async with runtime.database.read() as tx:
        due = await jobs.due(tx, 10)
    assert due
    for notice in due:
        await work(runtime.services, JOB_KINDS, "worker", LeaseKeeper(), notice.store_id, notice.job_id)


async def status_and_problem(database: Database, store_id: int, campaign_id: UUID) -> tuple[CampaignStatus, str]:
    async with database.read() as tx:
        campaign = await campaigns.by_id(tx, store_id, campaign_id)
    assert campaign is not None
    return campaign.status, campaign.problem or ""


async def test_the_channel_is_shown_without_its_settings(restarted: Runtime, store_id: int) -> None:
    answer = await ask(restarted, store_id, "{ channels { key installed configured settings } }")
    assert answer == {"data": {"channels": [{"key": "email", "installed": True, "configured": True, "settings": None}]}}


async def test_a_campaign_is_refused_with_the_variable_to_look_at(
    restarted: Runtime, store_id: int, campaign: Campaign
) -> None:
    created = await ask(
        restarted,
        store_id,
        "mutation ($input: CampaignInput!) { campaignCreate(input: $input) { userErrors { code message field } } }",
        input={"name": "July", "channel": "email", "content": CONTENT, "acceptMarketing": "ACCEPTED_ONLY"},
    )
    assert created["data"]["campaignCreate"]["userErrors"]
    listed = await ask(restarted, store_id, "{ campaigns { nodes { reach { recipients } problem } } }")
    (node,) = listed["data"]["campaigns"]["nodes"]
    assert node["reach"] is None
    assert "MUSTER_SECRET_KEY" in node["problem"]


async def test_the_channel_can_be_configured_again_once_the_lost_key_is_replaced(
    restarted: Runtime, store_id: int, campaign: Campaign
) -> None:
    mutation = (
        'mutation ($settings: JSON!) { channelConfigure(key: "email", settings: $settings) '
        "{ channel { settings } userErrors { message } } }"
    )
    refused = await ask(restarted, store_id, mutation, settings=MAIL)
    assert "MUSTER_SECRET_KEY" in refused["data"]["channelConfigure"]["userErrors"][0]["message"]
    async with restarted.database.write() as tx:
        await restarted.services.keys.replace(tx)
    configured = await ask(restarted, store_id, mutation, settings=MAIL)
    assert configured["data"]["channelConfigure"]["userErrors"] == []
    listed = await ask(restarted, store_id, "{ campaigns { nodes { reach { recipients } } } }")
    assert listed["data"]["campaigns"]["nodes"] == [{"reach": {"recipients": 1}}]


async def test_a_campaign_on_its_way_waits_and_says_why(
    restarted: Runtime, database_url: str, database: Database, store_id: int, campaign: Campaign
) -> None:
    async with restarted.database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
    await run_jobs(restarted)
    status, problem = await status_and_problem(database, store_id, campaign.id)
    assert status is CampaignStatus.SENDING
    assert "MUSTER_SECRET_KEY" in problem


async def test_a_batch_on_its_way_waits_and_says_why(
    restarted: Runtime, database_url: str, database: Database, store_id: int, campaign: Campaign
) -> None:
    before = runtime_of(database_url, "the key of yesterday")
    async with before.database.write() as tx:
        await launch.start(tx, store_id, campaign.id)
    await run_jobs(before)
    await before.close()
    await run_jobs(restarted)
    status, problem = await status_and_problem(database, store_id, campaign.id)
    assert status is CampaignStatus.SENDING
    assert "MUSTER_SECRET_KEY" in problem


async def test_the_doctor_names_store_and_variable(restarted: Runtime, store_id: int) -> None:
    failures = [check for check in await doctor.run_checks(restarted) if not check.passed]
    assert [check.name for check in failures] == ["keys", "channels"]
    assert f"store {store_id}" in failures[1].message
    assert ["MUSTER_SECRET_KEY" in failure.message for failure in failures] == [True, True]


async def test_the_server_is_not_ready_and_reads_no_links(restarted: Runtime, store_id: int) -> None:
    transport = httpx.ASGITransport(create_app(restarted))
    async with httpx.AsyncClient(transport=transport, base_url="http://muster") as client:
        ready, link = await client.get("/readyz"), await client.get("/unsubscribe/anything")
    assert (ready.status_code, link.status_code) == (503, 503)
    assert "MUSTER_SECRET_KEY" in ready.json()["faults"][0]
    assert "MUSTER" not in link.text
