"""What a shop does all day: an import, an export and a campaign, at once and again and again."""

import asyncio
import json
from typing import Any

import httpx

from tests.soak.clients import ERRORS, Store

_HEADER = "external_id,name,email,city,consent.email\n"
_OPERATION = "query ($id: ID!) { operation(id: $id) { status url } }"
_CAMPAIGN = "query ($id: ID!) { campaign(id: $id) { status } }"
_LOOK = 0.5


async def import_file(store: Store, client: httpx.AsyncClient) -> None:
    document = f"mutation ($file: Upload!) {{ customersImport(file: $file) {{ operation {{ id }} {ERRORS} }} }}"
    operations = json.dumps({"query": document, "variables": {"file": None}})
    data = {"operations": operations, "map": json.dumps({"0": ["variables.file"]})}
    rows = (f"c{n},Customer {n},c{n}@shop.example,x{n % 50},SUBSCRIBED\n" for n in range(store.customers))
    file = ("c.csv", (_HEADER + "".join(rows)).encode(), "text/csv")
    response = await client.post(f"{store.url}/graphql", data=data, files={"0": file})
    answer = store.read(response)
    if answer is not None:
        await finish(store, client, answer["data"]["customersImport"]["operation"]["id"])
        store.outcomes["imports"] += 1


async def export_list(store: Store, client: httpx.AsyncClient, list_id: str) -> None:
    document = 'mutation ($id: ID!) { listExport(id: $id, fields: ["name", "email"]) { operation { id } } }'
    answer = await store.ask(client, document, {"id": list_id})
    if answer is not None:
        url = await finish(store, client, answer["data"]["listExport"]["operation"]["id"])
        response = await client.get(store.url + "/files/" + url.rpartition("/")[2])
        assert response.status_code == 200, response
        store.outcomes["exports"] += 1


async def send_campaign(store: Store, client: httpx.AsyncClient, list_id: str) -> None:
    content = {"subject": "Hi {{ customer.name }}", "html": "<p>{{ customer.city }}</p>"}
    campaign = {"name": "Daily", "channel": "email", "target": {"listId": list_id}, "content": content}
    create = f"mutation ($i: CampaignInput!) {{ campaignCreate(input: $i) {{ campaign {{ id }} {ERRORS} }} }}"
    answer = await store.ask(client, create, {"i": campaign})
    if answer is None:
        return
    gid = answer["data"]["campaignCreate"]["campaign"]["id"]
    send = f"mutation ($id: ID!) {{ campaignSend(id: $id) {{ {ERRORS} }} }}"
    is_sending = False
    while True:
        if not is_sending:
            is_sending = await store.ask(client, send, {"id": gid}) is not None
        else:
            answer = await store.ask(client, _CAMPAIGN, {"id": gid})
            if answer is not None and _is_sent(answer):
                break
        await asyncio.sleep(_LOOK)
    store.outcomes["campaigns"] += 1


def _is_sent(answer: Any) -> bool:
    status = answer["data"]["campaign"]["status"]
    assert status not in {"FAILED", "PAUSED", "CANCELLED"}, status
    return bool(status == "SENT")


async def finish(store: Store, client: httpx.AsyncClient, operation: str) -> str:
    """Return the link to the operation's file, if it makes one, when it is done."""
    while True:
        answer = await store.ask(client, _OPERATION, {"id": operation})
        state = answer and answer["data"]["operation"]
        assert state is None or state["status"] in {"QUEUED", "RUNNING", "DONE"}, state
        if state is not None and state["status"] == "DONE":
            return str(state["url"])
        await asyncio.sleep(_LOOK)


async def repeat(store: Store, client: httpx.AsyncClient, list_id: str) -> None:
    """Do all three at once, again and again."""
    while True:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(import_file(store, client))
                group.create_task(export_list(store, client, list_id))
                group.create_task(send_campaign(store, client, list_id))
        except* httpx.TransportError:
            store.outcomes["broken connections"] += 1
