"""How segments and their lists live, as clients see it."""

from datetime import timedelta

import pytest
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, update

from api.graphql.kit import global_ids
from api.graphql.kit.global_ids import encode, uuid
from domain.jobs.tables import jobs as job_rows
from domain.kit import ids as fresh
from domain.lists.tables import list_members, lists
from domain.segments.tables import segments
from tests.api.graphql.stage import Json, Stage, StoreClient, attribute, faults, ids
from tests.factories import NOW

SEGMENT = "id name active refreshable refreshBlockedBy nextRefreshAt lastRefreshedAt listCount memberCount"
LIST = "list { id name number status count }"
WEEKLY = {"mode": "AUTO", "everyDays": 7}


async def segment(store: StoreClient, gid: str, fields: str = SEGMENT) -> Json:
    return (await store.get(f"query ($id: ID!) {{ segment(id: $id) {{ {fields} }} }}", id=gid))["segment"]


async def refresh(store: StoreClient, gid: str) -> Json:
    return await store.mutate("segmentRefresh", "id: $id", f"{LIST} operation {{ status }}", id=gid)


async def delete(store: StoreClient, gid: str) -> Json:
    return await store.mutate("listDelete", "id: $id", "deletedId", id=gid)


async def test_a_list_by_hand_once_a_day(stage: Stage, store: StoreClient) -> None:
    """SL-09, SL-10, SL-11 and vector 2: not on the first day, and a day is spent whatever becomes of the list."""
    gid = (await store.segment("G"))["segment"]["id"]
    today = [(["id"], "ALREADY_REFRESHED_TODAY")]
    assert faults(await refresh(store, gid)) == today
    answer = await segment(store, gid)
    assert (answer["refreshable"], answer["refreshBlockedBy"]) == (False, "ALREADY_REFRESHED_TODAY")
    stage.clock.forward(days=1)
    assert (await segment(store, gid))["refreshable"] is True
    payload = await refresh(store, gid)
    assert (payload["list"]["name"], payload["list"]["number"], payload["operation"]["status"]) == ("G-2", 2, "QUEUED")
    assert faults(await refresh(store, gid)) == [(["id"], "INVALID_STATE")]  # it is being made
    await stage.work()
    assert faults(await refresh(store, gid)) == today
    assert (await delete(store, payload["list"]["id"]))["deletedId"] == payload["list"]["id"]
    assert faults(await refresh(store, gid)) == today
    stage.clock.forward(days=1)
    assert (await refresh(store, gid))["list"]["name"] == "G-2"


async def test_a_list_that_failed_or_hangs_is_made_again_once_it_is_deleted(stage: Stage, store: StoreClient) -> None:
    """SL-12 and vector 2."""
    other = (await store.segment("Other"))["segment"]["id"]
    asks = {"membership": {"segmentId": other}}
    gid = (await store.segment("G", include=asks))["segment"]["id"]
    stage.clock.forward(days=1)
    hanging = (await refresh(store, gid))["list"]
    assert (await delete(store, hanging["id"]))["userErrors"] == []
    await remove_unseen(stage, other)
    failing = (await refresh(store, gid))["list"]
    assert failing["name"] == "G-2"
    await stage.work()
    answer = await segment(store, gid, "refreshBlockedBy lists { nodes { status problem } } latestList { name }")
    assert [node["status"] for node in answer["lists"]["nodes"]] == ["FAILED", "READY"]
    assert (answer["latestList"]["name"], answer["refreshBlockedBy"]) == ("G", "INVALID_STATE")
    assert faults(await refresh(store, gid)) == [(["id"], "INVALID_STATE")]
    assert (await delete(store, failing["id"]))["userErrors"] == []
    mend = await store.mutate("segmentUpdate", "id: $id, input: $input", "", id=gid, input={"include": None})
    assert mend["userErrors"] == []
    assert (await refresh(store, gid))["userErrors"] == []
    await stage.work()
    assert (await segment(store, gid))["refreshBlockedBy"] == "ALREADY_REFRESHED_TODAY"


async def test_the_first_list_goes_with_its_segment_alone(stage: Stage, store: StoreClient) -> None:
    """SL-02, SL-03, SL-16 and vector 3."""
    payload = await store.segment("G")
    gid, first = payload["segment"]["id"], payload["list"]["id"]
    stage.clock.forward(days=1)
    second = (await refresh(store, gid))["list"]["id"]
    await stage.work()
    done = await delete(store, first)
    assert (faults(done), done["deletedId"]) == ([(["id"], "FIRST_LIST")], None)
    assert faults(await delete(store, encode("CustomerList", fresh.new()))) == [(["id"], "NOT_FOUND")]
    assert (await delete(store, second))["deletedId"] == second
    assert (await segment(store, gid))["listCount"] == 1
    await store.mutate("segmentDelete", "id: $id", "deletedId", id=gid)
    await stage.work()
    document = (
        "query ($a: ID!, $b: ID!, $c: ID!) { segment(id: $a) { id } b: list(id: $b) { id } c: list(id: $c) { id } }"
    )
    assert set((await store.get(document, a=gid, b=first, c=second)).values()) == {None}


async def test_a_renamed_list_names_no_other(stage: Stage, store: StoreClient) -> None:
    """SL-57, and SL-15: neither does a renamed segment."""
    payload = await store.segment("G")
    renamed = await store.mutate("listRename", "id: $id, name: $name", LIST, id=payload["list"]["id"], name=" Spring ")
    assert renamed["list"]["name"] == "Spring"
    await store.mutate("segmentUpdate", "id: $id, input: $input", "", id=payload["segment"]["id"], input={"name": "H"})
    stage.clock.forward(days=1)
    assert (await refresh(store, payload["segment"]["id"]))["list"]["name"] == "G-2"
    for name, code in (("", "REQUIRED"), ("x" * 61, "INVALID"), ("a\nb", "INVALID"), ("a\0b", "INVALID")):
        done = await store.mutate("listRename", "id: $id, name: $name", LIST, id=payload["list"]["id"], name=name)
        assert faults(done) == [(["name"], code)]
    listed = await store.get("query ($id: ID!) { list(id: $id) { name } }", id=payload["list"]["id"])
    assert listed["list"]["name"] == "Spring"


async def test_an_expired_list_gets_no_action_but_what_was_preset_is_sent(stage: Stage, store: StoreClient) -> None:
    """SL-18, SL-32 and vector 4: 180 days and a moment; a message preset for day 181 goes out."""
    contact = {"channel": "recording", "address": "ann@shop.example", "consent": "SUBSCRIBED"}
    await store.customers({"externalId": "c1", "contacts": [contact]})
    await store.install()
    payload = await store.segment("G")
    preset = await store.campaign(payload["list"]["id"])
    at = "2026-12-29T09:00:00Z"  # day 181
    sent = await store.mutate("campaignSend", "id: $id, at: $at", "campaign { status }", id=preset, at=at)
    assert sent["campaign"] == {"status": "SCHEDULED"}
    actions = "query ($id: ID!) { list(id: $id) { expired actions { kind channel } } }"
    stage.clock.forward(days=180)
    before = (await store.get(actions, id=payload["list"]["id"]))["list"]
    assert before == {"expired": False, "actions": [{"kind": "BROADCAST", "channel": "recording"}]}
    stage.clock.forward(days=1)
    assert (await store.get(actions, id=payload["list"]["id"]))["list"] == {"expired": True, "actions": []}
    target = {"name": "Late", "channel": "recording", "content": {"text": "x"}}
    for aimed in ({"listId": payload["list"]["id"]}, {"segmentId": payload["segment"]["id"]}):
        done = await store.mutate("campaignCreate", "input: $input", "", input={**target, "target": aimed})
        assert faults(done) == [(["input", "target", *aimed], "EXPIRED")]
    await stage.work()
    document = "query ($id: ID!) { campaign(id: $id) { status stats { sent } } }"
    assert (await store.get(document, id=preset))["campaign"] == {"status": "SENT", "stats": {"sent": 1}}


async def test_a_preset_message_reaches_who_was_on_a_list_that_is_gone(stage: Stage, store: StoreClient) -> None:
    """SL-33; when it has set out, nobody keeps the members any longer."""
    contact = {"channel": "recording", "address": "ann@shop.example", "consent": "SUBSCRIBED"}
    [ann] = await store.customers({"externalId": "c1", "contacts": [contact]})
    await store.install()
    payload, other = await store.segment("G"), await store.segment("Other", kind="STATIC", customerIds=[ann])
    preset = [await store.campaign(payload["list"]["id"]) for _ in range(2)]
    left_out = [{"listId": other["list"]["id"]}]
    done = await store.mutate("campaignUpdate", "id: $id, input: $input", "", id=preset[1], input={"exclude": left_out})
    assert done["userErrors"] == []
    for gid, code in ((preset[0], []), (preset[1], [(["id"], "NO_RECIPIENTS")])):
        sent = await store.mutate("campaignSend", "id: $id, at: $at", "", id=gid, at="2026-07-05T09:00:00Z")
        assert faults(sent) == code
    draft = await store.campaign(payload["list"]["id"])
    # A draft that leaves out the list keeps it from being deleted.
    done = await store.mutate("campaignUpdate", "id: $id, input: $input", "", id=preset[1], input={"exclude": []})
    assert done["userErrors"] == []
    for item in (payload, other):
        await store.mutate("segmentDelete", "id: $id", "deletedId", id=item["segment"]["id"])
    await stage.work()
    refused = await store.mutate("campaignSend", "id: $id", "", id=draft)
    assert faults(refused) == [(["id"], "INVALID_STATE")]
    assert await _members(stage, payload["list"]["id"]) == 1
    assert await _members(stage, other["list"]["id"]) == 0
    stage.clock.forward(days=5)
    await stage.work()
    document = "query ($id: ID!) { campaign(id: $id) { status list { id } stats { sent } } }"
    campaign = (await store.get(document, id=preset[0]))["campaign"]
    assert campaign == {"status": "SENT", "list": None, "stats": {"sent": 1}}
    async with stage.runtime.database.write() as tx:
        await tx.execute(update(job_rows).values(due_at=NOW - timedelta(days=9)))
    await stage.work()
    assert await _members(stage, payload["list"]["id"]) == 0


async def _members(stage: Stage, gid: str) -> int:
    on_it = list_members.c.list_id == global_ids.uuid(gid)
    async with stage.runtime.database.read() as tx:
        statement: int = await tx.scalar(select(func.count()).select_from(list_members).where(on_it))
    return statement


async def test_a_copy_has_a_free_name_and_a_first_list(stage: Stage, store: StoreClient) -> None:
    """SC-01: the filter and the policy, from today."""
    await store.customers({"externalId": "c1", "name": "Ann", "country": "TW"}, {"externalId": "c2", "name": "Bob"})
    taiwan = attribute("country", "IN", "TW")
    values = {"include": taiwan, "description": "Ours", "update": WEEKLY}
    gid = (await store.segment("X", **values))["segment"]["id"]
    stage.clock.forward(days=3)
    fields = "name description query update { mode everyDays startedOn } nextRefreshAt memberCount"
    names: list[str] = []
    done: Json = None
    for _ in range(3):
        done = await store.mutate("segmentDuplicate", "id: $id", f"segment {{ id {fields} }} {LIST}", id=gid)
        assert done["userErrors"] == []
        names.append(done["segment"]["name"])
        assert (done["list"]["name"], done["list"]["number"]) == (done["segment"]["name"], 1)
    assert names == ["X (copy)", "X (copy 2)", "X (copy 3)"]
    created, before = done["segment"], await segment(store, gid, fields)
    assert created["update"] == {"mode": "AUTO", "everyDays": 7, "startedOn": "2026-07-04"}
    assert created["nextRefreshAt"] == "2026-07-11T00:00:00Z"
    assert [created[key] for key in ("description", "query", "memberCount")] == ["Ours", before["query"], 1]
    await stage.work()
    assert (await segment(store, created["id"], "latestList { status count }"))["latestList"] == {
        "status": "READY",
        "count": 1,
    }
    again = await store.mutate("segmentDuplicate", "id: $id", "segment { name }", id=created["id"])
    assert again["segment"]["name"] == "X (copy 4)"
    long = (await store.segment("y" * 50))["segment"]["id"]
    for name in ("y" * 43 + " (copy)", "y" * 41 + " (copy 2)"):
        done = await store.mutate("segmentDuplicate", "id: $id", "segment { name }", id=long)
        assert done["segment"]["name"] == name
    named = "id: $id, name: $name"
    for name, code in (("X", "TAKEN"), ("x" * 51, "INVALID"), (" ", "REQUIRED"), ("a\0b", "INVALID")):
        done = await store.mutate("segmentDuplicate", named, "segment { id }", id=gid, name=name)
        assert (faults(done), done["segment"]) == ([(["name"], code)], None)
    done = await store.mutate("segmentDuplicate", named, "segment { name }", id=gid, name="Mine")
    assert done["segment"] == {"name": "Mine"}


async def test_a_copy_of_a_static_segment_has_its_members(stage: Stage, store: StoreClient) -> None:
    customers = await store.customers(*({"externalId": f"c{at}"} for at in range(3)))
    gid = (await store.segment("Picked", kind="STATIC", customerIds=customers[:2]))["segment"]["id"]
    payload = await store.mutate("segmentDuplicate", "id: $id", "segment { id kind memberCount }", id=gid)
    assert (payload["segment"]["kind"], payload["segment"]["memberCount"]) == ("STATIC", 2)
    await store.mutate(
        "segmentMembersAdd", "id: $id, customerIds: $customers", "", id=payload["segment"]["id"], customers=customers
    )
    assert [(await segment(store, item))["memberCount"] for item in (gid, payload["segment"]["id"])] == [2, 3]


async def test_an_inactive_segment_is_kept_and_not_chosen(stage: Stage, store: StoreClient) -> None:
    """RC-06."""
    await store.customers({"externalId": "c1"})
    await store.install()
    payload = await store.segment("G", update=WEEKLY)
    static = await store.segment("Picked", kind="STATIC")
    drawn = await store.campaign(payload["list"]["id"])
    for item in (payload, static):
        done = await store.mutate("segmentDeactivate", "id: $id", f"segment {{ {SEGMENT} }}", id=item["segment"]["id"])
        assert (done["segment"]["active"], done["segment"]["nextRefreshAt"]) == (False, None)
    assert (await store.get("{ lists(latestOnly: false) { totalCount } }"))["lists"]["totalCount"] == 0
    answer = await store.get("{ segments(active: false) { totalCount } on: segments(active: true) { totalCount } }")
    assert (answer["segments"]["totalCount"], answer["on"]["totalCount"]) == (2, 0)
    listed = await store.get("query ($id: ID!) { list(id: $id) { actions { kind } count } }", id=payload["list"]["id"])
    assert listed["list"] == {"actions": [], "count": 1}
    targets = [{"listId": payload["list"]["id"]}, *({"segmentId": item["segment"]["id"]} for item in (payload, static))]
    for target in targets:
        changed = {"target": target, "exclude": [target]}
        done = await store.mutate("campaignUpdate", "id: $id, input: $input", "", id=drawn, input=changed)
        assert faults(done) == [(["input", "target", *target], "INVALID_STATE")]
        document = 'query ($t: TargetInput!) { reach(target: $t, channel: "recording") { recipients } }'
        assert (await store.ask(document, t=target)).codes == ["INVALID_STATE"]
    stage.clock.forward(days=8)
    assert (await segment(store, payload["segment"]["id"]))["refreshBlockedBy"] == "INVALID_STATE"
    assert faults(await refresh(store, payload["segment"]["id"])) == [(["id"], "INVALID_STATE")]
    await stage.work()
    done = await store.mutate("segmentActivate", "id: $id", f"segment {{ {SEGMENT} }}", id=payload["segment"]["id"])
    assert (done["segment"]["listCount"], done["segment"]["nextRefreshAt"]) == (1, "2026-07-15T00:00:00Z")
    assert (done["segment"]["active"], done["segment"]["refreshable"]) == (True, True)
    assert ids((await store.get("{ lists { nodes { id } } }"))["lists"]) == [payload["list"]["id"]]


async def test_a_segment_says_which_campaigns_use_it(stage: Stage, store: StoreClient) -> None:
    """SL-06: also while it is edited."""
    await store.install()
    payload, other = await store.segment("G"), await store.segment("Other")
    drawn = [await store.campaign(payload["list"]["id"], name=name) for name in ("July", "August")]
    await store.campaign(other["list"]["id"])
    done = await store.mutate(
        "segmentUpdate",
        "id: $id, input: $input",
        "segment { campaigns { totalCount nodes { id } } }",
        id=payload["segment"]["id"],
        input={"description": "Ours"},
    )
    assert done["segment"]["campaigns"] == {"totalCount": 2, "nodes": [{"id": gid} for gid in reversed(drawn)]}


async def test_a_campaign_to_a_static_segment_is_locked_to_its_members_of_that_moment(
    stage: Stage, store: StoreClient
) -> None:
    """TargetInput, SP-06."""
    contacts = [{"channel": "recording", "address": f"c{at}@shop.example", "consent": "SUBSCRIBED"} for at in range(3)]
    customers = await store.customers(
        *({"externalId": f"c{at}", "contacts": [contact]} for at, contact in enumerate(contacts))
    )
    await store.install()
    payload = await store.segment("Picked", kind="STATIC", customerIds=customers[:1])
    gid, target = payload["segment"]["id"], {"segmentId": payload["segment"]["id"]}
    declared, values = "$t: TargetInput!, $e: [TargetInput!]", 'target: $t, exclude: $e, channel: "recording"'
    reach = f"query ({declared}) {{ reach({values}) {{ recipients }} }}"

    async def reached(**values: object) -> int:
        recipients: int = (await store.get(reach, t=target, **values))["reach"]["recipients"]
        return recipients

    async def campaign(**values: object) -> Json:
        expected = {"name": "x", "channel": "recording", "content": {"text": "x"}, "target": target, **values}
        answer = "campaign { id reach { recipients } list { id name number status count latest } }"
        done = await store.mutate("campaignCreate", "input: $input", answer, input=expected)
        assert done["userErrors"] == []
        return done["campaign"]

    unchanged = await campaign()
    assert (unchanged["list"]["id"], unchanged["reach"]["recipients"]) == (payload["list"]["id"], 1)
    await store.mutate("segmentMembersAdd", "id: $id, customerIds: $customers", "", id=gid, customers=customers[1:])
    assert await reached() == 3
    assert (await segment(store, gid))["listCount"] == 1
    now = await campaign()
    assert now["list"] == {
        **now["list"],
        "name": "Picked-2",
        "number": 2,
        "status": "READY",
        "count": 3,
        "latest": True,
    }
    assert now["reach"]["recipients"] == 3
    await store.mutate("segmentMembersRemove", "id: $id, customerIds: $customers", "", id=gid, customers=customers[:2])
    everyone = await store.segment("Everyone")
    assert await reached() == 1
    target = {"listId": everyone["list"]["id"]}
    assert await reached(e=[{"segmentId": gid}]) == 2
    assert await reached(e=[{"segmentId": gid}, {"listId": payload["list"]["id"]}]) == 1
    but = await campaign(exclude=[{"segmentId": gid}])
    assert but["reach"]["recipients"] == 2
    document = "query ($id: ID!) { campaign(id: $id) { reach { recipients } } }"
    assert (await store.get(document, id=now["id"]))["campaign"]["reach"]["recipients"] == 3
    observed = await segment(store, gid)
    assert (observed["listCount"], observed["memberCount"], observed["lastRefreshedAt"]) == (
        3,
        1,
        "2026-07-01T09:00:00Z",
    )


async def test_members_are_added_and_removed(stage: Stage) -> None:
    """QS-06, QS-09, QS-10, QS-14 and vector 12: all or nothing, and an error says how many would fit."""
    store = await stage.store(static_segment_members=4)
    customers = await store.customers(*({"externalId": f"c{at}", "tags": ["a"] if at < 3 else []} for at in range(6)))
    gid = (await store.segment("Picked", kind="STATIC", customerIds=customers[:1]))["segment"]["id"]
    add, remove = "id: $id, customerIds: $customers", "id: $id, customerIds: $customers"
    answer = "changed segment { memberCount }"
    done = await store.mutate("segmentMembersAdd", add, answer, id=gid, customers=[*customers[:2], customers[1]])
    assert (done["changed"], done["segment"]["memberCount"]) == (1, 2)
    for values, field in (
        ({"customers": customers}, "customerIds"),
        ({"filter": {"not": attribute("tag", "IN", "none")}}, "filter"),
    ):
        arguments = add if "customers" in values else "id: $id, filter: $filter"
        done = await store.mutate("segmentMembersAdd", arguments, answer, id=gid, **values)
        assert (faults(done), done["changed"], done["segment"]) == ([([field], "LIMIT_EXCEEDED")], 0, None)
        message = "A static segment holds 4 members at most: 2 are in it, 2 would fit, and these are 4"
        assert done["userErrors"][0]["message"] == message
    assert (await segment(store, gid))["memberCount"] == 2
    payload = await store.mutate(
        "segmentMembersAdd", "id: $id, filter: $filter", answer, id=gid, filter=attribute("tag", "IN", "a")
    )
    assert (payload["changed"], payload["segment"]["memberCount"]) == (1, 3)
    raised = await store.mutate(
        "storeUpdate", "input: $input", "store { limits { staticSegmentMembers } }", input={"staticSegmentMembers": 6}
    )
    assert raised["store"]["limits"]["staticSegmentMembers"] == 6
    done = await store.mutate("segmentMembersAdd", add, answer, id=gid, customers=customers)
    assert (done["changed"], done["segment"]["memberCount"]) == (3, 6)
    await store.mutate("customerDelete", "id: $id", "", id=customers[0])
    done = await store.mutate("segmentMembersRemove", remove, answer, id=gid, customers=[*customers[:2], customers[1]])
    assert (done["changed"], done["segment"]["memberCount"]) == (2, 4)
    again = await store.mutate("segmentMembersRemove", remove, answer, id=gid, customers=customers[:2])
    assert (again["changed"], again["userErrors"]) == (0, [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_members_cannot_be(store: StoreClient) -> None:
    [customer] = await store.customers({"externalId": "c1"})
    gid = (await store.segment("Picked", kind="STATIC"))["segment"]["id"]
    dynamic = (await store.segment("Found"))["segment"]["id"]
    add, by_filter = "id: $id, customerIds: $customers", "id: $id, filter: $filter"
    both = "id: $id, customerIds: $customers, filter: $filter"
    tagged = attribute("tag", "IN", "a")
    nobody = [customer, "x", encode("Customer", 999), "\0"]
    missing = [(["customerIds", str(at)], "NOT_FOUND") for at in (1, 2)]
    wrong: list[tuple[str, str, dict[str, object], list[tuple[list[str], str]]]] = [
        (add, gid, {"customers": nobody[:3]}, missing),
        (add, gid, {"customers": nobody}, [(["customerIds", "3"], "INVALID")]),
        ("id: $id", gid, {}, [(["customerIds"], "REQUIRED")]),
        (both, gid, {"customers": [customer], "filter": tagged}, [(["customerIds"], "INVALID")]),
        (add, dynamic, {"customers": [customer]}, [(["id"], "INVALID_STATE")]),
        (add, encode("Segment", fresh.new()), {"customers": [customer]}, [(["id"], "NOT_FOUND")]),
        (
            by_filter,
            gid,
            {"filter": attribute("nme", "EQ", "x")},
            [(["filter", "attribute", "dimension"], "NOT_FOUND")],
        ),
        (
            by_filter,
            gid,
            {"filter": {"all": [attribute("tag", "IN", "\0")]}},
            [(["filter", "all", "0", "attribute", "values", "0"], "INVALID")],
        ),
    ]
    for arguments, segment_id, values, expected in wrong:
        done = await store.mutate("segmentMembersAdd", arguments, "changed", id=segment_id, **values)
        assert (faults(done), done["changed"]) == (expected, 0), values
    done = await store.mutate("segmentMembersRemove", add, "changed", id=gid, customers=nobody[:3])
    assert faults(done) == missing
    assert (await segment(store, gid))["memberCount"] == 0


async def test_a_store_is_changed_by_its_administrator(stage: Stage, store: StoreClient) -> None:
    """Vector 12: raised limits hold from then on; lists that are due keep their days in another zone."""
    gid = (await store.segment("G", update=WEEKLY))["segment"]["id"]
    for key in "abcdef":
        arguments = "key: $key, label: $label, type: $type"
        await store.mutate("propertyDefinitionCreate", arguments, "", key=key, label=key, type="STRING")
    five, six = ({"any": [attribute(f"property.{key}", "IS_SET") for key in keys]} for keys in ("abcde", "abcdef"))
    assert (await store.segment("Five", include=five))["userErrors"] == []
    create, named = ("segmentCreate", "input: $input", "segment { id }"), {"name": "Six", "include": six}
    place = ["input", "include", "any", "5", "attribute", "dimension"]
    assert faults(await store.mutate(*create, input=named)) == [(place, "LIMIT_EXCEEDED")]
    answer = "store { name timezone currency limits { staticSegmentMembers propertyConditions } }"
    values = {"name": " Tea ", "timezone": "Asia/Taipei", "currency": "TWD", "propertyConditions": 6}
    done = await store.mutate("storeUpdate", "input: $input", answer, input=values)
    limits = {"staticSegmentMembers": 10_000, "propertyConditions": 6}
    assert done["store"] == {"name": "Tea", "timezone": "Asia/Taipei", "currency": "TWD", "limits": limits}
    assert (await store.get(f"{{ {answer} }}"))["store"] == done["store"]
    assert (await store.mutate(*create, input=named))["userErrors"] == []
    assert (await segment(store, gid))["nextRefreshAt"] == "2026-07-07T16:00:00Z"
    wrong = {
        "name": "",
        "timezone": "Mars/Olympus",
        "currency": "twd",
        "staticSegmentMembers": 0,
        "propertyConditions": 101,
    }
    done = await store.mutate("storeUpdate", "input: $input", answer, input=wrong)
    assert {path[1] for path, code in faults(done) if path and code == "INVALID"} == wrong.keys()
    assert (await store.get(f"{{ {answer} }}"))["store"]["name"] == "Tea"


async def remove_unseen(stage: Stage, segment_gid: str) -> None:
    """Delete a segment that others refer to, as an older version would have."""
    segment_id = uuid(segment_gid)
    async with stage.runtime.database.write() as tx:
        await tx.execute(delete_rows(lists).where(lists.c.segment_id == segment_id))
        await tx.execute(delete_rows(segments).where(segments.c.id == segment_id))
