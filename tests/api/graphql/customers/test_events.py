"""Accounts, addresses and what happened to customers, as clients read and write them."""

from typing import Any

import pytest
from sqlalchemy import select

from domain.customers.tables import customer_tags
from tests.api.graphql.stage import StoreClient, faults

ACCOUNT: dict[str, Any] = {
    "firstName": "Ann",
    "lastName": "Lee",
    "company": "Lee & Co",
    "registeredFrom": "line",
    "registrationForm": "summer-popup",
    "accountStatus": "INVITED",
    "passwordSet": False,
    "lastLoginAt": "2026-06-30T23:00:00Z",
    "preferredChannel": "email",
    "note": "Calls on Mondays.\nLikes tea.",
    "loyaltyRank": "Silver",
}
ADDRESSES = [
    {"country": "tw", "region": "Taipei City", "city": "Da'an", "postcode": "106", "latitude": 25.03},
    {"street": "1 Main St", "company": "Lee & Co", "longitude": -180},
]
FACET = ["attributes", "tag"]
SHOWN = f"{' '.join(ACCOUNT)} addresses {{ country region city postcode street company latitude longitude }}"


async def test_accounts_and_addresses_are_what_was_said_of_them(store: StoreClient) -> None:
    values = {"externalId": "c1", **ACCOUNT, "addresses": ADDRESSES}
    payload = await store.mutate("customerUpsert", "input: $input", f"customer {{ {SHOWN} }}", input=values)
    assert payload["userErrors"] == []
    nothing = dict.fromkeys(("country", "region", "city", "postcode", "street", "company", "latitude", "longitude"))
    addresses = [{**nothing, **ADDRESSES[0], "country": "TW"}, {**nothing, **ADDRESSES[1]}]
    assert payload["customer"] == {**ACCOUNT, "addresses": addresses}
    change = {"externalId": "c1", "note": None, "addresses": [{"city": "Tainan"}]}
    done = await store.mutate("customerUpsert", "input: $input", f"customer {{ {SHOWN} }}", input=change)
    assert done["customer"] == {**ACCOUNT, "note": None, "addresses": [{**nothing, "city": "Tainan"}]}
    answer = await store.mutate(
        "customerUpsert", "input: $input", f"customer {{ {SHOWN} }}", input={"externalId": "c1"}
    )
    assert answer["customer"] == done["customer"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_faults_of_accounts_are_told_with_their_paths(store: StoreClient) -> None:
    wrong: list[tuple[dict[str, object], list[str], str]] = [
        ({"note": "x" * 2_001}, ["note"], "INVALID"),
        ({"note": "a\u0007b"}, ["note"], "INVALID"),
        ({"firstName": "x" * 101}, ["firstName"], "INVALID"),
        ({"preferredChannel": "E mail"}, ["preferredChannel"], "INVALID"),
        ({"addresses": [{}, {"country": "Taiwan"}]}, ["addresses", "1", "country"], "INVALID"),
        ({"addresses": [{"latitude": 90.5}]}, ["addresses", "0", "latitude"], "INVALID"),
        ({"addresses": [{}] * 21}, ["addresses"], "LIMIT_EXCEEDED"),
    ]
    for change, path, code in wrong:
        values = {"externalId": "c9", **change}
        done = await store.mutate("customerUpsert", "input: $input", "customer { id }", input=values)
        assert (faults(done), done["customer"]) == ([(["input", *path], code)], None), change


async def test_tags_know_since_when_and_from_whom_they_are(store: StoreClient) -> None:
    [customer] = await store.customers({"externalId": "c1", "tags": ["first"]})
    arguments = "id: $id, tags: $tags, source: $source"
    await store.mutate("customerTagsAdd", arguments, "created", id=customer, tags=["first", "second"], source="form")
    async with store.stage.runtime.database.read() as tx:
        rows = await tx.execute(select(customer_tags.c.tag, customer_tags.c.source, customer_tags.c.added_at))
        assert sorted((row.tag, row.source) for row in rows) == [("first", "api"), ("second", "form")]
    await store.mutate("customerTagsRemove", "id: $id, tags: $tags", "created", id=customer, tags=["first", "none"])
    document = "query ($id: ID!) { customer(id: $id) { tags timeline { nodes { type attributes } } } }"
    remaining = (await store.get(document, id=customer))["customer"]
    assert remaining["tags"] == ["second"]
    assert remaining["timeline"]["nodes"] == [{"type": "tag.removed", "attributes": {"tag": "first"}}]


def _event(kind: str, **attributes: object) -> dict[str, object]:
    at = "2026-06-01T00:00:00Z"
    return {
        "id": f"e-{kind}",
        "type": kind,
        "customer": {"externalId": "c1"},
        "occurredAt": at,
        "attributes": attributes,
    }


async def test_what_becomes_of_an_order_counts(store: StoreClient) -> None:
    placed = _event("order", total=90, items=[{"product": "p", "price": 90, "tags": ["new"], "attributes": {"S": "M"}}])
    refund = _event("order.refunded", order="e-order", amount=30)
    document = 'query { customer(externalId: "c1") { orderCount totalSpent } }'
    for events, spent in (([refund], "0"), ([placed], "60"), ([_event("order.cancelled", order="e-order")], "0")):
        done = await store.mutate("eventsTrack", "events: $events", "accepted duplicates", events=events)
        assert (done["accepted"], done["userErrors"]) == (1, [])
        assert (await store.get(document))["customer"]["totalSpent"] == spent
    assert (await store.get(document))["customer"]["orderCount"] == 0


async def test_who_unsubscribes_by_an_event_is_unsubscribed(store: StoreClient) -> None:
    [customer] = await store.customers(
        {"externalId": "c1", "email": "a@shop.example", "contacts": [{"channel": "recording", "address": "a@b.c"}]}
    )
    events = [_event("recording.unsubscribed", campaign="spring"), _event("recording.bounced", permanent=True)]
    await store.mutate("eventsTrack", "events: $events", "accepted", events=events)
    document = "query ($id: ID!) { customer(id: $id) { contacts { consent invalid } } }"
    contacts = (await store.get(document, id=customer))["customer"]["contacts"]
    assert contacts == [{"consent": "UNSUBSCRIBED", "invalid": True}]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_faults_of_events_are_told_with_their_paths(store: StoreClient) -> None:
    wrong: list[tuple[dict[str, object], list[str], str]] = [
        (_event("points.changed"), ["attributes", "amount"], "REQUIRED"),
        (_event("points.changed", amount=0), ["attributes", "amount"], "INVALID"),
        (_event("points.changed", amount="many"), ["attributes", "amount"], "INVALID"),
        (_event("points.changed", amount=5, expires_on="soon"), ["attributes", "expires_on"], "INVALID"),
        (_event("order.refunded", amount=5), ["attributes", "order"], "REQUIRED"),
        (_event("order.refunded", order="o", amount=-5), ["attributes", "amount"], "INVALID"),
        (_event("coupon.used", code="X"), ["attributes", "coupon"], "REQUIRED"),
        (_event("email.bounced", permanent="yes"), ["attributes", "permanent"], "INVALID"),
        (_event("visit", product="x" * 201), ["attributes", "product"], "INVALID"),
        (_event("order", items=[{"tags": "new"}]), ["attributes", "items", "0", "tags"], "INVALID"),
        (
            _event("order", items=[{"attributes": {"tag": "x"}}]),
            ["attributes", "items", "0", "attributes", "tag"],
            "INVALID",
        ),
        (_event("order", payment_status=5), ["attributes", "payment_status"], "INVALID"),
        ({**_event("visit"), "occurredAt": "0001-01-01T00:00:00Z"}, ["occurredAt"], "INVALID"),
    ]
    for event, path, code in wrong:
        done = await store.mutate("eventsTrack", "events: $events", "accepted", events=[_event("login"), event])
        assert (faults(done), done["accepted"]) == ([(["events", "1", *path], code)], 0), event


async def test_balances_are_what_has_not_expired(store: StoreClient) -> None:
    [customer] = await store.customers({"externalId": "c1"})
    points = [
        ("points.changed", 100, "2026-07-01"),
        ("points.changed", 50.5, None),
        ("points.changed", 7, "2026-06-30"),
    ]
    changes = [*points, ("credits.changed", 9.99, None)]
    events = [
        {**_event(kind, amount=amount, **({"expires_on": day} if day else {})), "id": str(at)}
        for at, (kind, amount, day) in enumerate(changes)
    ]
    done = await store.mutate("eventsTrack", "events: $events", "accepted", events=events)
    assert done["accepted"] == len(events)
    balances = await store.get("query ($id: ID!) { customer(id: $id) { pointBalance creditBalance } }", id=customer)
    assert balances["customer"] == {"pointBalance": 150, "creditBalance": "9.99"}


async def test_who_is_blacklisted_is_known_since_when_and_why(store: StoreClient) -> None:
    [customer] = await store.customers({"externalId": "c1"})
    arguments, answer = "id: $id, blacklisted: $blacklisted, reason: $reason", "customer { blacklisted }"
    for blacklisted, reason in ((True, "Abuse"), (True, "Again"), (False, None)):
        values = {"id": customer, "blacklisted": blacklisted, "reason": reason}
        done = await store.mutate("customerBlacklist", arguments, answer, **values)
        assert done["customer"] == {"blacklisted": blacklisted}
        store.stage.clock.forward(hours=1)
    document = await store.get(
        "query ($id: ID!) { customer(id: $id) { timeline { nodes { type attributes } } } }", id=customer
    )
    assert document["customer"]["timeline"]["nodes"] == [
        {"type": "unblacklisted", "attributes": {}},
        {"type": "blacklisted", "attributes": {"reason": "Abuse"}},
    ]
    long = await store.mutate("customerBlacklist", arguments, answer, id=customer, blacklisted=True, reason="x" * 501)
    assert faults(long) == [(["reason"], "INVALID")]
