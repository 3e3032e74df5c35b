"""Accounts at providers over the API: tested, connected at the provider's page, renewed by work that is due."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.doctor import run_checks
from domain.channels.tables import channel_authorizations, channel_works
from domain.kit.db.portable import database_now
from domain.stores.tables import channel_installations
from tests.plugins.isolation.accounts_stage import SPA, Accounts, open_accounts

CALLBACK = "http://muster.test/oauth/callback"


@pytest.fixture
async def accounts(database_url: str, tmp_path: Path) -> AsyncIterator[Accounts]:
    async with open_accounts(database_url, tmp_path / "files") as opened:
        yield opened


async def test_a_connection_is_tested(accounts: Accounts) -> None:
    await accounts.configure()
    accounts.loft.problems = ["The sender is not verified: verify it in the loft"]
    assert await accounts.test() == {
        "account": "Shop Ltd.",
        "problems": ["The sender is not verified: verify it in the loft"],
        "userErrors": [],
    }


@pytest.mark.parametrize("how", ["away", "token", "nobody"])
async def test_a_provider_that_is_away_or_refuses_is_a_user_error(accounts: Accounts, how: str) -> None:
    await accounts.configure(**({"apiBaseUrl": "http://127.0.0.1:9"} if how == "nobody" else {}))
    accounts.loft.away = how == "away"
    if how == "token":
        accounts.loft.token = "another"
    said = {
        "away": "The loft answered 503",
        "token": "The loft answered 401",
        "nobody": "127.0.0.1:9 could not be connected to",
    }[how]
    assert await accounts.test() == {
        "account": None,
        "problems": [],
        "userErrors": [{"field": ["key"], "message": said, "code": "CHANNEL_UNAVAILABLE"}],
    }


async def test_what_cannot_be_tested_is_said(accounts: Accounts) -> None:
    assert "not installed" in (await accounts.test())["userErrors"][0]["message"]
    await accounts.store.install("pigeon")
    assert "no settings" in (await accounts.test())["userErrors"][0]["message"]
    answer = await accounts.store.get('mutation { channelTest(key: "owl") { userErrors { field code } } }')
    assert answer["channelTest"]["userErrors"] == [{"field": ["key"], "code": "CHANNEL_UNAVAILABLE"}]


async def test_an_account_is_connected_at_the_providers_page(accounts: Accounts) -> None:
    begun = await accounts.connect()
    assert begun["userErrors"] == []
    assert begun["authorizationUrl"].startswith(f"{accounts.loft.url}/authorize?")
    assert await accounts.settings() is None
    callback = await accounts.consent(begun["authorizationUrl"])
    assert callback.startswith(CALLBACK)
    answer = await accounts.store.fetch(callback)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{SPA}/channels?a=1")
    assert await accounts.settings() == {**accounts.given, "accessToken": "first", "note": ""}
    assert await accounts.state() == {"connected": True}
    channel = await accounts.channel()
    assert channel["configured"]
    assert "accessToken" not in channel["settings"]
    assert (await accounts.test())["account"] == "Shop Ltd."

    again = await accounts.store.fetch(callback)
    assert again.status_code == 410
    assert "used before" in again.text
    assert accounts.loft.requests.count("POST /token") == 1


async def test_a_consent_that_is_denied_changes_nothing(accounts: Accounts) -> None:
    accounts.loft.denies = True
    begun = await accounts.connect(f'{SPA}/"><b>')
    denied = await accounts.store.fetch(await accounts.consent(begun["authorizationUrl"]))
    assert denied.status_code == 400
    assert "not allowed" in denied.text
    assert "<b>" not in denied.text
    assert f'href="{SPA}/' in denied.text
    assert await accounts.settings() is None


async def test_a_state_that_is_none_or_too_old_asks_nobody(accounts: Accounts) -> None:
    begun = await accounts.connect()
    callback = await accounts.consent(begun["authorizationUrl"])
    changed = callback.replace("state=", "state=A"), callback.replace("&code", "A&code")
    for wrong in (*changed, CALLBACK, f"{CALLBACK}?code=x&state=%00"):
        assert (await accounts.store.fetch(wrong)).status_code == 400, wrong
    accounts.stage.clock.forward(minutes=10)
    late = await accounts.store.fetch(callback)
    assert late.status_code == 400
    assert "no longer" in late.text
    assert "POST /token" not in accounts.loft.requests
    assert await accounts.settings() is None


@pytest.mark.parametrize("how", ["away", "code"])
async def test_a_provider_that_gives_no_token_leaves_the_channel_as_it_was(accounts: Accounts, how: str) -> None:
    await accounts.configure(note="mine")
    begun = await accounts.connect()
    callback = await accounts.consent(begun["authorizationUrl"])
    accounts.loft.away = how == "away"
    if how == "code":
        accounts.loft.codes.clear()
    answer = await accounts.store.fetch(callback)
    assert answer.status_code == 502
    assert f"The loft answered {503 if how == 'away' else 400}" in answer.text
    settings = await accounts.settings()
    assert settings is not None
    assert settings["note"] == "mine"
    assert await accounts.state() == {}


async def test_settings_that_the_model_refuses_are_not_stored(accounts: Accounts) -> None:
    begun = await accounts.connect(note="x" * 21)
    answer = await accounts.store.fetch(await accounts.consent(begun["authorizationUrl"]))
    assert answer.status_code == 502
    assert "20 characters" in answer.text
    assert await accounts.settings() is None


async def test_what_is_stored_of_an_authorization_is_sealed_and_of_one_store(accounts: Accounts) -> None:
    begun = await accounts.connect(accessToken="a secret of the shop")
    async with accounts.stage.runtime.database.read() as tx:
        row = (await tx.execute(select(channel_authorizations))).one()
    assert b"a secret of the shop" not in row.settings
    assert "a secret of the shop" not in begun["authorizationUrl"]
    other = await accounts.stage.store("Other")
    await accounts.store.fetch(await accounts.consent(begun["authorizationUrl"]))
    async with accounts.stage.runtime.database.read() as tx:
        installed = select(channel_installations.c.store_id)
        assert (await tx.execute(installed)).scalars().all() == [accounts.store.store_id] != [other.store_id]
        assert await tx.scalar(select(func.count()).select_from(channel_authorizations)) == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://spa.example.evil.example/",
        "https://spa.example@evil.example/",
        "javascript:alert(1)//https://spa.example",
        "//spa.example/",
        "https://spa.example:8443/",
        "http://spa.example/",
        "https://spa.example\\@evil.example",
        "https://[",
        "",
    ],
)
async def test_nobody_is_led_to_another_page(accounts: Accounts, url: str) -> None:
    refused = await accounts.connect(url)
    assert refused["authorizationUrl"] is None
    assert [error["field"] for error in refused["userErrors"]] == [["returnUrl"]]
    async with accounts.stage.runtime.database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(channel_authorizations)) == 0


async def test_a_setting_that_the_provider_needs_is_named(accounts: Accounts) -> None:
    document = """mutation { channelConnect(key: "pigeon", settings: {}, returnUrl: "https://spa.example/") {
        userErrors { field message } } }"""
    answer = await accounts.store.get(document)
    assert answer["channelConnect"]["userErrors"] == [
        {"field": ["settings", "clientId"], "message": "A loft has a client ID"}
    ]


async def test_work_renews_a_token_once_an_interval(accounts: Accounts) -> None:
    await accounts.configure(note="mine")
    accounts.loft.renewed = {"accessToken": "second"}
    await accounts.work_periodically()
    settings = await accounts.settings()
    assert settings is not None
    assert (settings["accessToken"], settings["note"]) == ("second", "mine")
    await accounts.work_periodically()
    assert await accounts.state() == {"works": 1}
    await accounts.make_due()
    accounts.loft.renewed = None
    await accounts.work_periodically()
    assert await accounts.state() == {"works": 2}
    assert (await accounts.channel())["problem"] is None


async def test_work_that_fails_is_shown_until_it_does_not(accounts: Accounts) -> None:
    await accounts.configure()
    accounts.loft.away = True
    await accounts.work_periodically()
    assert (await accounts.channel())["problem"] == "The loft answered 503"
    (check,) = [check for check in await run_checks(accounts.stage.runtime) if check.name == "channels"]
    assert not check.passed
    assert "the work of pigeon fails: The loft answered 503" in check.message
    async with accounts.stage.runtime.database.read() as tx:
        row = (await tx.execute(select(channel_works, database_now(tx.dialect).label("now")))).one()
    assert timedelta(minutes=4) < row.due_at - row.now < timedelta(minutes=6)

    accounts.loft.away = False
    accounts.loft.renewed = {"note": "x" * 21}
    await accounts.make_due()
    await accounts.work_periodically()
    assert "20 characters" in (await accounts.channel())["problem"]
    assert await accounts.state() == {}
    accounts.loft.renewed = None
    await accounts.make_due()
    await accounts.work_periodically()
    assert (await accounts.channel())["problem"] is None


async def test_a_store_without_settings_has_no_work(accounts: Accounts) -> None:
    await accounts.store.install("pigeon")
    await accounts.work_periodically()
    assert accounts.loft.requests == []
    async with accounts.stage.runtime.database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(channel_works)) == 0
