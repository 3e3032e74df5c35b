"""Erasing a person takes who it was out of everything, and keeps the figures and the no (S13)."""

import asyncio
from pathlib import Path

import pytest
from muster_sdk import Accepted, Message, Outcome, Rejected
from sqlalchemy import func, select

from api.graphql.kit.global_ids import number
from domain.customers.tables import customer_facts, customers
from domain.deliveries.tables import delivery_batches
from domain.events.counters import mismatches
from domain.imports import actions as imports
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.migrations.tables import metadata
from domain.orders import facts
from domain.privacy.inventory import PERSONAL
from tests.api.graphql.stage import Json, Stage, StoreClient, attribute
from tests.factories import NOW

EMAIL, PHONE, HANDLE = "canary.mail@shop.example", "+886912345678", "canary.contact@shop.example"
CANARIES = ("canary", "912345678")
ANNA: Json = {
    "externalId": "canary-ext", "name": "Canary Name", "firstName": "Canary", "lastName": "Canaryson",
    "company": "Canary Ltd", "email": EMAIL, "phone": PHONE, "city": "Canaryville", "source": "canary source",
    "note": "canary note", "tier": "canary tier", "loyaltyRank": "canary rank", "registeredFrom": "canary page",
    "registrationForm": "canary form", "birthday": "1990-01-01", "tags": ["canary tag", "canary old"],
    "properties": [{"key": "colour", "value": "canary colour"}],
    "contacts": [{"channel": "recording", "address": HANDLE, "consent": "SUBSCRIBED"}],
    "addresses": [{"country": "TW", "city": "Canaryville", "street": "Canary Road 1"}],
}  # fmt: skip
BERT: Json = {
    "externalId": "bert",
    "contacts": [{"channel": "recording", "address": "bert@shop.example", "consent": "SUBSCRIBED"}],
}
OPERATION = "query ($id: ID!) { operation(id: $id) { status url problems { row message } } }"


def leaking_files(folder: Path) -> list[str]:
    # The database's own file holds pages that are free; its rows are looked at one by one.
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("muster.db")]
    return [
        path.name for path in files if any(canary in path.read_bytes().decode("latin-1").lower() for canary in CANARIES)
    ]


async def leaks(database: Database, folder: Path) -> list[str]:
    """Return every row of every table, and every file, that holds a canary."""
    found: list[str] = []
    async with database.read() as tx:
        for table in metadata.sorted_tables:
            for row in await tx.execute(select(table)):
                values = [bytes(value).decode("latin-1") if isinstance(value, bytes) else str(value) for value in row]
                if any(canary in value.lower() for value in values for canary in CANARIES):
                    found.append(f"{table.name}: {row}")
    return found + await asyncio.to_thread(leaking_files, folder)


def event(event_id: str, kind: str, **attributes: object) -> Json:
    customer = {"externalId": "canary-ext"}
    return {"id": event_id, "type": kind, "customer": customer, "occurredAt": NOW.isoformat(), "attributes": attributes}


async def shop(store: StoreClient) -> str:
    """Have everything of Anna that a shop can have, through its doors. Return her id."""
    stage = store.stage
    await store.mutate(
        "propertyDefinitionCreate", "key: $key, label: $label, type: $type", "", key="colour", label="Colour",
        type="STRING",
    )  # fmt: skip
    await store.install(settings=None)
    anna, _ = await store.customers(ANNA, BERT)
    order = f"{EMAIL}-1"
    item = {"product": "mug", "name": "canary engraving", "variant": "canary", "price": 10, "tags": ["canary"]}
    tracked = [
        event("canary-visit", "visit", page="canary page", product="canary product", utm_source="canary"),
        event("canary-own", "quiz.taken", answers={"friend": "canary friend", "mail": EMAIL, "phone": PHONE}),
        event("canary-referral", "referral", friend="canary friend"),
        event("canary-points", "points.changed", amount=100, reason="canary reason"),
        event("canary-coupon", "coupon.received", coupon="canary coupon", code="canary code"),
        event(order, "order", total=100, coupon="canary coupon", items=[{**item, "attributes": {"for": "canary"}}]),
        event("o2", "order", total=50),
        event(f"{EMAIL}-refund", "order.refunded", order=order, amount=30, comment="canary comment"),
    ]
    assert (await store.mutate("eventsTrack", "events: $events", "accepted", events=tracked))["accepted"] == 8
    await store.mutate("customerTagsRemove", "id: $id, tags: $tags", "", id=anna, tags=["canary old"])
    for blacklisted in (True, False):
        arguments = "id: $id, blacklisted: $blacklisted, reason: $reason"
        await store.mutate("customerBlacklist", arguments, "", id=anna, blacklisted=blacklisted, reason="canary reason")
    await store.upload("customersImport", b"external_id,name,phone\ncanary-ext,Canary Name,canary phone\n")
    await store.upload("ordersImport", b"order_id,customer_external_id,placed_at,total\nx,canary-ext,never,canary\n")
    await stage.work()
    everyone = await store.segment()
    static = await store.segment("Friends", kind="STATIC")
    await store.mutate(
        "segmentMembersAdd", "id: $id, customerIds: $customers", "", id=static["segment"]["id"], customers=[anna]
    )
    for settings in (None, {"account": "one"}):
        if settings is not None:
            arguments = "key: $key, settings: $settings"
            await store.mutate("channelConfigure", arguments, "", key="recording", settings=settings)
        campaign = await store.campaign(everyone["list"]["id"], content={"text": "Hi {{ customer.name }}"})
        await store.mutate("campaignSend", "id: $id", "", id=campaign)
        await stage.work()
    return anna


def quote(message: Message) -> Outcome:
    """Answer as a provider does that names the recipient."""
    if message.address == HANDLE:
        return Rejected(f"550 <{message.address.upper()}> canary is unknown here".replace("canary is", "nobody is"))
    return Accepted(f"id-{message.address}")


async def erase(store: StoreClient, customer: str) -> str:
    arguments, answer = "id: $id, erase: true", "deletedId operation { id status }"
    erased = await store.mutate("customerDelete", arguments, answer, id=customer)
    assert (erased["userErrors"], erased["deletedId"], erased["operation"]["status"]) == ([], customer, "QUEUED")
    return str(erased["operation"]["id"])


@pytest.fixture
async def anna(store: StoreClient) -> str:
    store.stage.channel.answer = quote
    return await shop(store)


async def test_nothing_of_a_person_is_left_in_any_table_or_file(
    store: StoreClient, anna: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage, database = store.stage, store.stage.runtime.database
    everyone = (await store.get("{ lists { nodes { id name } } }"))["lists"]["nodes"]
    list_id = next(node["id"] for node in everyone if node["name"] == "Everyone")
    exported = await store.mutate(
        "listExport", "id: $id, fields: $fields", "operation { id }", id=list_id, fields=["email", "name"]
    )
    await stage.work()
    made = await store.mutate("customerDataExport", "id: $id", "operation { id }", id=anna)
    await stage.work()
    where = attribute("email", "EQ", EMAIL)
    named = await store.segment("Her alone", include=where)
    assert await leaks(database, tmp_path)

    operation = await erase(store, anna)
    async with database.read() as tx:
        row = (await tx.execute(select(customers).where(customers.c.id == number(anna, "Customer")))).one()
        assert not any(canary in str(row).lower() for canary in CANARIES)
    await stage.work()
    ended = (await store.get(OPERATION, id=operation))["operation"]
    problem = "The filter of the segment Her alone names an address of the customer"
    assert ended == {"status": "DONE", "url": None, "problems": [{"row": None, "message": problem}]}
    # The store's own words are the caller's to change.
    await store.mutate(
        "segmentUpdate", "id: $id, input: $input", "", id=named["segment"]["id"],
        input={"include": attribute("country", "EQ", "TW")},
    )  # fmt: skip
    assert await leaks(database, tmp_path) == []
    assert not any(canary in "".join(capsys.readouterr()).lower() for canary in CANARIES)
    for gone in (exported, made):
        file = (await store.get(OPERATION, id=gone["operation"]["id"]))["operation"]
        assert (file["status"], file["url"], len(file["problems"])) == ("DONE", None, 1)


async def test_all_that_is_held_of_a_person_is_in_their_file(store: StoreClient, anna: str) -> None:
    database, customer_id = store.stage.runtime.database, number(anna, "Customer")
    made = await store.mutate("customerDataExport", "id: $id", "operation { id kind }", id=anna)
    await store.stage.work()
    ended = (await store.get(OPERATION, id=made["operation"]["id"]))["operation"]
    assert (ended["status"], made["operation"]["kind"]) == ("DONE", "customer.export")
    response = await store.fetch(ended["url"].removeprefix("http://127.0.0.1:8000"))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    held = response.json()
    about = {"format", "store", "made_at", "import_problems", "import_rows"}
    assert held.keys() - about == {entry.name for entry in PERSONAL}
    async with database.read() as tx:
        for entry in PERSONAL:
            of_person = entry.table.c[entry.customer] == customer_id
            rows = await tx.scalar(select(func.count()).select_from(entry.table).where(of_person))
            assert len(held[entry.name]) == rows, entry.name
            # Everything of which a shop can have something is there, but for what only a job of the night finds, and
            # what a channel with receipts has.
            assert rows or entry.name in {"suppressed", "scores", "segments", "message_references"}, entry.name
    [profile] = held["customer"]
    assert (profile["email"], profile["phone"], profile["birthday"]) == (EMAIL, PHONE, "1990-01-01")
    assert [(row["channel"], row["consent"]) for row in held["contacts"]] == [("recording", "SUBSCRIBED")]
    assert [row["property"] for row in held["properties"]] == ["colour"]
    assert sorted(row["list"] for row in held["lists"]) == ["Everyone"]
    assert sorted(row["campaign"] for row in held["messages"]) == ["July"]
    assert sorted(row["total"] for row in held["orders"]) == ["50", "70"]
    columns = ["phone", "placed_at", "placed_at", "total"]
    assert sorted(problem["column"] for problem in held["import_problems"]) == columns


async def test_a_file_of_many_rows_is_written_page_by_page(store: StoreClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.privacy.rows.PAGE", 3)
    [anna] = await store.customers({"externalId": "canary-ext"})
    at_once = [event(f"v{position:02}", "visit") for position in range(10)]
    await store.mutate("eventsTrack", "events: $events", "accepted", events=at_once)
    made = await store.mutate("customerDataExport", "id: $id", "operation { id }", id=anna)
    await store.stage.work()
    url = (await store.get(OPERATION, id=made["operation"]["id"]))["operation"]["url"]
    held = (await store.fetch(url.removeprefix("http://127.0.0.1:8000"))).json()
    assert [row["id"] for row in held["events"]] == [f"v{position:02}" for position in range(10)]


async def test_there_is_no_file_of_nobody(store: StoreClient) -> None:
    [anna] = await store.customers({"externalId": "a", "email": EMAIL})
    waiting = await store.mutate("customerDataExport", "id: $id", "operation { id }", id=anna)
    await erase(store, anna)
    refused = await store.mutate("customerDataExport", "id: $id", "operation { id }", id=anna)
    assert [(error["field"], error["code"]) for error in refused["userErrors"]] == [(["id"], "NOT_FOUND")]
    await store.stage.work()
    ended = (await store.get(OPERATION, id=waiting["operation"]["id"]))["operation"]
    assert (ended["status"], ended["url"]) == ("CANCELLED", None)
    assert leaking_files(store.stage.runtime.settings.files()) == []


async def test_the_figures_of_orders_and_campaigns_stay(store: StoreClient, anna: str) -> None:
    database, customer_id = store.stage.runtime.database, number(anna, "Customer")

    async def figures() -> list[tuple[object, ...]]:
        fact, batch = customer_facts.c, delivery_batches.c
        async with database.read() as tx:
            of_orders = select(fact.order_count, fact.total_spent).where(fact.customer_id == customer_id)
            of_batches = select(batch.recipients, batch.sent, batch.failed).order_by(batch.campaign_id)
            return [tuple(row) for statement in (of_orders, of_batches) for row in await tx.execute(statement)]

    before = await figures()
    # Two orders, of which 30 were refunded; two campaigns to two customers each.
    assert before == [(2, 120), (2, 2, 0), (2, 1, 1)]
    await erase(store, anna)
    await store.stage.work()
    assert await figures() == before
    async with database.write() as tx:
        assert await facts.mismatches(tx, store.store_id) == []
        assert await mismatches(tx, store.store_id) == []
        # Counted again, a refund still counts.
        assert isinstance(customer_id, int)
        await facts.recount_ids(tx, store.store_id, [customer_id])
    assert await figures() == before
    late = {**event("late", "order.refunded", order="o2", amount=50), "customer": {"externalId": "bert"}}
    assert (await store.mutate("eventsTrack", "events: $events", "accepted", events=[late]))["accepted"] == 1
    assert (await figures())[0] == (2, 70)


async def test_what_was_sent_before_the_erasure_does_not_bring_the_person_back(
    store: StoreClient, stage: Stage, anna: str, tmp_path: Path
) -> None:
    database = stage.runtime.database
    header = b"external_id,email,name,consent.recording\n"
    before = header + f"canary-ext,,Canary,SUBSCRIBED\n,{EMAIL},Canary,SUBSCRIBED\ncy,cy@shop.example,Cy,\n".encode()
    sent = await store.upload("customersImport", before)
    async with database.write() as tx:
        slow = await imports.open_import(tx, store.store_id, ImportKind.CUSTOMERS, NOW)
        await imports.append(tx, store.store_id, slow.id, 1, before)
    stage.clock.forward(seconds=1)
    operation = await erase(store, anna)
    await stage.work()
    problems = (await store.get(OPERATION, id=sent["operation"]["id"]))["operation"]["problems"]
    assert problems == [
        {"row": row, "message": "The customer was erased after the file was sent: the row was left out"}
        for row in (2, 3)
    ]
    # The erasure waits for the other file, which is still coming.
    assert (await store.get(OPERATION, id=operation))["operation"]["status"] == "RUNNING"
    assert {leak.partition(":")[0] for leak in await leaks(database, tmp_path)} == {"uploads"}
    async with database.write() as tx:
        await imports.abandon(tx, store.store_id, slow.id, NOW)
        names = (await tx.execute(select(customers.c.name).where(customers.c.name.is_not(None)))).scalars().all()
    assert (names, await leaks(database, tmp_path)) == (["Cy"], [])


CONSENTS = "query ($id: String!) { customer(externalId: $id) { id contacts { channel consent } } }"
BACK: Json = {
    "by external id": {"externalId": "canary-ext"},
    "by e-mail": {"externalId": "back", "email": f" {EMAIL.upper()} "},
    "by phone": {"externalId": "back", "phone": PHONE},
    "by handle": {"externalId": "back", "contacts": [{"channel": "recording", "address": HANDLE}]},
}


@pytest.mark.parametrize("values", BACK.values(), ids=BACK.keys())
async def test_a_no_outlives_the_person_until_a_consent_of_their_own(store: StoreClient, values: Json) -> None:
    await store.install()
    [anna] = await store.customers({name: value for name, value in ANNA.items() if name != "properties"})
    await erase(store, anna)
    yes = {"channel": "recording", "consent": "SUBSCRIBED"}
    given = [{**contact, **yes} for contact in values.get("contacts", [{"address": "new@shop.example"}])]
    [back] = await store.customers({**values, "contacts": given})
    external_id = values["externalId"]
    unsubscribed = [{"channel": "recording", "consent": "UNSUBSCRIBED"}]
    assert (await store.get(CONSENTS, id=external_id))["customer"] == {"id": back, "contacts": unsubscribed}
    # An import that says yes changes nothing.
    await store.upload("customersImport", f"external_id,consent.recording\n{external_id},SUBSCRIBED\n".encode())
    await store.stage.work()
    assert (await store.get(CONSENTS, id=external_id))["customer"]["contacts"] == unsubscribed
    arguments = "customerId: $id, channel: $channel, consent: $consent"
    await store.mutate("consentUpdate", arguments, "", id=back, channel="recording", consent="SUBSCRIBED")
    assert (await store.get(CONSENTS, id=external_id))["customer"]["contacts"] == [yes]
    # The no is lifted: an upsert does not bring it back.
    await store.customers(values)
    assert (await store.get(CONSENTS, id=external_id))["customer"]["contacts"] == [yes]


async def test_who_comes_back_by_a_file_or_an_event_comes_in_unsubscribed(store: StoreClient) -> None:
    await store.install()
    anna, other = await store.customers(
        {"externalId": "a", "email": EMAIL}, {"externalId": "b", "email": "second.canary@shop.example"}
    )
    for customer in (anna, other):
        await erase(store, customer)
    store.stage.clock.forward(days=1)
    file = f"external_id,email,consent.recording\nback,{EMAIL},SUBSCRIBED\nbert,bert@shop.example,SUBSCRIBED\n"
    await store.upload("customersImport", file.encode())
    visit = {**event("v", "visit"), "customer": {"email": "second.canary@shop.example"}}
    await store.mutate("eventsTrack", "events: $events", "accepted", events=[visit])
    await store.stage.work()
    found = await store.get("{ customers { nodes { email contacts { channel consent } } } }")
    consents = {
        node["email"]: [contact["consent"] for contact in node["contacts"]] for node in found["customers"]["nodes"]
    }
    assert consents == {
        EMAIL: ["UNSUBSCRIBED"],
        "bert@shop.example": ["SUBSCRIBED"],
        "second.canary@shop.example": ["UNSUBSCRIBED"],
    }


async def test_a_channel_that_comes_later_does_not_reach_them_either(store: StoreClient) -> None:
    [anna] = await store.customers({"externalId": "a", "email": EMAIL})
    await erase(store, anna)
    await store.customers({"externalId": "back", "email": EMAIL}, {"externalId": "bert", "email": "bert@shop.example"})
    await store.install(settings={"account": "one"})
    made = await store.segment()
    campaign = await store.campaign(made["list"]["id"], acceptMarketing="ALL_BUT_UNSUBSCRIBED")
    reach = "query ($id: ID!) { campaign(id: $id) { reach { recipients excluded { reason count } } } }"
    assert (await store.get(reach, id=campaign))["campaign"]["reach"] == {
        "recipients": 1, "excluded": [{"reason": "UNSUBSCRIBED", "count": 1}]
    }  # fmt: skip
    await store.mutate("campaignSend", "id: $id", "", id=campaign)
    await store.stage.work()
    assert store.stage.channel.addresses == ["bert@shop.example"]


async def test_an_event_of_nobody_is_refused(store: StoreClient) -> None:
    [anna] = await store.customers({"externalId": "a", "email": EMAIL})
    await erase(store, anna)
    late = {**event("late", "email.bounced"), "customer": {"id": anna}}
    refused = await store.mutate("eventsTrack", "events: $events", "accepted", events=[late])
    assert [(error["field"], error["code"]) for error in refused["userErrors"]] == [
        (["events", "0", "customer", "id"], "NOT_FOUND")
    ]


async def test_an_erasure_can_be_repeated(store: StoreClient, anna: str, tmp_path: Path) -> None:
    for _ in range(2):
        operation = await erase(store, anna)
        await store.stage.work()
        assert (await store.get(OPERATION, id=operation))["operation"]["status"] == "DONE"
    assert await leaks(store.stage.runtime.database, tmp_path) == []
