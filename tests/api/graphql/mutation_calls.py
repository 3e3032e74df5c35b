"""A valid call of every mutation, for tests of what all of them have in common."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from string import Template
from typing import Any, cast

import httpx
from muster_sdk import AccountReport, Capabilities

from api.graphql.kit.global_ids import encode
from domain.kit.values import ValueType
from domain.stores.model import TokenScope
from plugins.contributions import InstalledChannel
from tests.api.graphql.stage import Json, Reply, StoreClient, attribute

UPLOADS: Mapping[str, bytes] = {
    "eventsImport": b"id,type,external_id,occurred_at\nv1,visit,ann,2026-06-01T09:00:00Z\n",
    "customersImport": b"external_id,email\nann,ann@shop.example\n",
    "ordersImport": (
        b"order_id,customer_external_id,placed_at,total,product,quantity,price\no1,ann,2026-06-01,5,p1,1,5\n"
    ),
}

# The arguments of all others; `$customer` stands for the ID of what `MAKERS` makes.
CALLS: Mapping[str, str] = {
    "apiTokenCreate": 'name: "The till", scopes: ["read"], expiresAt: "2036-01-01T00:00:00Z"',
    "apiTokenRevoke": 'id: "$token"',
    "campaignCreate": 'input: {name: "July", channel: "recording", target: {listId: "$list"}, content: {text: "Hi"}}',
    "campaignSend": 'id: "$campaign", idempotencyKey: "once"',
    "campaignUpdate": 'id: "$campaign", input: {name: "August"}',
    "channelConfigure": 'key: "recording", settings: {account: "one"}',
    "channelConnect": 'key: "$able_channel", returnUrl: "http://127.0.0.1:8000/channels"',
    "channelInstall": 'key: "recording", settings: {account: "one"}',
    "channelSync": 'key: "$able_channel"',
    "channelTest": 'key: "$able_channel"',
    "consentUpdate": 'customerId: "$customer", channel: "recording", consent: UNSUBSCRIBED',
    "customerBlacklist": 'id: "$customer", reason: "spam"',
    "customerDataExport": 'id: "$customer"',
    "customerDelete": 'id: "$customer", erase: true',
    "customerTagsAdd": 'id: "$customer", tags: ["new", "newer"]',
    "customerTagsRemove": 'id: "$customer", tags: ["vip", "old"]',
    "customerUpsert": 'input: {externalId: "eve", email: "eve@shop.example", tags: ["a"]}',
    "customersUpsert": 'input: [{externalId: "eve"}, {email: "fay@shop.example"}]',
    "eventsTrack": (
        'events: [{id: "e1", type: "visit", customer: {externalId: "eve"}, occurredAt: "2026-06-01T00:00:00Z"}, '
        '{id: "o1", type: "order", customer: {email: "fay@shop.example"}, occurredAt: "2026-06-01T00:00:00Z", '
        'attributes: {total: 5, items: [{product: "p", quantity: 1, price: 5}]}}]'
    ),
    "lifecycleUpdate": "input: {activeDays: 10, lostDays: 300}",
    "listDelete": 'id: "$second_list"',
    "listExport": 'id: "$list", fields: ["email"]',
    "listRename": 'id: "$list", name: "Renamed"',
    "operationCancel": 'id: "$export"',
    "orderStatusesClassify": 'input: [{status: "Shipped to Mars", meaning: SALE}]',
    "propertyDefinitionCreate": 'key: "shoe_size", label: "Shoe size", type: NUMBER',
    "propertyDefinitionDelete": 'key: "$property"',
    "segmentActivate": 'id: "$inactive_segment"',
    "segmentCreate": 'input: {name: "Everyone at once"}',
    "segmentDeactivate": 'id: "$segment"',
    "segmentDelete": 'id: "$segment"',
    "segmentDuplicate": 'id: "$segment"',
    "segmentMembersAdd": 'id: "$static_segment", customerIds: ["$customer"]',
    "segmentMembersRemove": 'id: "$filled_segment", customerIds: ["$customer"]',
    "segmentRefresh": 'id: "$segment_of_yesterday"',
    "segmentUpdate": 'id: "$segment", input: {name: "Renamed"}',
    "storeUpdate": 'input: {name: "Renamed"}',
    "valueRanksSet": 'dimension: "tier", values: ["bronze", "silver", "gold"]',
}


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A mutation whose objects exist, to be called as often as a test likes."""

    store: StoreClient
    name: str
    document: str

    async def send(self) -> httpx.Response:
        if self.name in UPLOADS:
            return await self.store.send_upload(self.name, UPLOADS[self.name])
        return await self.store.send(json={"query": self.document})

    async def errors(self) -> list[Json]:
        """Call the mutation, and return its user errors."""
        response = await self.send()
        [payload] = Reply(response.status_code, response.json()).data.values()
        errors: list[Json] = payload["userErrors"]
        return errors


async def prepare(store: StoreClient, name: str) -> PreparedCall:
    """Make what the call of the mutation needs in the store."""
    if name in UPLOADS:
        return PreparedCall(store, name, "")
    arguments = Template(CALLS[name])
    made = {noun: await MAKERS[noun](store) for noun in arguments.get_identifiers()}
    document = f"mutation {{ {name}({arguments.substitute(made)}) {{ userErrors {{ field message code }} }} }}"
    return PreparedCall(store, name, document)


async def _able_channel(store: StoreClient) -> str:
    """The store's channel, with every ability that a mutation asks for."""

    async def check(_settings: object, _host: object) -> AccountReport:
        return AccountReport("one")

    def authorization_url(_settings: object, _redirect_url: str, state: str) -> str:
        return f"https://recording.example/?state={state}"

    channel: Any = store.stage.channel
    channel.check, channel.authorization_url = check, authorization_url
    key: str = channel.key
    channels = cast("dict[str, InstalledChannel]", store.stage.runtime.plugins.channels)
    able = Capabilities(connection_check=True, oauth=True, audience_sync=True)
    channels[key] = replace(channels[key], channel=replace(channels[key].channel, capabilities=able))
    await store.install(key, {"account": "one"})
    return key


async def _customer(store: StoreClient) -> str:
    consents = [{"channel": "recording", "address": "ann@shop.example", "consent": "SUBSCRIBED"}]
    ann = {"externalId": "ann", "email": "ann@shop.example", "tags": ["vip", "old"], "contacts": consents}
    [customer] = await store.customers(ann)
    return customer


async def _property(store: StoreClient) -> str:
    arguments = "key: $key, label: $label, type: $type"
    kind = ValueType.STRING.name
    await store.mutate("propertyDefinitionCreate", arguments, "", key="colour", label="Colour", type=kind)
    return "colour"


async def _segment(store: StoreClient) -> str:
    return str((await store.segment())["segment"]["id"])


async def _inactive_segment(store: StoreClient) -> str:
    segment = await _segment(store)
    await store.mutate("segmentDeactivate", "id: $id", "", id=segment)
    return segment


async def _static_segment(store: StoreClient) -> str:
    return str((await store.segment("Friends", kind="STATIC"))["segment"]["id"])


async def _filled_segment(store: StoreClient) -> str:
    await _customer(store)
    members = attribute("tag", "IN", "vip")
    return str((await store.segment("Friends", kind="STATIC", include=members))["segment"]["id"])


async def _segment_of_yesterday(store: StoreClient) -> str:
    segment = await _segment(store)
    store.stage.clock.forward(days=1)
    return segment


async def _list(store: StoreClient) -> str:
    await store.install()
    await _customer(store)
    return str((await store.segment())["list"]["id"])


async def _second_list(store: StoreClient) -> str:
    refreshed = await store.mutate("segmentRefresh", "id: $id", "list { id }", id=await _segment_of_yesterday(store))
    await store.stage.work()
    return str(refreshed["list"]["id"])


async def _campaign(store: StoreClient) -> str:
    return await store.campaign(await _list(store))


async def _export(store: StoreClient) -> str:
    arguments = "id: $id, fields: $fields"
    started = await store.mutate("listExport", arguments, "operation { id }", id=await _list(store), fields=["email"])
    return str(started["operation"]["id"])


async def _token(store: StoreClient) -> str:
    _, token_id = await store.token_with_id(frozenset({TokenScope.READ}))
    return encode("ApiToken", token_id)


MAKERS: Mapping[str, Callable[[StoreClient], Awaitable[str]]] = {
    "able_channel": _able_channel,
    "campaign": _campaign,
    "customer": _customer,
    "export": _export,
    "filled_segment": _filled_segment,
    "inactive_segment": _inactive_segment,
    "list": _list,
    "property": _property,
    "second_list": _second_list,
    "segment": _segment,
    "segment_of_yesterday": _segment_of_yesterday,
    "static_segment": _static_segment,
    "token": _token,
}
