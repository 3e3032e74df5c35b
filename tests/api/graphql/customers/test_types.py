"""Customers, their properties, consents and events, as clients read and write them."""

from typing import Any

import pytest

from api.graphql.kit.global_ids import encode
from tests.api.graphql.stage import StoreClient, attribute, faults, ids

EVERYTHING = """id externalId name email emailVerified phone phoneVerified gender birthday locale country city source
    member tier tierExpiresOn blacklisted createdAt registeredAt deletedAt tags properties { key value }
    contacts { channel address consent consentAt invalid } orderCount totalSpent lastOrderAt"""
ANN: dict[str, Any] = {
    "externalId": "c1",
    "name": "Ann Öztürk",
    "email": "Ann@Shop.example",
    "emailVerified": True,
    "phone": "0912 345 678",
    "gender": "FEMALE",
    "birthday": "1990-02-28",
    "locale": "zh-hant-tw",
    "country": "tw",
    "city": "Taipei",
    "source": "pos",
    "member": True,
    "tier": "Gold",
    "tierExpiresOn": "2027-01-01",
    "registeredAt": "2020-01-01T08:00:00+08:00",
    "tags": ["vip", "new"],
    "properties": [{"key": "size", "value": 7.5}],
    "contacts": [{"channel": "recording", "address": "ann@work.example", "consent": "SUBSCRIBED"}],
}
ORDER = {
    "id": "o1",
    "type": "order",
    "customer": {"externalId": "c1"},
    "occurredAt": "2026-06-01T00:00:00Z",
    "attributes": {"total": "99.90", "items": [{"product": "p1", "quantity": 2, "price": 49.95}]},
}


async def test_a_customer_is_what_was_said_of_it(store: StoreClient) -> None:
    await _define(store)
    payload = await store.mutate("customerUpsert", "input: $input", f"created customer {{ {EVERYTHING} }}", input=ANN)
    assert payload["userErrors"] == []
    assert payload["created"] is True
    customer = payload["customer"]
    assert customer == {
        **{key: ANN[key] for key in ("externalId", "name", "emailVerified", "gender", "birthday", "city", "source")},
        **{key: ANN[key] for key in ("member", "tier", "tierExpiresOn", "properties")},
        "id": encode("Customer", 1),
        "email": "ann@shop.example",
        "phone": "+886912345678",
        "phoneVerified": False,
        "locale": "zh-Hant-TW",
        "country": "TW",
        "blacklisted": False,
        "createdAt": "2026-07-01T09:00:00Z",
        "registeredAt": "2020-01-01T00:00:00Z",
        "deletedAt": None,
        "tags": ["new", "vip"],
        "contacts": [
            {
                "channel": "recording",
                "address": "ann@work.example",
                "consent": "SUBSCRIBED",
                "consentAt": "2026-07-01T09:00:00Z",
                "invalid": False,
            }
        ],
        "orderCount": 0,
        "totalSpent": "0",
        "lastOrderAt": None,
    }
    for argument in (f'id: "{customer["id"]}"', 'externalId: "c1"', 'email: "ANN@shop.example"'):
        assert (await store.get(f"{{ customer({argument}) {{ {EVERYTHING} }} }}"))["customer"] == customer
    answer = await store.get("query ($id: ID!) { node(id: $id) { __typename id } }", id=customer["id"])
    assert answer["node"] == {"__typename": "Customer", "id": customer["id"]}


async def test_what_is_left_out_stays_and_null_clears(store: StoreClient) -> None:
    await _define(store)
    await store.customers(ANN)
    change = {"externalId": "c1", "city": None, "tags": ["x"], "properties": [{"key": "size", "value": None}]}
    done = await store.mutate("customerUpsert", "input: $input", f"created customer {{ {EVERYTHING} }}", input=change)
    assert done["created"] is False
    assert (done["customer"]["city"], done["customer"]["name"]) == (None, "Ann Öztürk")
    assert (done["customer"]["tags"], done["customer"]["properties"]) == (["x"], [])
    batch = [{"externalId": "c1", "city": "Tainan"}, {"externalId": "c2"}, {"externalId": "c2", "name": "Bob"}]
    done = await store.mutate("customersUpsert", "input: $input", "created updated", input=batch)
    assert (done["created"], done["updated"]) == (1, 1)
    assert (await store.get('{ customer(externalId: "c2") { name } }'))["customer"]["name"] == "Bob"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_faults_of_customers_are_told_with_their_paths(store: StoreClient) -> None:
    await _define(store)
    wrong: list[tuple[dict[str, object], list[str], str]] = [
        ({"email": "nobody"}, ["email"], "INVALID"),
        ({"phone": "12"}, ["phone"], "INVALID"),
        ({"country": "Taiwan"}, ["country"], "INVALID"),
        ({"locale": "!!"}, ["locale"], "INVALID"),
        ({"name": "x" * 201}, ["name"], "INVALID"),
        ({"name": "a\u0007b"}, ["name"], "INVALID"),
        ({"tags": ["x" * 101]}, ["tags"], "INVALID"),
        ({"properties": [{"key": "size", "value": "big"}]}, ["properties", "0", "value"], "INVALID"),
        ({"properties": [{"key": "none", "value": 1}]}, ["properties", "0", "key"], "NOT_FOUND"),
        ({"contacts": [{"channel": "No Channel", "address": "x"}]}, ["contacts", "0", "channel"], "INVALID"),
    ]
    for change, path, code in wrong:
        values = {"externalId": "c9", **change}
        done = await store.mutate("customerUpsert", "input: $input", "customer { id }", input=values)
        assert (faults(done), done["customer"]) == ([(["input", *path], code)], None), change
        done = await store.mutate("customersUpsert", "input: $input", "created", input=[{"externalId": "c8"}, values])
        assert (faults(done), done["created"]) == ([(["input", "1", *path], code)], 0), change
    nobody = await store.mutate("customerUpsert", "input: $input", "customer { id }", input={"name": "Ann"})
    assert [code for _, code in faults(nobody)] == ["REQUIRED"]
    assert (await store.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 0
    many = await store.mutate("customersUpsert", "input: $input", "created", input=[{"externalId": "c"}] * 5_001)
    assert faults(many) == [(["input"], "LIMIT_EXCEEDED")]


async def test_an_address_is_one_however_it_is_written(store: StoreClient) -> None:
    fields = "created customer { email contacts { channel address } }"
    spellings = {
        "Info@STRAẞE.example": "info@straße.example",
        "info@xn--strae-oqa.example": "info@straße.example",
        "da.me..x@docomo.ne.jp": "da.me..x@docomo.ne.jp",
        '"da.me..x"@docomo.ne.jp': "da.me..x@docomo.ne.jp",
        "o'brien@shop.test": "o'brien@shop.test",
    }
    known = set[str]()
    for written, address in spellings.items():
        contacts = [{"channel": "email", "address": written}]
        values = {"email": written, "contacts": contacts}
        done = await store.mutate("customerUpsert", "input: $input", fields, input=values)
        customer = {"email": address, "contacts": [{"channel": "email", "address": address}]}
        shown = [contact for contact in done["customer"]["contacts"] if contact["channel"] == "email"]
        assert {"email": done["customer"]["email"], "contacts": shown} == customer
        assert done["created"] is (address not in known)
        known.add(address)
        answer = await store.get("query ($email: String) { customer(email: $email) { email } }", email=written)
        assert answer["customer"] == {"email": address}
    for written in (f"{'a' * 65}@mail.example", "0@\u00af"):
        done = await store.mutate("customerUpsert", "input: $input", fields, input={"email": written})
        assert faults(done) == [(["input", "email"], "INVALID")]
        contacts = [{"channel": "email", "address": written}]
        values = {"externalId": "c1", "contacts": contacts}
        done = await store.mutate("customerUpsert", "input: $input", fields, input=values)
        assert faults(done) == [(["input", "contacts", "0", "address"], "INVALID")]


async def test_pages_of_customers(store: StoreClient) -> None:
    named = [("c1", "Ann", "TW"), ("c2", "Bob", "JP"), ("c3", "Cho", "TW"), ("c4", None, None)]
    gids = await store.customers(*({"externalId": key, "name": name, "country": land} for key, name, land in named))
    done = await store.mutate("eventsTrack", "events: $events", "accepted duplicates", events=[ORDER, ORDER])
    assert (done["accepted"], done["duplicates"]) == (1, 1)
    orders = {
        "CREATED_AT_ASC": [0, 1, 2, 3],
        "CREATED_AT_DESC": [3, 2, 1, 0],
        "NAME_ASC": [0, 1, 2, 3],
        "TOTAL_SPENT_DESC": [0, 3, 2, 1],
        "LAST_ORDER_AT_DESC": [0, 3, 2, 1],
    }
    document = """query ($order: CustomerOrder, $after: String, $before: String, $first: Int, $last: Int) {
        customers(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
            totalCount nodes { id } edges { cursor node { id } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    for order, expected in orders.items():
        first = (await store.get(document, order=order, first=3))["customers"]
        assert ids(first) == [gids[at] for at in expected[:3]], order
        assert first["totalCount"] == 4
        assert first["pageInfo"]["hasNextPage"] is True
        after = first["pageInfo"]["endCursor"]
        rest = (await store.get(document, order=order, first=3, after=after))["customers"]
        assert (ids(rest), rest["pageInfo"]["hasNextPage"]) == ([gids[expected[3]]], False)
        back = (await store.get(document, order=order, last=2, before=rest["edges"][0]["cursor"]))["customers"]
        assert ids(back) == [gids[at] for at in expected[1:3]]
    searched = await store.get('{ customers(search: "an") { nodes { id } } }')
    assert ids(searched["customers"]) == [gids[0]]
    filtered = await store.get(
        "query ($f: FilterInput) { customers(filter: $f) { totalCount nodes { id } } }",
        f={"not": attribute("country", "IN", "TW")},
    )
    assert ids(filtered["customers"]) == [gids[3], gids[1]]
    [fault] = (await store.ask("query { customers(filter: {all: []}) { totalCount } }")).errors
    assert fault["extensions"]["faults"][0]["field"] == ["filter", "all"]


async def test_tags_consents_and_the_end_of_a_customer(store: StoreClient) -> None:
    [customer] = await store.customers({"externalId": "c1", "name": "Ann", "email": "ann@shop.example"})
    answer = "created customer { tags contacts { channel address consent } }"
    added = await store.mutate("customerTagsAdd", "id: $id, tags: $tags", answer, id=customer, tags=["b", "a", "a%_"])
    assert (added["created"], added["customer"]["tags"]) == (False, ["a", "a%_", "b"])
    assert (await store.get('{ all: tags some: tags(prefix: "A%") }')) == {"all": ["a", "a%_", "b"], "some": ["a%_"]}
    taken = await store.mutate("customerTagsRemove", "id: $id, tags: $tags", answer, id=customer, tags=["a", "none"])
    assert taken["customer"]["tags"] == ["a%_", "b"]
    arguments = "customerId: $id, channel: $channel, consent: $consent"
    for consent in ("SUBSCRIBED", "UNSUBSCRIBED", "SUBSCRIBED"):
        message = await store.mutate(
            "consentUpdate", arguments, answer, id=customer, channel="recording", consent=consent
        )
        assert [item["consent"] for item in message["customer"]["contacts"]] == [consent]
    wrong = await store.mutate("consentUpdate", arguments, answer, id=customer, channel="A B", consent="SUBSCRIBED")
    assert faults(wrong) == [(["channel"], "INVALID")]
    many = await store.mutate("customerTagsAdd", "id: $id, tags: $tags", answer, id=customer, tags=["x" * 101])
    assert faults(many) == [(["tags"], "INVALID")]
    gone = await store.mutate("customerDelete", "id: $id, erase: true", "deletedId", id=customer)
    assert gone["deletedId"] == customer
    remaining = await store.get("query ($id: ID!) { customer(id: $id) { name email deletedAt tags } }", id=customer)
    assert remaining["customer"] == {"name": None, "email": None, "deletedAt": "2026-07-01T09:00:00Z", "tags": []}
    assert (await store.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 0


async def test_properties_are_defined_once(store: StoreClient) -> None:
    await _define(store)
    arguments = "key: $key, label: $label, type: $type"
    answer = "propertyDefinition { id key label type }"
    for key, label, path, code in (
        ("size", "Again", "key", "TAKEN"),
        ("1st", "First", "key", "INVALID"),
        ("x" * 65, "Long", "key", "INVALID"),
        ("fit", " ", "label", "REQUIRED"),
        ("fit", "x" * 101, "label", "INVALID"),
    ):
        done = await store.mutate("propertyDefinitionCreate", arguments, answer, key=key, label=label, type="STRING")
        assert faults(done) == [([path], code)], key
    [definition] = (await store.get("{ propertyDefinitions { id key label type } }"))["propertyDefinitions"]
    assert definition == {
        "id": encode("PropertyDefinition", 1),
        "key": "size",
        "label": "Size",
        "type": "NUMBER",
    }
    gone = await store.mutate("propertyDefinitionDelete", "key: $key", answer, key="size")
    assert gone["propertyDefinition"] == definition
    gone = await store.mutate("propertyDefinitionDelete", "key: $key", answer, key="size")
    assert faults(gone) == [(["key"], "NOT_FOUND")]


async def test_what_customers_did(store: StoreClient) -> None:
    visit = {
        "id": "v1",
        "type": "visit",
        "customer": {"email": "eve@shop.example"},
        "occurredAt": "2026-06-02T00:00:00Z",
    }
    await store.customers({"externalId": "c1"})
    done = await store.mutate(
        "eventsTrack", "events: $events", "accepted duplicates", events=[ORDER, {**visit, "attributes": {"page": "/"}}]
    )
    assert (done["accepted"], done["duplicates"]) == (2, 0)
    page = "{ totalCount nodes { id type occurredAt attributes } pageInfo { endCursor hasNextPage } }"
    answer = await store.get(
        f'{{ ann: customer(externalId: "c1") {{ orderCount totalSpent lastOrderAt timeline(first: 1) {page} }} '
        f'eve: customer(email: "eve@shop.example") {{ source timeline(types: ["visit"]) {page} '
        f'none: timeline(types: ["order"]) {page} }} }}'
    )
    assert (answer["ann"]["orderCount"], answer["ann"]["totalSpent"]) == (1, "99.9")
    [order] = answer["ann"]["timeline"]["nodes"]
    assert (order["id"], order["type"], order["attributes"]["total"]) == ("o1", "order", "99.9")
    assert answer["eve"]["timeline"]["nodes"][0]["attributes"] == {"page": "/"}
    assert (answer["eve"]["source"], answer["eve"]["none"]["totalCount"]) == ("event", 0)
    bad: list[tuple[dict[str, object], list[str]]] = [
        ({"id": " "}, ["id"]),
        ({"type": "No Type"}, ["type"]),
        ({"customer": {"id": encode("Customer", 2**40)}}, ["customer", "id"]),
        ({"customer": {"email": "x"}}, ["customer", "email"]),
        ({"attributes": [1]}, ["attributes"]),
        ({"attributes": {"total": "much"}}, ["attributes", "total"]),
        ({"attributes": {"items": [{"price": "-"}]}}, ["attributes", "items", "0", "price"]),
        ({"attributes": {"items": [{"price": "1e400"}]}}, ["attributes", "items", "0", "price"]),
        ({"attributes": {"items": 7}}, ["attributes", "items"]),
    ]
    for change, path in bad:
        done = await store.mutate(
            "eventsTrack", "events: $events", "accepted", events=[visit, {**ORDER, "id": "o2", **change}]
        )
        assert [path for path, _ in faults(done)] == [["events", "1", *path]], change
        assert done["accepted"] == 0


async def _define(store: StoreClient) -> None:
    arguments = "key: $key, label: $label, type: $type"
    done = await store.mutate("propertyDefinitionCreate", arguments, "", key="size", label="Size", type="NUMBER")
    assert done["userErrors"] == []
