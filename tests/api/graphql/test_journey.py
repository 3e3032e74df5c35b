"""From files to delivered messages, by the API alone."""

from tests.api.graphql.stage import Stage, StoreClient, attribute

CUSTOMERS = (
    "external_id,name,email,country,consent.recording,tags,property.size\n"
    "c1,Ann,ann@shop.example,TW,SUBSCRIBED,vip;new,7\n"
    "c2,Bob,bob@shop.example,TW,SUBSCRIBED,vip,8\n"
    "c3,Cho,cho@shop.example,TW,UNSUBSCRIBED,,9\n"
    "c4,Dee,,TW,SUBSCRIBED,,\n"
    "c5,Eve,eve@shop.example,JP,,,\n"
    "c6,Flo,not an address,JP,,,\n"
)
ORDERS = (
    "order_id,customer_external_id,placed_at,total,product,category,quantity,price\n"
    "o1,c1,2026-06-01T10:00:00Z,120.50,p1,Shoes,1,120.50\n"
    "o2,c1,2026-06-20T10:00:00Z,30,p2,Hats,2,15\n"
    "o3,c2,2026-06-05T10:00:00Z,80,p1,Shoes,1,80\n"
    "o4,c3,2026-06-05T10:00:00Z,99.99,p1,Shoes,1,99.99\n"
    "o5,c4,2026-06-05T10:00:00Z,10,p1,Shoes,1,10\n"
    "o6,nobody,2026-06-05T10:00:00Z,10,p1,Shoes,1,10\n"
)
BOUGHT_SHOES = {
    "all": [
        attribute("country", "IN", "TW"),
        {"behavior": {"behavior": "order", "where": [attribute("category", "IN", "Shoes")["attribute"]]}},
    ]
}
OPERATION = "subscription ($id: ID!) { operationProgress(id: $id) { status done total problems { row message } } }"
CAMPAIGN = """subscription ($id: ID!) {
    campaignProgress(id: $id) { status stats { recipients pending sent failed unknown skipped } }
}"""
DRAWN_UP = """query ($id: ID!, $customer: ID!) {
    campaign(id: $id) {
        name channel status targetName acceptMarketing content createdAt startedAt problem
        utm { source medium campaign } list { name number } stats { recipients }
        reach { audience recipients excluded { reason count } }
        preview { subject html text payload } chosen: preview(customerId: $customer) { text }
    }
}"""
SENT = """query ($id: ID!) {
    campaign(id: $id) {
        status startedAt finishedAt problem
        stats { recipients pending sent failed unknown skipped }
        deliveries {
            totalCount
            nodes { id address status attempts providerMessageId error sentAt customer { name } message { text } }
        }
        failed: deliveries(status: [FAILED]) { totalCount }
    }
}"""


async def test_from_files_to_delivered_messages(stage: Stage, store: StoreClient) -> None:
    await _take_in(stage, store)
    created = await _find(stage, store)
    campaign = await _draw_up(store, created["list"]["id"])
    await _send(stage, store, campaign)


async def _take_in(stage: Stage, store: StoreClient) -> None:
    customers = await store.upload("customersImport", CUSTOMERS.encode())
    assert customers["userErrors"] == []
    assert customers["operation"]["status"] == "QUEUED"
    await stage.work()
    *_, last = await store.events(OPERATION, id=customers["operation"]["id"])
    assert last["data"]["operationProgress"]["status"] == "DONE"
    [problem] = last["data"]["operationProgress"]["problems"]
    assert problem["row"] == 7
    assert "not an address" in problem["message"]
    orders = await store.upload("ordersImport", ORDERS.encode())
    await stage.work()
    answer = await store.get(
        "query ($id: ID!) { operation(id: $id) { kind status problems { row message } } }", id=orders["operation"]["id"]
    )
    assert answer["operation"]["status"] == "DONE"
    assert [problem["row"] for problem in answer["operation"]["problems"]] == [7]
    ann = await store.get('{ customer(externalId: "c1") { orderCount totalSpent tags properties { key value } } }')
    assert ann["customer"] == {
        "orderCount": 2,
        "totalSpent": "150.5",
        "tags": ["new", "vip"],
        "properties": [{"key": "size", "value": 7.0}],
    }


async def _find(stage: Stage, store: StoreClient) -> dict[str, dict[str, str]]:
    preview = await store.get(
        "query ($f: FilterInput) { segmentPreview(include: $f) { count exact summary query sample { name } } }",
        f=BOUGHT_SHOES,
    )
    assert preview["segmentPreview"]["count"] == 4
    assert preview["segmentPreview"]["exact"] is True
    assert [item["name"] for item in preview["segmentPreview"]["sample"]] == ["Ann", "Bob", "Cho", "Dee"]
    done = await store.mutate(
        "segmentCreate",
        "input: $input",
        "segment { id name memberCount } list { id name status count } operation { id status }",
        input={"name": "Shoes", "include": BOUGHT_SHOES},
    )
    assert done["userErrors"] == []
    assert done["segment"]["memberCount"] == 4
    assert (done["list"]["name"], done["list"]["status"], done["list"]["count"]) == ("Shoes", "GENERATING", 0)
    await stage.work()
    [*_, last] = await store.events(OPERATION, id=done["operation"]["id"])
    assert last["data"]["operationProgress"] == {"status": "DONE", "done": 4, "total": 4, "problems": []}
    listed = (
        await store.get(
            """query ($id: ID!) { list(id: $id) {
                status count latest expired deletable segment { name } members { totalCount nodes { name } }
                reach { channel reachable accepting } actions { kind channel label }
            } }""",
            id=done["list"]["id"],
        )
    )["list"]
    assert listed["status"] == "READY"
    assert listed["count"] == listed["members"]["totalCount"] == 4
    assert listed["reach"] == [{"channel": "recording", "reachable": 3, "accepting": 2}]
    assert listed["actions"] == []  # no channel is installed yet
    return dict(done)


async def _draw_up(store: StoreClient, list_id: str) -> str:
    await store.install()
    await store.mutate(
        "channelConfigure", "key: $key, settings: $settings", "", key="recording", settings={"account": "x"}
    )
    created = await store.mutate(
        "campaignCreate",
        "input: $input",
        "campaign { id status }",
        input={
            "name": "New shoes",
            "channel": "recording",
            "target": {"listId": list_id},
            "content": {"text": "Hi {{ customer.name }}, size {{ customer.property.size }}"},
            "utm": {"source": "muster"},
        },
    )
    assert created["userErrors"] == []
    drawn = (await store.get(DRAWN_UP, id=created["campaign"]["id"], customer=await store.customer_id("c2")))[
        "campaign"
    ]
    assert (drawn["status"], drawn["targetName"], drawn["list"]["number"]) == ("DRAFT", "Shoes", 1)
    assert drawn["utm"] == {"source": "muster", "medium": None, "campaign": None}
    assert drawn["stats"] == {"recipients": 0}
    assert drawn["reach"]["audience"] == 4
    assert drawn["reach"]["recipients"] == 2
    assert sorted((item["reason"], item["count"]) for item in drawn["reach"]["excluded"]) == [
        ("NO_ADDRESS", 1),
        ("UNSUBSCRIBED", 1),
    ]
    assert drawn["preview"]["text"] == "Hi Ann, size 7"
    assert drawn["preview"]["payload"] == {"to": "ann@shop.example", "text": "Hi Ann, size 7"}
    assert drawn["chosen"] == {"text": "Hi Bob, size 8"}
    forecast = await store.get(
        'query ($t: TargetInput!) { reach(target: $t, channel: "recording") { recipients } }', t={"listId": list_id}
    )
    assert forecast["reach"] == {"recipients": 2}
    return str(created["campaign"]["id"])


async def _send(stage: Stage, store: StoreClient, campaign: str) -> None:
    sent = await store.mutate("campaignSend", "id: $id", "campaign { status startedAt }", id=campaign)
    assert sent["userErrors"] == []
    assert sent["campaign"]["status"] == "SENDING"
    await stage.work()
    assert sorted(stage.channel.addresses) == ["ann@shop.example", "bob@shop.example"]
    [*_, last] = await store.events(CAMPAIGN, id=campaign)
    stats = {"recipients": 2, "pending": 0, "sent": 2, "failed": 0, "unknown": 0, "skipped": 0}
    assert last["data"]["campaignProgress"] == {"status": "SENT", "stats": stats}
    answer = (await store.get(SENT, id=campaign))["campaign"]
    assert (answer["status"], answer["stats"], answer["failed"]["totalCount"]) == ("SENT", stats, 0)
    assert answer["deliveries"]["totalCount"] == 2
    first = answer["deliveries"]["nodes"][0]
    assert first.pop("id")
    assert first.pop("sentAt").endswith("Z")
    assert first == {
        "address": "ann@shop.example",
        "status": "SENT",
        "attempts": 1,
        "providerMessageId": "id-ann@shop.example",
        "error": None,
        "customer": {"name": "Ann"},
        "message": None,
    }
