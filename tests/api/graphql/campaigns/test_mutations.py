"""Campaigns and channels: drawn up, refused for what is wrong with them, sent once."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from muster_sdk import Capabilities, Composer, Templates

from api.graphql.kit.global_ids import encode
from domain.kit import ids as fresh
from tests.api.graphql.stage import Json, Stage, StoreClient, attribute, faults, ids

ZERO = "The actual number of recipient is 0, please select again"
SEND = "id: $id, at: $at, idempotencyKey: $key"
PEOPLE = (
    {"externalId": "c1", "name": "Ann", "email": "ann@shop.example"},
    {"externalId": "c2", "name": "Bob", "email": "bob@shop.example", "tags": ["vip"]},
    {"externalId": "c3", "name": "Cho"},
)


async def audience(store: StoreClient, consent: str = "SUBSCRIBED") -> str:
    """A list of two who can be reached and one who cannot; the channel is installed."""
    contact = {"channel": "recording", "consent": consent}
    await store.customers(
        *({**item, "contacts": [{**contact, "address": item["email"]}]} if "email" in item else item for item in PEOPLE)
    )
    await store.install(settings={"account": "x"})
    return str((await store.segment())["list"]["id"])


async def send(store: StoreClient, gid: str, at: str | None = None, key: str | None = None) -> Json:
    return await store.mutate("campaignSend", SEND, "campaign { id status scheduledAt }", id=gid, at=at, key=key)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_faults_of_campaigns_are_told_with_their_paths(stage: Stage, store: StoreClient) -> None:
    list_id = await audience(store)
    good: dict[str, Any] = {
        "name": "July",
        "channel": "recording",
        "target": {"listId": list_id},
        "content": {"text": "Hi"},
    }
    unknown = {"listId": encode("CustomerList", fresh.new())}
    wrong: list[tuple[dict[str, Any], list[tuple[list[str], str]]]] = [
        (
            {"name": None, "channel": None, "target": None, "content": None},
            [([name], "REQUIRED") for name in ("name", "channel", "target", "content")],
        ),
        ({"name": " "}, [(["name"], "REQUIRED")]),
        ({"name": "x" * 101}, [(["name"], "INVALID")]),
        ({"channel": "pigeon"}, [(["channel"], "CHANNEL_UNAVAILABLE")]),
        ({"target": unknown}, [(["target", "listId"], "NOT_FOUND")]),
        ({"target": {"listId": encode("Segment", fresh.new())}}, [(["target", "listId"], "NOT_FOUND")]),
        ({"target": {"segmentId": encode("Segment", fresh.new())}}, [(["target", "segmentId"], "NOT_FOUND")]),
        ({"target": {"segmentId": "nonsense"}}, [(["target", "segmentId"], "NOT_FOUND")]),
        ({"exclude": [{"listId": list_id}, unknown]}, [(["exclude", "1", "listId"], "NOT_FOUND")]),
        ({"content": {}}, [(["content", "text"], "INVALID")]),
        ({"content": {"text": 5}}, [(["content", "text"], "INVALID")]),
        ({"content": {"text": "x", "more": 1}}, [(["content", "more"], "INVALID")]),
        ({"content": {"text": "{% for %}"}}, [(["content"], "INVALID")]),
        ({"content": [1]}, [(["content"], "INVALID")]),
        ({"utm": {"source": "x" * 2_000}}, [(["utm", "source"], "INVALID")]),
        (
            {"name": "", "target": unknown, "content": {}},
            [(["name"], "REQUIRED"), (["target", "listId"], "NOT_FOUND"), (["content", "text"], "INVALID")],
        ),
    ]
    gid = await store.campaign(list_id)
    for change, expected in wrong:
        placed = [(["input", *path], code) for path, code in expected]
        done = await store.mutate("campaignCreate", "input: $input", "campaign { id }", input={**good, **change})
        assert (faults(done), done["campaign"]) == (placed, None), change
        if None not in change.values():
            done = await store.mutate(
                "campaignUpdate", "id: $id, input: $input", "campaign { id }", id=gid, input=change
            )
            assert (faults(done), done["campaign"]) == (placed, None), change
    assert (await store.get("{ campaigns { totalCount } }"))["campaigns"]["totalCount"] == 1


async def test_a_campaign_is_changed_until_it_is_sent(stage: Stage, store: StoreClient) -> None:
    list_id = await audience(store)
    vips = (await store.segment("VIPs", include=attribute("tag", "IN", "vip")))["segment"]["id"]
    gid = await store.campaign(list_id)
    change = {
        "name": "August",
        "exclude": [{"segmentId": vips}],
        "content": {"text": "Hello {{ customer.name }}"},
        "acceptMarketing": "ALL_BUT_UNSUBSCRIBED",
        "utm": {"medium": "mail"},
    }
    answer = "campaign { name acceptMarketing content utm { medium } reach { recipients excluded { reason count } } }"
    done = await store.mutate("campaignUpdate", "id: $id, input: $input", answer, id=gid, input=change)
    assert done["userErrors"] == []
    assert done["campaign"] == {
        "name": "August",
        "acceptMarketing": "ALL_BUT_UNSUBSCRIBED",
        "content": {"text": "Hello {{ customer.name }}"},
        "utm": {"medium": "mail"},
        "reach": {
            "recipients": 1,
            "excluded": [{"reason": "EXCLUDED", "count": 1}, {"reason": "NO_ADDRESS", "count": 1}],
        },
    }
    later = (stage.clock.now + timedelta(hours=1)).isoformat()
    assert (await send(store, gid, at=later))["campaign"]["status"] == "SCHEDULED"
    await stage.work()
    assert stage.channel.sent == []
    stage.clock.forward(hours=2)
    await stage.work()
    assert [message.body for message in stage.channel.sent] == ["Hello Ann"]
    for mutation, arguments, more in (
        ("campaignSend", "id: $id", {}),
        ("campaignUpdate", "id: $id, input: $input", {"input": {"name": "Late"}}),
    ):
        done = await store.mutate(mutation, arguments, "campaign { id }", id=gid, **more)
        assert faults(done) == [(["id"], "INVALID_STATE")], mutation
    document = """{ sent: campaigns(status: [SENT]) { nodes { id } } drafts: campaigns(status: [DRAFT]) { totalCount }
        searched: campaigns(search: "aug", channel: "recording", first: 1) { nodes { name } }
        other: campaigns(channel: "none") { totalCount } }"""
    assert await store.get(document) == {
        "sent": {"nodes": [{"id": gid}]},
        "drafts": {"totalCount": 0},
        "searched": {"nodes": [{"name": "August"}]},
        "other": {"totalCount": 0},
    }


async def test_a_key_makes_sending_happen_once(stage: Stage, store: StoreClient) -> None:
    list_id = await audience(store)
    first, second = await store.campaign(list_id), await store.campaign(list_id, name="Again")
    for key in ("x" * 10_000, "x" * 201, "", "\u0007"):
        done = await send(store, first, key=key)
        assert faults(done) == [(["idempotencyKey"], "INVALID")], key
    assert faults(await send(store, first, at="2026-06-01T00:00:00Z", key="past")) == [(["at"], "INVALID")]
    assert (await send(store, first, key="k"))["campaign"]["status"] == "SENDING"
    replayed = await send(store, first, key="k")
    assert (replayed["userErrors"], replayed["campaign"]["id"]) == ([], first)
    await stage.work()
    assert (await send(store, first, key="k"))["campaign"]["status"] == "SENT"
    assert faults(await send(store, second, key="k")) == [(["idempotencyKey"], "IDEMPOTENCY_CONFLICT")]
    assert faults(await send(store, first, at="2027-01-01T00:00:00Z", key="k")) == [
        (["idempotencyKey"], "IDEMPOTENCY_CONFLICT")
    ]
    assert faults(await send(store, first, key="another")) == [(["id"], "INVALID_STATE")]
    assert faults(await send(store, encode("Campaign", fresh.new()), key="none")) == [(["id"], "NOT_FOUND")]
    assert faults(await send(store, encode("Segment", fresh.new()))) == [(["id"], "NOT_FOUND")]
    # A refusal is not remembered: the same key serves once the fault is mended.
    assert (await send(store, second, key="past"))["userErrors"] == []
    await stage.work()
    assert len(stage.channel.sent) == 4


async def test_nobody_to_send_to_and_lists_that_expired(stage: Stage, store: StoreClient) -> None:
    list_id = await audience(store, consent="UNSUBSCRIBED")
    gid = await store.campaign(list_id)
    done = await send(store, gid)
    assert faults(done) == [(["id"], "NO_RECIPIENTS")]
    assert done["userErrors"][0]["message"] == ZERO
    document = """query ($t: TargetInput!, $c: String!) {
        reach(target: $t, channel: $c) { audience recipients excluded { reason count } } }"""
    answer = await store.get(document, t={"listId": list_id}, c="recording")
    assert answer["reach"] == {
        "audience": 3,
        "recipients": 0,
        "excluded": [{"reason": "NO_ADDRESS", "count": 1}, {"reason": "UNSUBSCRIBED", "count": 2}],
    }
    [fault] = (await store.ask(document, t={"listId": list_id}, c="pigeon")).errors
    assert (fault["extensions"]["code"], fault["extensions"]["field"]) == ("CHANNEL_UNAVAILABLE", ["channel"])
    [fault] = (await store.ask(document, t={"listId": encode("CustomerList", fresh.new())}, c="recording")).errors
    assert (fault["extensions"]["code"], fault["extensions"]["field"]) == ("NOT_FOUND", ["target", "listId"])
    stage.clock.now += timedelta(days=181)
    assert faults(await send(store, gid)) == [(["id"], "EXPIRED")]
    done = await store.mutate(
        "campaignCreate",
        "input: $input",
        "campaign { id }",
        input={"name": "x", "channel": "recording", "target": {"listId": list_id}, "content": {"text": "Hi"}},
    )
    assert faults(done) == [(["input", "target", "listId"], "EXPIRED")]


async def test_a_channel_without_settings_is_a_sandbox(stage: Stage, store: StoreClient) -> None:
    answer = """channel { key label version package grade installed configured installedAt
        settingsSchema settings contentSchema
        capabilities { maxBatch deliveryReceipts openTracking clickTracking audienceSync idempotentSend } }"""
    [bare] = (await store.get("{ channels { key installed configured installedAt settings } }"))["channels"]
    assert bare == {"key": "recording", "installed": False, "configured": False, "installedAt": None, "settings": None}
    assert await store.get('{ channel(key: "none") { key } }') == {"channel": None}
    list_id = await _installed(store, answer)
    gid = await store.campaign(list_id, content={"text": "Hi {{ customer.name }}"})
    assert (await send(store, gid))["userErrors"] == []
    await stage.work()
    assert stage.channel.sent == []
    document = """query ($id: ID!) { campaign(id: $id) { status stats { sent }
        deliveries { nodes { id status message { subject html text payload } } } } }"""
    campaign = (await store.get(document, id=gid))["campaign"]
    assert (campaign["status"], campaign["stats"]["sent"]) == ("SENT", 2)
    first = campaign["deliveries"]["nodes"][0]
    expected = {"to": "ann@shop.example", "text": "Hi Ann"}
    assert first["message"] == {"subject": None, "html": None, "text": "Hi Ann", "payload": expected}
    request = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Delivery { status message { text } } } }"
    nodes = (await store.get(request, ids=[first["id"], encode("Delivery", (fresh.new(), 1)), "x"]))["nodes"]
    assert nodes == [{"id": first["id"], "status": "SENT", "message": {"text": "Hi Ann"}}, None, None]


async def _installed(store: StoreClient, answer: str) -> str:
    contacts = [{"channel": "recording", "address": "x@shop.example", "consent": "SUBSCRIBED"}]
    await store.customers(
        *({**item, "contacts": [{**contacts[0], "address": item["email"]}]} for item in PEOPLE if "email" in item)
    )
    settings = "key: $key, settings: $settings"
    for mutation in ("channelInstall", "channelConfigure"):
        done = await store.mutate(mutation, settings, answer, key="pigeon", settings={})
        assert faults(done) == [(["key"], "CHANNEL_UNAVAILABLE")]
        done = await store.mutate(mutation, settings, answer, key="recording", settings={"account": 5})
        assert faults(done) == [(["settings", "account"], "INVALID")]
        done = await store.mutate(mutation, settings, answer, key="recording", settings=[1])
        assert faults(done) == [(["settings"], "INVALID")]
    assert (await store.get("{ channels { installed } }"))["channels"] == [{"installed": False}]
    installed = (await store.mutate("channelInstall", "key: $key", answer, key="recording"))["channel"]
    assert (installed["installed"], installed["configured"], installed["settings"]) == (True, False, None)
    assert installed["settingsSchema"]["properties"]["account"]["type"] == "string"
    assert installed["contentSchema"]["required"] == ["text"]
    assert installed["capabilities"]["idempotentSend"] is False
    assert installed["grade"] == "BRONZE"
    item = answer.replace("channel {", "channel(key: $key) {", 1)
    assert await store.get(f"query ($key: String!) {{ {item} }}", key="recording") == {"channel": installed}
    listed = (await store.segment())["list"]["id"]
    actions = await store.get("query ($id: ID!) { list(id: $id) { actions { kind channel label } } }", id=listed)
    assert actions["list"]["actions"] == [{"kind": "BROADCAST", "channel": "recording", "label": "Recording"}]
    return str(listed)


async def test_what_nobody_can_be_shown(store: StoreClient) -> None:
    gid = await store.campaign(await audience(store))
    document = "query ($id: ID!, $c: ID) { campaign(id: $id) { preview(customerId: $c) { text } } }"
    for customer in (encode("Customer", 2**40), encode("Segment", fresh.new()), "x"):
        refused = await store.ask(document, id=gid, c=customer)
        [fault] = refused.errors
        assert (fault["extensions"]["code"], fault["extensions"]["field"]) == ("NOT_FOUND", ["customerId"])
    assert (await store.get(document, id=gid))["campaign"]["preview"] == {"text": "Hi"}
    page = (await store.get("{ campaigns(last: 5) { nodes { id } } }"))["campaigns"]
    assert ids(page) == [gid]


async def test_a_preview_has_what_the_channel_remarks_and_estimates(stage: Stage, store: StoreClient) -> None:
    listed = await audience(store)
    campaigns = [
        await store.campaign(listed, content={"text": text}) for text in ("Hi", "Hi {{ customer.name }}, a sale")
    ]
    document = """query ($id: ID!) { campaign(id: $id) { preview {
        text warnings { code message path } estimate { parts cost currency }
    } } }"""

    async def previews() -> list[Json]:
        return [(await store.get(document, id=gid))["campaign"]["preview"] for gid in campaigns]

    assert [(seen["warnings"], seen["estimate"]) for seen in await previews()] == [([], None), ([], None)]
    stage.channel.capabilities = Capabilities(content_review=True, estimates=True)
    assert await previews() == [
        {"text": "Hi", "warnings": [], "estimate": {"parts": 1, "cost": "0.0075", "currency": "USD"}},
        {
            "text": "Hi Ann, a sale",
            "warnings": [{"code": "LONG", "message": "The text is long", "path": ["text"]}],
            "estimate": {"parts": 2, "cost": "0.0150", "currency": "USD"},
        },
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_channel_judges_content_while_others_write(
    stage: Stage, store: StoreClient, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code may take long: SQLite has one writer."""
    listed = await audience(store)
    judged: list[str] = []
    prepare = stage.channel.prepare

    def prepare_beside_a_writer(content: Any, settings: Any, templates: Templates) -> Composer:
        path = database_url.partition("///")[2]
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()
        judged.append(content.text)
        return prepare(content, settings, templates)

    monkeypatch.setattr(stage.channel, "prepare", prepare_beside_a_writer)
    gid = await store.campaign(listed, content={"text": "Hi"})
    done = await store.mutate(
        "campaignUpdate", "id: $id, input: $input", "campaign { id }", id=gid, input={"name": "X"}
    )
    assert done["userErrors"] == []
    assert judged == ["Hi", "Hi"]
