"""JSON that a client may shape as it likes is bounded wherever it comes in, with a path to what is too much (S16)."""

import pytest

from tests.api.graphql.stage import Json, StoreClient, faults

DEEP: Json = {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}}}


def event(attributes: Json) -> dict[str, object]:
    return {
        "id": "e1",
        "type": "quiz.answered",
        "customer": {"externalId": "ann"},
        "occurredAt": "2026-06-01T00:00:00Z",
        "attributes": attributes,
    }


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        (DEEP, ["a"] * 6),
        ({"answer": "x" * 4_097}, ["answer"]),
        ({f"k{number}": number for number in range(501)}, []),
        ({"answers": [{"text": "x" * 4_000}] * 5}, []),
        ({"answers": [{"k" * 101: 1}]}, ["answers", "0"]),
    ],
    ids=["deep", "a long text", "many keys", "large", "a long key"],
)
async def test_attributes_of_events(store: StoreClient, attributes: Json, path: list[str]) -> None:
    done = await store.mutate(
        "eventsTrack", "events: $events", "accepted", events=[event({"ok": 1}), event(attributes)]
    )
    assert (done["accepted"], faults(done)) == (0, [(["events", "1", "attributes", *path], "LIMIT_EXCEEDED")])
    assert (await store.get("{ customers(first: 1) { nodes { id } } }"))["customers"]["nodes"] == []


async def test_content_of_campaigns(store: StoreClient) -> None:
    await store.install()
    made = await store.segment()
    draft = {"name": "July", "channel": "recording", "target": {"listId": made["list"]["id"]}}
    long = {**draft, "content": {"text": "x" * 1_000_001}}
    done = await store.mutate("campaignCreate", "input: $input", "campaign { id }", input=long)
    assert (done["campaign"], faults(done)) == (None, [(["input", "content", "text"], "LIMIT_EXCEEDED")])


async def test_settings_of_channels(store: StoreClient) -> None:
    for name in ("channelInstall", "channelConfigure"):
        settings = {"account": "x" * 40_000}
        done = await store.mutate(name, "key: $key, settings: $settings", "", key="recording", settings=settings)
        assert faults(done) == [(["settings", "account"], "LIMIT_EXCEEDED")]


async def test_contacts_and_properties_of_customers(store: StoreClient) -> None:
    contacts = [{"channel": f"c{number}", "address": "x"} for number in range(51)]
    properties = [{"key": f"p{number}", "value": 1} for number in range(1_001)]
    done = await store.mutate(
        "customersUpsert",
        "input: $input",
        "created",
        input=[{"externalId": "a", "contacts": contacts}, {"externalId": "b", "properties": properties}],
    )
    assert faults(done) == [
        (["input", "0", "contacts"], "LIMIT_EXCEEDED"),
        (["input", "1", "properties"], "LIMIT_EXCEEDED"),
    ]
