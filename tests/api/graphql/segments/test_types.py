"""Segments and lists, as clients make them; and everything that a filter may be wrong about."""

from datetime import timedelta
from typing import Any

import pytest

from api.graphql.kit.global_ids import encode
from domain.kit import ids as fresh
from tests.api.graphql.stage import Json, Stage, StoreClient, attribute, faults, ids

SEGMENT = """id name description kind active query summary listCount memberCount
    include { all { attribute { dimension operator values } } } exclude { attribute { dimension operator values } }
    update { mode everyDays startedOn } createdAt updatedAt lastRefreshedAt nextRefreshAt
    latestList { id name status } lists { totalCount nodes { id } } members { totalCount nodes { externalId } }"""
IN_TAIWAN = {"all": [attribute("country", "IN", "TW"), attribute("name", "IS_SET")]}


async def test_a_segment_from_its_making_to_its_end(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "c1", "name": "Ann", "country": "TW"}, {"externalId": "c2", "name": "Bob"})
    payload = await store.segment(
        "Taiwan", include=IN_TAIWAN, description="Ours", update={"mode": "AUTO", "everyDays": 7}
    )
    gid, list_id = payload["segment"]["id"], payload["list"]["id"]
    segment = (await store.get(f"query ($id: ID!) {{ segment(id: $id) {{ {SEGMENT} }} }}", id=gid))["segment"]
    assert segment["include"] == IN_TAIWAN
    assert segment["exclude"] == attribute("blacklisted", "EQ", True)
    assert segment["update"] == {"mode": "AUTO", "everyDays": 7, "startedOn": "2026-07-01"}
    assert (segment["nextRefreshAt"], segment["lastRefreshedAt"]) == ("2026-07-08T00:00:00Z", "2026-07-01T09:00:00Z")
    assert (segment["name"], segment["description"], segment["kind"], segment["active"]) == (
        "Taiwan",
        "Ours",
        "DYNAMIC",
        True,
    )
    assert (segment["listCount"], segment["memberCount"], segment["members"]["nodes"]) == (1, 1, [{"externalId": "c1"}])
    assert segment["latestList"] == {"id": list_id, "name": "Taiwan", "status": "READY"}
    assert ids(segment["lists"]) == [list_id]
    await _same_by_query(store, segment["query"])
    changed = await store.mutate(
        "segmentUpdate", "id: $id, input: $input", f"segment {{ {SEGMENT} }}", id=gid, input={"name": "Island"}
    )
    assert changed["userErrors"] == []
    assert {**changed["segment"], "name": "Taiwan"} == segment
    cleared = {"include": None, "exclude": None, "description": None, "update": {"mode": "MANUAL"}}
    changed = await store.mutate(
        "segmentUpdate", "id: $id, input: $input", f"segment {{ {SEGMENT} }}", id=gid, input=cleared
    )
    assert (changed["segment"]["include"], changed["segment"]["memberCount"]) == (None, 2)
    assert (changed["segment"]["description"], changed["segment"]["nextRefreshAt"]) == (None, None)
    other = await store.segment("Others", include={"not": {"membership": {"segmentId": gid}}})
    page = (await store.get('{ segments(search: "isl") { totalCount nodes { id name } } }'))["segments"]
    assert page == {"totalCount": 1, "nodes": [{"id": gid, "name": "Island"}]}
    assert ids((await store.get("{ segments(active: true) { nodes { id } } }"))["segments"]) == [
        other["segment"]["id"],
        gid,
    ]
    await store.mutate("segmentDelete", "id: $id", "deletedId", id=other["segment"]["id"])
    gone = await store.mutate("segmentDelete", "id: $id", "deletedId", id=gid)
    assert gone["deletedId"] == gid
    await stage.work()
    answer = await store.get(
        "query ($s: ID!, $l: ID!) { segment(id: $s) { id } list(id: $l) { id } }", s=gid, l=list_id
    )
    assert answer == {"segment": None, "list": None}


async def _same_by_query(store: StoreClient, query: str) -> None:
    document = "query ($q: String, $f: FilterInput) { q: segmentPreview(query: $q) { count query summary exact } "
    both = await store.get(
        document + "f: segmentPreview(include: $f) { count query summary exact } }", q=query, f=IN_TAIWAN
    )
    assert both["q"] == both["f"]
    assert (both["q"]["count"], both["q"]["query"]) == (1, query)


async def test_lists_are_offered_while_they_can_be_used(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "c1", "name": "Ann", "email": "ann@shop.example"})
    first, second = await store.segment("One"), await store.segment("Two")
    page = "{ totalCount nodes { id name segment { name } expired expiresAt deletable problem } }"
    offered = (await store.get(f"{{ lists {page} }}"))["lists"]
    assert [node["name"] for node in offered["nodes"]] == ["Two", "One"]
    of_one = await store.get(
        f"query ($id: ID!) {{ lists(segmentId: $id, latestOnly: false) {page} }}", id=first["segment"]["id"]
    )
    assert ids(of_one["lists"]) == [first["list"]["id"]]
    searched = await store.get(f'{{ lists(search: "TWO", last: 1) {page} none: lists(search: "%") {page} }}')
    assert (ids(searched["lists"]), searched["none"]["totalCount"]) == ([second["list"]["id"]], 0)
    stage.clock.now += timedelta(days=180, seconds=1)
    assert (await store.get(f"{{ lists {page} }}"))["lists"]["totalCount"] == 0
    document = "query ($id: ID!) { list(id: $id) { expired actions { kind } members(first: 1) { nodes { name } } } }"
    listed = await store.get(document, id=first["list"]["id"])
    assert listed["list"] == {"expired": True, "actions": [], "members": {"nodes": [{"name": "Ann"}]}}


async def test_the_catalogue_says_what_may_be_asked(store: StoreClient) -> None:
    answer = await store.get(
        """{ dimensions { key label group type operators options { value label } }
        consent: dimensions(group: "consent") { key }
        behaviors { key label group attributes { key type operators } } }"""
    )
    known = {item["key"]: item for item in answer["dimensions"]}
    assert {"name", "email", "gender", "birthday", "tag", "tier", "consent.recording", "country"} <= known.keys()
    assert [option["value"] for option in known["gender"]["options"]] == ["MALE", "FEMALE", "OTHER", "UNDISCLOSED"]
    assert {"key": "consent.recording"} in answer["consent"]
    order = next(item for item in answer["behaviors"] if item["key"] == "order")
    assert {"product", "category", "brand", "total"} <= {item["key"] for item in order["attributes"]}
    with_operators = [item for item in known.values() if item["operators"]]
    assert len(with_operators) == len(known)


RANK = """mutation ($d: String!, $v: [String!]!) { valueRanksSet(dimension: $d, values: $v) {
    dimension { key ranked operators options { value label } } userErrors { field code } } }"""


async def test_a_store_puts_its_tiers_in_order(store: StoreClient) -> None:
    await store.customers({"externalId": "c1", "tier": "Silver"}, {"externalId": "c2", "tier": "Bronze"})
    put = (await store.get(RANK, d="tier", v=["Bronze", "Silver", "Gold"]))["valueRanksSet"]
    assert put["userErrors"] == []
    assert put["dimension"]["ranked"]
    assert "GTE" in put["dimension"]["operators"]
    assert [option["value"] for option in put["dimension"]["options"]] == ["Bronze", "Silver", "Gold"]
    answer = await store.get("""{ segmentPreview(query: "tier >= \\"Silver\\"") { count summary } }""")
    assert answer["segmentPreview"] == {
        "count": 1,
        "summary": "Customers with: Membership tier is at least Silver; without blacklisted ones",
    }
    refused = (await store.get(RANK, d="name", v=["a"]))["valueRanksSet"]
    assert refused == {"dimension": None, "userErrors": [{"field": ["dimension"], "code": "INVALID"}]}


async def test_hours_shares_and_what_a_builder_shows(store: StoreClient) -> None:
    talked = {"behavior": {"behavior": "line.interacted", "window": {"lastHours": 24}}}
    evenings = {"dimension": "hour", "operator": "BETWEEN", "values": [18, 22]}
    shared = {"behavior": "order", "where": [evenings], "aggregate": "SHARE", "operator": "GT", "values": [50]}
    answer = await store.get(
        """query ($f: FilterInput!) { segmentPreview(include: $f) { count query }
        behaviors { key open attributes { key closed maxValues options { value label } } } }""",
        f={"all": [talked, {"behavior": shared}]},
    )
    query = "line.interacted(last 24 hours) AND order.share(hour between 18 and 22) > 50"
    assert answer["segmentPreview"] == {"count": 0, "query": query}
    known = {item["key"]: item for item in answer["behaviors"]}
    weekday = next(item for item in known["order"]["attributes"] if item["key"] == "weekday")
    assert (weekday["closed"], weekday["maxValues"]) == (True, 1_000)
    assert weekday["options"][5] == {"value": 6, "label": "Saturday"}
    assert (known["visit"]["open"], known["order"]["open"]) == (True, False)


# A filter, where its fault is, and which.
UNREADABLE: list[tuple[Json, list[str], str]] = [
    (attribute("nme", "EQ", "x"), ["attribute", "dimension"], "NOT_FOUND"),
    (attribute("birthday", "CONTAINS", "x"), ["attribute", "operator"], "INVALID"),
    (attribute("name", "EQ", 5), ["attribute", "values", "0"], "INVALID"),
    (attribute("name", "EQ"), ["attribute", "values"], "REQUIRED"),
    (attribute("name", "IN"), ["attribute", "values"], "REQUIRED"),
    (attribute("name", "IS_SET", "x"), ["attribute", "values"], "INVALID"),
    (attribute("name", "EQ", ""), ["attribute", "values", "0"], "INVALID"),
    (attribute("name", "EQ", "a\0b"), ["attribute", "values", "0"], "INVALID"),
    (attribute("name\0", "EQ", "x"), ["attribute", "dimension"], "NOT_FOUND"),
    (attribute("order_count", "EQ", "1"), ["attribute", "values", "0"], "INVALID"),
    (attribute("name", "EQ", "x" * 501), ["attribute", "values", "0"], "INVALID"),
    (attribute("tag", "IN", *map(str, range(10_001))), ["attribute", "values"], "LIMIT_EXCEEDED"),
    (attribute("order_count", "GT", 2**63), ["attribute", "values", "0"], "INVALID"),
    (attribute("order_count", "GT", -(2**63)), ["attribute", "values", "0"], "INVALID"),
    (attribute("order_count", "BETWEEN", 2, 1), ["attribute", "values"], "INVALID"),
    (attribute("order_count", "BETWEEN", 2), ["attribute", "values"], "INVALID"),
    (attribute("birthday", "BEFORE", "0000-01-01"), ["attribute", "values", "0"], "INVALID"),
    (attribute("created_at", "AFTER", "0000-01-01T00:00:00Z"), ["attribute", "values", "0"], "INVALID"),
    (attribute("birthday", "MONTH_IN", 13), ["attribute", "values", "0"], "INVALID"),
    (attribute("created_at", "WITHIN_LAST_DAYS", 2**62), ["attribute", "values", "0"], "INVALID"),
    (attribute("gender", "IN", "ROBOT"), ["attribute", "values", "0"], "INVALID"),
    (attribute("property.none", "EQ", "x"), ["attribute", "dimension"], "NOT_FOUND"),
    ({"all": []}, ["all"], "REQUIRED"),
    ({"any": [attribute("name", "IS_SET"), {"all": []}]}, ["any", "1", "all"], "REQUIRED"),
    ({"not": attribute("nme", "IS_SET")}, ["not", "attribute", "dimension"], "NOT_FOUND"),
    ({"all": [attribute("name", "IS_SET")] * 101}, ["all", "100", "attribute"], "LIMIT_EXCEEDED"),
    ({"membership": {}}, ["membership"], "INVALID"),
    ({"membership": {"segmentId": encode("CustomerList", fresh.new())}}, ["membership", "segmentId"], "NOT_FOUND"),
    ({"membership": {"listId": encode("CustomerList", fresh.new())}}, ["membership", "listId"], "NOT_FOUND"),
    ({"membership": {"segmentId": "\0"}}, ["membership", "segmentId"], "NOT_FOUND"),
    ({"behavior": {"behavior": ""}}, ["behavior", "behavior"], "REQUIRED"),
    ({"behavior": {"behavior": "a\0"}}, ["behavior", "behavior"], "INVALID"),
    ({"behavior": {"behavior": "order", "aggregate": "SUM", "of": "\0"}}, ["behavior", "of"], "INVALID"),
    (
        {"behavior": {"behavior": "order", "where": [attribute("product", "EQ", "\0")["attribute"]]}},
        ["behavior", "where", "0", "values", "0"],
        "INVALID",
    ),
    (
        {"behavior": {"behavior": "order", "window": {"from": "0001-01-01T00:00:00Z"}}},
        ["behavior", "window", "from"],
        "INVALID",
    ),
    ({"behavior": {"behavior": "order", "aggregate": "SUM"}}, ["behavior", "of"], "REQUIRED"),
    ({"behavior": {"behavior": "order", "values": ["x"]}}, ["behavior", "values", "0"], "INVALID"),
    ({"behavior": {"behavior": "order", "window": {"lastDays": -1}}}, ["behavior", "window", "lastDays"], "INVALID"),
    (
        {"behavior": {"behavior": "order", "where": [attribute("nothing", "EQ", "x")["attribute"]]}},
        ["behavior", "where", "0", "dimension"],
        "NOT_FOUND",
    ),
    (
        {"behavior": {"behavior": "order", "window": {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}},
        ["behavior", "window"],
        "INVALID",
    ),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_faults_of_filters_are_told_with_their_paths(store: StoreClient) -> None:
    payload, picked = (await store.segment("Found"), await store.segment("Picked", kind="STATIC"))
    for wrong, path, code in UNREADABLE:
        values = {"id": payload["segment"]["id"], "input": {"include": wrong}}
        done = await store.mutate("segmentUpdate", "id: $id, input: $input", "segment { id }", **values)
        assert (faults(done), done["segment"]) == ([(["input", "include", *path], code)], None), wrong
        values = {"id": picked["segment"]["id"], "filter": wrong}
        done = await store.mutate("segmentMembersAdd", "id: $id, filter: $filter", "changed", **values)
        assert (faults(done), done["changed"]) == ([(["filter", *path], code)], 0), wrong
        done = await store.mutate(
            "segmentCreate", "input: $input", "segment { id }", input={"name": "x", "include": wrong}
        )
        assert (faults(done), done["segment"]) == ([(["input", "include", *path], code)], None), wrong
        for argument in ("include", "exclude"):
            refused = await store.ask(
                f"query ($f: FilterInput) {{ segmentPreview({argument}: $f) {{ count }} }}", f=wrong
            )
            message = refused.errors[0]["extensions"]
            assert message["field"] == [argument, *path]
            assert [(item["field"], item["code"]) for item in message["faults"]] == [([argument, *path], code)], wrong
    both = {"all": [attribute("nme", "EQ", "x"), attribute("name", "EQ", 5)]}
    done = await store.mutate(
        "segmentCreate", "input: $input", "segment { id }", input={"include": both, "exclude": attribute("x", "IS_SET")}
    )
    assert [path for path, _ in faults(done)] == [
        ["input", "name"],
        ["input", "include", "all", "0", "attribute", "dimension"],
        ["input", "include", "all", "1", "attribute", "values", "0"],
        ["input", "exclude", "attribute", "dimension"],
    ]


async def test_numbers_within_a_filter_may_have_more_than_32_bits(store: StoreClient) -> None:
    """Written in the document as well: JSON's numbers are no Int."""
    for number, code in ((2**31, None), (2**53 + 1, None), (2**63 - 1, None), (-(2**63) + 1, None), (2**63, "INVALID")):
        filter_ = f'{{attribute: {{dimension: "order_count", operator: GT, values: [{number}]}}}}'
        document = (
            f'mutation {{ segmentCreate(input: {{name: "{number}", include: {filter_}}}) {{ segment {{ include {{ '
        )
        document += "attribute { values } } } userErrors { field message code } } }"
        done = (await store.get(document))["segmentCreate"]
        if code is None:
            assert done["segment"]["include"]["attribute"]["values"] == [number]
        else:
            assert faults(done) == [(["input", "include", "attribute", "values", "0"], code)]
    for query in ("order_count > 9223372036854775808", 'name = "a\0b"', 'nme = "x"', "birthday = 0000-01-01"):
        done = await store.mutate("segmentCreate", "input: $input", "", input={"name": "x", "query": query})
        assert [path for path, _ in faults(done)] == [["input", "query"]], query
        refused = await store.ask("query ($q: String) { segmentPreview(query: $q) { count } }", q=query)
        assert refused.errors[0]["extensions"]["field"] == ["query"], query


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_faults_of_segments_are_told_with_their_paths(store: StoreClient) -> None:
    mine = (await store.segment("Taken"))["segment"]["id"]
    other = (await store.segment("Other", include={"membership": {"segmentId": mine}}))["segment"]["id"]
    [customer] = await store.customers({"externalId": "c1"})
    wrong: list[tuple[dict[str, Any], list[str], str]] = [
        ({"name": "x" * 51}, ["name"], "INVALID"),
        ({"name": " "}, ["name"], "REQUIRED"),
        ({"name": None}, ["name"], "REQUIRED"),
        ({"name": "Taken"}, ["name"], "TAKEN"),
        ({"name": "a\nb"}, ["name"], "INVALID"),
        ({"description": "x" * 2_001}, ["description"], "INVALID"),
        ({"update": {"mode": "AUTO"}}, ["update", "everyDays"], "REQUIRED"),
        ({"update": {"mode": "AUTO", "everyDays": 8}}, ["update", "everyDays"], "INVALID"),
        ({"update": {"mode": "MANUAL", "everyDays": 7}}, ["update", "everyDays"], "INVALID"),
        ({"query": "country ="}, ["query"], "INVALID"),
        ({"query": "EVERYONE", "include": attribute("name", "IS_SET")}, ["query"], "INVALID"),
        ({"customerIds": [customer]}, ["customerIds"], "INVALID"),
    ]
    for values, path, code in wrong:
        for mutation, arguments, variables in (
            ("segmentCreate", "input: $input", {"input": {"name": "New", **values}}),
            ("segmentUpdate", "id: $id, input: $input", {"id": other, "input": values}),
        ):
            done = await store.mutate(mutation, arguments, "segment { id }", **variables)
            assert (faults(done), done["segment"]) == ([(["input", *path], code)], None), (mutation, values)
    circle = {"include": {"membership": {"segmentId": other}}}
    done = await store.mutate("segmentUpdate", "id: $id, input: $input", "segment { id }", id=mine, input=circle)
    assert faults(done) == [(["input", "include", "membership", "segmentId"], "INVALID")]
    static = {"name": "New", "kind": "STATIC", "customerIds": [customer, encode("Segment", fresh.new())]}
    done = await store.mutate("segmentCreate", "input: $input", "segment { id }", input=static)
    assert faults(done) == [(["input", "customerIds", "1"], "NOT_FOUND")]
    assert (await store.get("{ segments { totalCount } }"))["segments"]["totalCount"] == 2


async def test_a_static_segment_holds_so_many(stage: Stage) -> None:
    store = await stage.store(static_segment_members=3)
    customers = await store.customers(*({"externalId": f"c{at}", "tags": ["x"]} for at in range(4)))
    picked = await store.segment("Picked", kind="STATIC", customerIds=[*customers[:3], customers[0]])
    document = "query ($id: ID!) { segment(id: $id) { kind memberCount query include { not { __typename } } summary } }"
    segment = (await store.get(document, id=picked["segment"]["id"]))["segment"]
    assert (segment["kind"], segment["memberCount"], segment["query"], segment["include"]) == ("STATIC", 3, None, None)
    for values in ({"customerIds": customers}, {"include": attribute("tag", "IN", "x")}):
        done = await store.mutate(
            "segmentCreate", "input: $input", "segment { id }", input={"name": "Full", "kind": "STATIC", **values}
        )
        assert [code for _, code in faults(done)] == ["LIMIT_EXCEEDED"]
        assert "3 would fit" in done["userErrors"][0]["message"]
    assert (await store.get("{ segments { totalCount } }"))["segments"]["totalCount"] == 1
    fixed = await store.mutate(
        "segmentUpdate",
        "id: $id, input: $input",
        "segment { id }",
        id=picked["segment"]["id"],
        input={"include": IN_TAIWAN},
    )
    assert faults(fixed) == [(["input", "include"], "INVALID")]


async def test_limits_of_a_store(stage: Stage) -> None:
    store = await stage.store("Small", timezone="Asia/Taipei", currency="TWD", property_conditions=1)
    answer = await store.get(
        "{ store { id name timezone currency limits { staticSegmentMembers propertyConditions } } }"
    )
    assert answer["store"] == {
        "id": encode("Store", store.store_id),
        "name": "Small",
        "timezone": "Asia/Taipei",
        "currency": "TWD",
        "limits": {"staticSegmentMembers": 10_000, "propertyConditions": 1},
    }
    for key in ("one", "two"):
        arguments = "key: $key, label: $label, type: $type"
        await store.mutate("propertyDefinitionCreate", arguments, "", key=key, label=key, type="STRING")
    variables = {"any": [attribute("property.one", "IS_SET"), attribute("property.two", "IS_SET")]}
    done = await store.mutate(
        "segmentCreate", "input: $input", "segment { id }", input={"name": "x", "include": variables}
    )
    assert faults(done) == [(["input", "include", "any", "1", "attribute", "dimension"], "LIMIT_EXCEEDED")]
