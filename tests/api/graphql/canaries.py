"""A store in which every value of a person and of the store has a mark, by which an answer that shows one is known."""

from collections.abc import Mapping

from tests.api.graphql.stage import StoreClient
from tests.api.graphql.test_isolation import furnish

WORD = "canary"
PHONE = "+886987654321"
CUSTOMER: Mapping[str, object] = {
    "externalId": "canary-1",
    "name": "Canary Anna",
    "firstName": "Canary",
    "lastName": "Canaryson",
    "company": "Canary Ltd",
    "email": "canary.anna@shop.example",
    "phone": PHONE,
    "city": "Canary City",
    "note": "canary note",
    "source": "canary",
    "registrationForm": "canary form",
    "tier": "canary tier",
    "loyaltyRank": "canary rank",
    "tags": ["canary-tag"],
    "properties": [{"key": "colour", "value": "canary value"}],
    "addresses": [{"country": "TW", "city": "Canary City", "street": "1 Canary Street", "company": "Canary Ltd"}],
    "contacts": [{"channel": "recording", "address": "canary.anna@shop.example", "consent": "SUBSCRIBED"}],
}


def shows_canary(text: str) -> bool:
    return WORD in text.lower() or PHONE[1:] in text


async def furnish_with_canaries(store: StoreClient) -> dict[str, str]:
    """Make an object of each kind, and return their IDs by kind; most of their texts are canaries."""
    await _change(store, 'storeUpdate(input: {name: "Canary Shop"})')
    await _change(store, 'propertyDefinitionCreate(key: "colour", label: "Canary", type: STRING)')
    campaign = {"name": "Canary campaign", "utm": {"source": "canary"}, "content": {"text": "Hi, canary"}}
    ids = await furnish(store, CUSTOMER, **campaign)
    await _change(store, 'channelConfigure(key: "recording", settings: {account: "canary account"})')
    of_anna = '{attribute: {dimension: "tag", operator: IN, values: ["canary-tag"]}}'
    segment = f'name: "Canary segment", description: "canary", include: {of_anna}'
    await _change(store, f'segmentUpdate(id: "{ids["segment"]}", input: {{{segment}}})')
    await _change(store, f'listRename(id: "{ids["list"]}", name: "Canary list")')
    draft = 'name: "Canary draft", content: {text: "canary text"}'
    await _change(store, f'campaignUpdate(id: "{ids["campaign"]}", input: {{{draft}}})')
    await _change(store, 'valueRanksSet(dimension: "tier", values: ["silver", "canary tier"])')
    anna = f'customer: {{id: "{ids["customer"]}"}}, occurredAt: "2026-06-01T00:00:00Z"'
    items = 'items: [{product: "canary product", quantity: 1, price: 5}]'
    visit = f'{{id: "canary-visit", type: "visit", {anna}, attributes: {{page: "canary page"}}}}'
    order = f'{{id: "canary-order", type: "order", {anna}, attributes: {{total: 5, {items}}}}}'
    await _change(store, f"eventsTrack(events: [{visit}, {order}])")
    export = f'listExport(id: "{ids["list"]}", fields: ["email"])'
    started = await store.get(f"mutation {{ {export} {{ operation {{ id }} }} }}")
    await store.stage.work()
    return {**ids, "export": started["listExport"]["operation"]["id"], "property": "colour"}


async def _change(store: StoreClient, call: str) -> None:
    [payload] = (await store.get(f"mutation {{ {call} {{ userErrors {{ field message }} }} }}")).values()
    assert payload["userErrors"] == [], call
