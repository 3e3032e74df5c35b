"""What is answered without the scope `read`, or without a token, shows nobody (S5)."""

import json
from string import Template

import httpx

from api.graphql.kit.global_ids import number, uuid
from domain.consents.links import UnsubscribeToken
from domain.stores.model import TokenScope
from domain.stores.queries import revoke_token
from tests.api.graphql.canaries import PHONE, furnish_with_canaries, shows_canary
from tests.api.graphql.stage import Stage, StoreClient
from tests.api.graphql.test_access import codes
from tests.factories import NOW

EMAIL = "canary.anna@shop.example"
TIMED = 'occurredAt: "2026-06-01T00:00:00Z"'
# Mutations that meet a customer of another, or what the store holds, and are refused, or not.
MEETINGS: dict[str, str] = {
    "another's e-mail": f'customerUpsert(input: {{externalId: "c1", email: "{EMAIL}"}})',
    "another's phone": f'customerUpsert(input: {{externalId: "c1", phone: "{PHONE}"}})',
    "another's address": (
        f'customerUpsert(input: {{externalId: "c1", contacts: [{{channel: "recording", address: "{EMAIL}"}}]}})'
    ),
    "an e-mail twice": f'customersUpsert(input: [{{externalId: "c2", email: "{EMAIL}"}}, {{email: "{EMAIL}"}}])',
    "a wrong value": 'customerUpsert(input: {externalId: "canary-1", email: "x", birthday: "2999-01-01", locale: "?"})',
    "an unknown property": 'customerUpsert(input: {externalId: "canary-1", properties: [{key: "no", value: 1}]})',
    "an unknown channel": 'consentUpdate(customerId: "$customer", channel: "fax", consent: SUBSCRIBED)',
    "too many tags": f'customerTagsAdd(id: "$customer", tags: {json.dumps([f"t{n}" for n in range(300)])})',
    "an event of another": (
        f'eventsTrack(events: [{{id: "canary-visit", type: "cart", customer: {{externalId: "c1"}}, {TIMED}}}])'
    ),
    "an order of another": (
        f'eventsTrack(events: [{{id: "canary-order", type: "order", customer: {{externalId: "c1"}}, {TIMED}, '
        "attributes: {total: 1, items: []}}])"
    ),
    "a tag that is nearly known": (
        'segmentCreate(input: {name: "a", '
        'include: {attribute: {dimension: "tag", operator: LT, values: ["canar-tag"]}}})'
    ),
    "a rank that is none": (
        'segmentCreate(input: {name: "b", include: {attribute: {dimension: "tier", operator: LT, values: ["x"]}}})'
    ),
    "a query that is wrong": 'segmentCreate(input: {name: "c", query: "tag is in (canar"})',
    "a name that is taken": 'segmentUpdate(id: "$static", input: {name: "Canary segment"})',
    "a template that fails": (
        'campaignCreate(input: {name: "a", channel: "recording", target: {listId: "$list"}, '
        'content: {text: "{{ customer.email | int }}{{ customer.name() }}"}})'
    ),
    "a full segment": 'segmentMembersAdd(id: "$static", customerIds: ["$customer"])',
    "a property that is there": 'propertyDefinitionCreate(key: "colour", label: "x", type: NUMBER)',
    "ranks twice": 'valueRanksSet(dimension: "tier", values: ["x", "x"])',
    "a campaign that is sent": 'campaignUpdate(id: "$sent_campaign", input: {name: "x"})',
    "a campaign of two lists": 'campaignUpdate(id: "$campaign", input: {target: {listId: "$customer"}})',
}
# Of these, those that are done: two customers may have one e-mail, and an order is its last sender's.
DONE = {
    "another's e-mail",
    "another's phone",
    "another's address",
    "an e-mail twice",
    "an unknown channel",
    "an event of another",
    "an order of another",
    "a template that fails",
}


async def test_no_message_to_a_writer_shows_a_customer(stage: Stage, store: StoreClient) -> None:
    ids = await furnish_with_canaries(store)
    assert (await store.mutate("storeUpdate", "input: $input", "", input={"staticSegmentMembers": 1}))[
        "userErrors"
    ] == []
    token = await store.add_token(frozenset({TokenScope.WRITE}))
    refused: set[str] = set()
    for name, call in MEETINGS.items():
        document = Template(f"mutation {{ {call} {{ userErrors {{ field message code }} }} }}").safe_substitute(ids)
        reply = await store.ask_by(token, document)
        assert "FORBIDDEN" not in codes(reply), name
        text = json.dumps(reply.body)
        for given in (EMAIL, PHONE, "canar-tag", "Canary segment"):
            text = text.replace(given, "") if given in document else text
        text = text.replace("silver, canary tier", "")  # ranks, which writers set
        assert not shows_canary(text), (name, text)
        [payload] = reply.data.values()
        if payload["userErrors"]:
            refused.add(name)
    assert MEETINGS.keys() - refused == DONE


async def test_a_link_is_the_key_to_its_file_alone(stage: Stage, store: StoreClient) -> None:
    """Only who may read gets a link; whoever has it gets the file, until it expires, and nothing by another one."""
    ids = await furnish_with_canaries(store)
    token, token_id = await store.token_with_id(frozenset({TokenScope.READ}))
    document = "query ($id: ID!) { operation(id: $id) { url } }"
    for scope in (TokenScope.WRITE, TokenScope.SEND, TokenScope.REWARDS):
        refused = await store.ask_by(await store.add_token(frozenset({scope})), document, id=ids["export"])
        assert (refused.body.keys(), codes(refused)) == ({"errors"}, ["FORBIDDEN"])
    url = (await store.ask_by(token, document, id=ids["export"])).data["operation"]["url"]
    path = httpx.URL(url).path
    assert EMAIL in (await store.fetch(path)).text
    assert path.removeprefix("/files/") not in (await store.fetch("/metrics")).text
    async with stage.runtime.database.write() as tx:
        assert await revoke_token(tx, store.store_id, token_id, NOW)
    assert EMAIL in (await store.fetch(path)).text
    for at in range(len("/files/"), len(path)):
        other = path[:at] + ("A" if path[at] != "A" else "B") + path[at + 1 :]
        response = await store.fetch(other)
        assert (response.status_code, shows_canary(response.text)) in {(404, False), (410, False)}
    stage.clock.forward(days=8)
    expired = await store.fetch(path)
    assert (expired.status_code, shows_canary(expired.text)) == (410, False)


async def test_what_needs_no_token_shows_nobody(store: StoreClient) -> None:
    await furnish_with_canaries(store)
    for path in ("/metrics", "/healthz", "/readyz", "/", "/graphql", "/files/x", "/unsubscribe/x"):
        response = await store.fetch(path)
        assert not shows_canary(response.text), path
        assert "Shop" not in response.text, path


async def test_the_page_behind_an_unsubscribe_link_names_nobody(stage: Stage, store: StoreClient) -> None:
    ids = await furnish_with_canaries(store)
    customer, campaign = number(ids["customer"]), uuid(ids["sent_campaign"])
    assert customer is not None
    assert campaign is not None
    links = await stage.runtime.services.links()
    url = links.url(UnsubscribeToken(store.store_id, customer, campaign, "recording"))
    response = await store.fetch(httpx.URL(url).path)
    assert response.status_code == 200
    assert not shows_canary(response.text)
