"""Scores, thresholds and ready segments through the API, worked out by a worker."""

from domain.lifecycle import actions
from domain.segments.presets import PRESETS
from tests.api.graphql.lists.test_analysis import order
from tests.api.graphql.stage import Stage, StoreClient, faults

LIFECYCLE = """{ lifecycle { computedOn measured chosen { activeDays highSpend repurchaseDays }
    used { activeDays lostDays introduceDays loyalOrders highSpend repurchaseDays } } }"""
NONE = {"activeDays": None, "highSpend": None, "repurchaseDays": None}


async def crowd(store: StoreClient) -> None:
    subscribed = {"channel": "email", "consent": "SUBSCRIBED"}
    await store.customers(
        {"externalId": "ann", "email": "ann@shop.example", "contacts": [{**subscribed, "address": "ann@shop.example"}]},
        {"externalId": "bob", "email": "bob@shop.example", "contacts": [{**subscribed, "address": "bob@shop.example"}]},
        {"externalId": "cal"},
        {"externalId": "dee"},
        {"externalId": "eve"},
    )
    events = [order(at, "ann", days, 600) for at, days in enumerate((5, 30, 300))]
    events += [order(10 + at, "cal", days, 20) for at, days in enumerate((100, 120))]
    events += [order(20, "dee", 700, 5)]
    events += [{**order(30 + at, "bob", at, 0), "type": "visit", "attributes": {"page": "/"}} for at in range(3)]
    events += [{**order(40, "eve", 2, 0), "type": "checkout", "attributes": {"total": 10}}]
    done = await store.mutate("eventsTrack", "events: $events", "accepted", events=events)
    assert done["accepted"] == len(events)


async def test_customers_are_scored_and_asked_for(stage: Stage, store: StoreClient) -> None:
    await crowd(store)
    assert (await store.get(LIFECYCLE))["lifecycle"] == {
        "computedOn": None,
        "measured": False,
        "chosen": NONE,
        "used": None,
    }
    await actions.schedule_due(stage.runtime.database, stage.clock())
    await stage.work()
    lifecycle = (await store.get(LIFECYCLE))["lifecycle"]
    assert (lifecycle["computedOn"], lifecycle["measured"], lifecycle["chosen"]) == ("2026-07-01", True, NONE)
    # Gaps of 25 and 270 days, and of 20: medians 147.5 and 20.
    assert lifecycle["used"] == {
        "activeDays": 167,
        "lostDays": 335,
        "introduceDays": 335,
        "loyalOrders": 3,
        "highSpend": "1800",
        "repurchaseDays": 83.75,
    }
    assert await named(store, 'lifecycle_stage = "LOYALISTS"') == ["ann"]
    assert await named(store, "rfm.recency = 5") == ["ann"]
    assert await named(store, 'rfm_group in ("PROSPECTS")') == ["bob", "eve"]
    assert await named(store, "shopper_type is not set") == ["bob", "eve"]
    done = await store.mutate(
        "lifecycleUpdate",
        "input: $input",
        "lifecycle { computedOn chosen { activeDays highSpend repurchaseDays } }",
        input={"activeDays": 4, "highSpend": "5", "repurchaseDays": 60},
    )
    assert done["userErrors"] == []
    assert done["lifecycle"]["chosen"] == {"activeDays": 4, "highSpend": "5", "repurchaseDays": 60}
    await stage.work()
    assert await named(store, 'lifecycle_stage = "CANT_LOSE"') == ["ann", "cal"]
    refused = await store.mutate(
        "lifecycleUpdate", "input: $input", "lifecycle { measured }", input={"activeDays": 0, "loyalOrders": -1}
    )
    assert refused["lifecycle"] is None
    assert faults(refused) == [(["input", "activeDays"], "INVALID"), (["input", "loyalOrders"], "INVALID")]


async def test_a_big_import_has_customers_scored_again(stage: Stage, store: StoreClient) -> None:
    for rows, scored in ((999, False), (1_000, True)):
        lines = [f"c{number},c{number}@shop.example" for number in range(rows)]
        content = "\n".join(["external_id,email", *lines]).encode()
        done = await store.upload("customersImport", content, dry_run=True)
        assert done["userErrors"] == []
        done = await store.upload("customersImport", content)
        assert done["userErrors"] == []
        await stage.work()
        assert ((await store.get(LIFECYCLE))["lifecycle"]["computedOn"] is not None) is scored
    assert (await store.get('{ segmentPreview(query: "rfm_group = \\"PROSPECTS\\"") { count } }')) == {
        "segmentPreview": {"count": 1_000}
    }


async def named(store: StoreClient, query: str) -> list[str]:
    answer = await store.get("query ($q: String) { segmentPreview(query: $q) { sample { externalId } } }", q=query)
    return [item["externalId"] for item in answer["segmentPreview"]["sample"]]


# Whom each preset finds in the crowd; those that are left out find nobody.
FINDS = {
    "new": ["bob"],
    "returning": ["ann"],
    "abandoned_checkouts": ["eve"],
    "high_value": ["ann"],
    "engaged": ["bob"],
    "viewed_not_ordered": ["bob"],
    "top_shoppers": ["ann"],
    "ready_to_repurchase": ["cal"],
    "lost": ["dee"],
    "stage.loyalists": ["ann"],
    "stage.need_nurturing": ["cal"],
    "stage.need_introduce": ["bob", "eve"],
    "stage.lost": ["dee"],
}


async def test_every_preset_finds_whom_it_is_for(stage: Stage, store: StoreClient) -> None:
    """Conditions 114, 122, 124, 125, 128, 129: each is read, shown as a tree, counted, and made a segment."""
    await crowd(store)
    await actions.schedule_due(stage.runtime.database, stage.clock())
    await stage.work()
    document = """{ segmentPresets { key group name description query
        include { attribute { dimension } behavior { behavior } all { attribute { dimension } } }
        exclude { attribute { dimension } } } }"""
    offered = (await store.get(document))["segmentPresets"]
    assert [item["key"] for item in offered] == [preset.key for preset in PRESETS]
    assert len({item["name"] for item in offered}) > 20
    result = {item["key"]: await named(store, item["query"]) for item in offered}
    buyers = {"ann", "cal", "dee"}
    assert {key: names for key, names in result.items() if not key.startswith("rfm.") and names} == FINDS
    assert result["rfm.prospects"] == ["bob", "eve"]
    groups = [names for key, names in result.items() if key.startswith("rfm.") and key != "rfm.prospects"]
    assert sorted(name for names in groups for name in names) == sorted(buyers)
    for item in offered:
        assert item["include"] is not None, item["key"]
        assert item["exclude"] == {"attribute": {"dimension": "blacklisted"}}
        assert item["description"]
        payload = await store.mutate(
            "segmentCreate", "input: $input", "segment { query }", input={"name": item["key"], "query": item["query"]}
        )
        assert payload["userErrors"] == [], item["key"]
