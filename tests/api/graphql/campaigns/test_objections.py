"""An objection belongs to the address: whoever has it is not written to, whatever their own row says."""

from base64 import urlsafe_b64decode
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Column, select

from api.graphql.kit.global_ids import number
from domain.consents.links import UnsubscribeToken
from domain.consents.tables import suppressions
from domain.customers.tables import objections
from tests.api.graphql.stage import Json, StoreClient, attribute
from tests.factories import NOW

CAMPAIGN = UUID("0197c0de-0000-7000-8000-000000000001")
ANN, BEN = "ann@mail.example", "ben@mail.example"
REACH = "query ($id: ID!) { campaign(id: $id) { reach { audience recipients deleted excluded { reason count } } } }"
FILE = b"""external_id,name,email,consent.recording
u1,Ann Old,ann@mail.example,UNSUBSCRIBED
u2,Ann New,ann@mail.example,SUBSCRIBED
ok,Ben,ben@mail.example,SUBSCRIBED
"""


def person(external_id: str, email: str, consent: str = "SUBSCRIBED") -> Json:
    contact = {"channel": "recording", "address": email, "consent": consent}
    return {"externalId": external_id, "email": email, "contacts": [contact]}


async def send(store: StoreClient, **values: object) -> tuple[Json, list[str]]:
    """Send a campaign to everyone. Return its reach before, and who got it."""
    count = len(store.stage.channel.sent)
    made = await store.segment(f"Everyone {uuid4()}")
    campaign = await store.campaign(made["list"]["id"], **values)
    reach = (await store.get(REACH, id=campaign))["campaign"]["reach"]
    await store.mutate("campaignSend", "id: $id", "", id=campaign)
    await store.stage.work()
    sent = store.stage.channel.sent[count:]
    assert reach["audience"] == reach["recipients"] + sum(item["count"] for item in reach["excluded"])
    assert reach["recipients"] == len(sent)
    return {item["reason"]: item["count"] for item in reach["excluded"]}, sorted(message.address for message in sent)


async def consent(store: StoreClient, customer: str, consent: str) -> None:
    arguments = "customerId: $id, channel: $channel, consent: $consent"
    done = await store.mutate("consentUpdate", arguments, "", id=customer, channel="recording", consent=consent)
    assert done["userErrors"] == []


async def track(store: StoreClient, kind: str, email: str, **attributes: object) -> None:
    keys: Json = {"id": f"{kind}-{email}", "type": kind, "customer": {"email": email}}
    event = {**keys, "occurredAt": NOW.isoformat(), "attributes": attributes}
    tracked = await store.mutate("eventsTrack", "events: $events", "accepted", events=[event])
    assert tracked["accepted"] == 1


@pytest.fixture
async def installed(store: StoreClient) -> StoreClient:
    await store.install(settings={"account": "one"})
    return store


@pytest.mark.parametrize("way", ["api", "api, one by one", "file"])
async def test_the_second_record_of_an_unsubscribed_address_is_not_written_to(installed: StoreClient, way: str) -> None:
    people = [person("u1", ANN, "UNSUBSCRIBED"), person("u2", ANN), person("ok", BEN)]
    if way == "file":
        await installed.upload("customersImport", FILE)
        await installed.stage.work()
    elif way == "api":
        await installed.customers(*people)
    else:
        for values in reversed(people):
            await installed.customers(values)
    assert await send(installed) == ({"UNSUBSCRIBED": 2}, [BEN])


async def test_who_comes_later_with_the_address_is_not_written_to(installed: StoreClient) -> None:
    [ann, _] = await installed.customers(person("u1", ANN), person("ok", BEN))
    await consent(installed, ann, "UNSUBSCRIBED")
    await installed.mutate("customerDelete", "id: $id", "", id=ann)
    # "yes" in a file never undoes it (3.9, vector 18), at this record or another.
    await installed.upload("customersImport", FILE.replace(b"u1,", b"u3,").replace(b"UNSUBSCRIBED", b"SUBSCRIBED"))
    await installed.stage.work()
    assert await send(installed) == ({"UNSUBSCRIBED": 2}, [BEN])
    [ann] = await installed.customers(person("u4", ANN))
    assert (await send(installed))[1] == [BEN]
    await consent(installed, ann, "SUBSCRIBED")
    assert await send(installed) == ({"DUPLICATE_ADDRESS": 2}, [ANN, BEN])


async def test_an_upsert_takes_back_a_no_of_its_own_record_alone(installed: StoreClient) -> None:
    await installed.customers(person("u1", ANN, "UNSUBSCRIBED"))
    await installed.customers(person("u2", ANN))
    assert (await send(installed))[1] == []
    await installed.customers(person("u1", ANN))
    assert (await send(installed))[1] == [ANN]


async def test_the_last_word_of_an_address_counts_and_is_not_undone_by_another_change(installed: StoreClient) -> None:
    [first, second] = await installed.customers(person("u1", ANN, "UNSUBSCRIBED"), person("u2", ANN))
    installed.stage.clock.forward(hours=1)
    await consent(installed, second, "SUBSCRIBED")
    await installed.customers({"externalId": "u1", "email": ANN, "name": "Ann", "phone": "+886912345678"})
    await installed.upload(
        "customersImport", b"external_id,email,name,consent.recording\nu1,ann@mail.example,A,SUBSCRIBED\n"
    )
    await installed.stage.work()
    assert await send(installed) == ({"UNSUBSCRIBED": 1}, [ANN])
    installed.stage.clock.forward(hours=1)
    await consent(installed, first, "UNSUBSCRIBED")
    assert (await send(installed))[1] == []


async def test_a_no_goes_with_its_customer_to_another_address(installed: StoreClient) -> None:
    await installed.customers(person("u1", "typo@mail.example", "UNSUBSCRIBED"), person("u2", ANN), person("ok", BEN))
    await installed.upload(
        "customersImport", b"external_id,email,contact.recording\nu1,ann@mail.example,ann@mail.example\n"
    )
    await installed.stage.work()
    assert await send(installed) == ({"UNSUBSCRIBED": 2}, [BEN])
    await installed.customers({"externalId": "u1", "contacts": [{"channel": "recording", "address": BEN}]})
    assert await send(installed) == ({"UNSUBSCRIBED": 3}, [])


async def test_a_blacklisted_address_is_not_written_to_until_nobody_there_is_blacklisted(
    installed: StoreClient,
) -> None:
    people = await installed.customers(person("u1", ANN), person("u2", ANN), person("u3", ANN))
    arguments = "id: $id, blacklisted: $blacklisted"
    for customer in people[:2]:
        await installed.mutate("customerBlacklist", arguments, "", id=customer, blacklisted=True)
    # Blacklisted customers are in this one, and in no other by default.
    made = await installed.segment("All of them", exclude=attribute("country", "EQ", "TW"))
    campaign = await installed.campaign(made["list"]["id"])
    for customer, reasons in zip(people, ({"BLACKLISTED": 3}, {"DUPLICATE_ADDRESS": 2}), strict=False):
        await installed.mutate("customerBlacklist", arguments, "", id=customer, blacklisted=False)
        reach = (await installed.get(REACH, id=campaign))["campaign"]["reach"]
        assert {item["reason"]: item["count"] for item in reach["excluded"]} == reasons


@pytest.mark.parametrize(
    ("kind", "attributes", "reason"),
    [
        ("recording.bounced", {"permanent": True}, "INVALID_ADDRESS"),
        ("recording.complained", {}, "COMPLAINED"),
        ("recording.unsubscribed", {}, "UNSUBSCRIBED"),
    ],
)
async def test_what_an_event_says_of_an_address_counts_for_all_who_have_it(
    installed: StoreClient, kind: str, attributes: Json, reason: str
) -> None:
    await installed.customers(person("u1", ANN), person("u2", ANN), person("ok", BEN))
    await track(installed, kind, ANN, **attributes)
    assert await send(installed) == ({reason: 2}, [BEN])


@pytest.mark.parametrize("kind", ["recording.complained", "recording.unsubscribed"])
async def test_what_was_said_before_a_consent_was_given_is_over(installed: StoreClient, kind: str) -> None:
    installed.stage.clock.forward(hours=1)
    await installed.customers(person("u1", ANN))
    await track(installed, kind, ANN)
    assert await send(installed) == ({}, [ANN])


async def test_an_address_that_failed_is_trusted_again_once_it_is_corrected_to_it(installed: StoreClient) -> None:
    await installed.customers(person("u1", ANN))
    await track(installed, "recording.bounced", ANN, permanent=True)
    await installed.customers(person("u2", ANN))
    assert await send(installed) == ({"INVALID_ADDRESS": 2}, [])
    await installed.customers({"externalId": "u2", "contacts": [{"channel": "recording", "address": BEN}]})
    assert (await send(installed))[1] == [BEN]
    await installed.customers({"externalId": "u2", "contacts": [{"channel": "recording", "address": ANN}]})
    assert (await send(installed))[1] == [ANN]


async def link_of(store: StoreClient, customer: str, address: str | None) -> str:
    customer_id = number(customer, "Customer")
    assert customer_id is not None
    token = UnsubscribeToken(store.store_id, customer_id, CAMPAIGN, "recording", address)
    return (await store.stage.runtime.services.links()).url(token)


async def follow(store: StoreClient, link: str) -> None:
    transport = httpx.ASGITransport(store.stage.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test") as client:
        answer = await client.post(link)
    assert (answer.status_code, "You are unsubscribed" in answer.text) == (200, True)


async def erase(store: StoreClient, customer: str) -> None:
    await store.mutate("customerDelete", "id: $id, erase: true", "", id=customer)
    await store.stage.work()


async def test_a_link_unsubscribes_the_address_and_is_one_event_however_often_it_is_followed(
    installed: StoreClient,
) -> None:
    [ann, *_] = await installed.customers(person("u1", ANN), person("u2", ANN), person("ok", BEN))
    link = await link_of(installed, ann, ANN)
    sealed = urlsafe_b64decode(link.rpartition("/")[2] + "==")
    assert not any(part in link.encode() + sealed for part in (b"ann", b"mail.example", b"recording"))
    for _ in range(2):
        await follow(installed, link)
    timeline = "query ($id: ID!) { customer(id: $id) { timeline { nodes { type attributes } } } }"
    events = (await installed.get(timeline, id=ann))["customer"]["timeline"]["nodes"]
    assert events == [{"type": "recording.unsubscribed", "attributes": {}}]
    assert await send(installed) == ({"UNSUBSCRIBED": 2}, [BEN])


@pytest.mark.parametrize("with_address", [True, False])
async def test_a_link_works_after_an_erasure_and_another_import(installed: StoreClient, with_address: bool) -> None:
    [ann] = await installed.customers(person("u1", ANN))
    link = await link_of(installed, ann, ANN if with_address else None)
    await erase(installed, ann)
    await follow(installed, link)
    assert await rows(installed, objections.c.address) == []
    installed.stage.clock.forward(hours=1)
    await installed.upload("customersImport", FILE.replace(b"u1,", b"u3,"))
    await installed.stage.work()
    assert await send(installed) == ({"UNSUBSCRIBED": 2}, [BEN])
    # They consent anew, and follow the old link once more.
    again = await installed.customer_id("u2")
    await consent(installed, again, "SUBSCRIBED")
    assert (await send(installed))[1] == [ANN, BEN]
    installed.stage.clock.forward(hours=1)
    await follow(installed, link)
    assert (await send(installed))[1] == ([BEN] if with_address else [ANN, BEN])


async def test_of_a_link_that_is_followed_when_nobody_has_the_address_a_hash_is_kept(installed: StoreClient) -> None:
    [ann] = await installed.customers(person("u1", ANN))
    link = await link_of(installed, ann, "old@mail.example")
    await follow(installed, link)
    assert await rows(installed, objections.c.address) == [ANN]
    assert await rows(installed, suppressions.c.channel) == ["recording"]
    await installed.customers(person("u2", "old@mail.example"), person("ok", BEN))
    assert await send(installed) == ({"UNSUBSCRIBED": 2}, [BEN])


async def test_an_erasure_takes_earlier_addresses_too_and_leaves_their_no(installed: StoreClient) -> None:
    [ann, _] = await installed.customers(person("u1", "old@mail.example", "UNSUBSCRIBED"), person("u2", ANN))
    moved = [{"channel": "recording", "address": ANN}]
    await installed.customers({"externalId": "u1", "email": ANN, "contacts": moved})
    assert sorted(await rows(installed, objections.c.address)) == [ANN, "old@mail.example"]
    await erase(installed, ann)
    # The other customer's own address stays theirs, and it said no.
    assert await rows(installed, objections.c.address) == [ANN]
    assert (await send(installed))[1] == []
    await installed.customers(person("u3", "old@mail.example"), person("ok", BEN))
    assert (await send(installed))[1] == [BEN]


async def rows(store: StoreClient, column: Column[str]) -> list[str]:
    async with store.stage.runtime.database.read() as tx:
        of_store = column.table.c.store_id == store.store_id
        return list((await tx.execute(select(column).where(of_store))).scalars())
