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
from tests.api.graphql.stage import Json, Shop, Stage, attribute, faults, ids
from tests.factories import NOW

SEGMENT = "id name active refreshable refreshBlockedBy nextRefreshAt lastRefreshedAt listCount memberCount"
LIST = "list { id name number status count }"
WEEKLY = {"mode": "AUTO", "everyDays": 7}


async def segment(shop: Shop, gid: str, fields: str = SEGMENT) -> Json:
    return (await shop.get(f"query ($id: ID!) {{ segment(id: $id) {{ {fields} }} }}", id=gid))["segment"]


async def refresh(shop: Shop, gid: str) -> Json:
    return await shop.mutate("segmentRefresh", "id: $id", f"{LIST} operation {{ status }}", id=gid)


async def delete(shop: Shop, gid: str) -> Json:
    return await shop.mutate("listDelete", "id: $id", "deletedId", id=gid)


async def test_a_list_by_hand_once_a_day(stage: Stage, shop: Shop) -> None:
    """SL-09, SL-10, SL-11 and vector 2: not on the first day, and a day is spent whatever becomes of the list."""
    gid = (await shop.segment("G"))["segment"]["id"]
    today = [(["id"], "ALREADY_REFRESHED_TODAY")]
    assert faults(await refresh(shop, gid)) == today
    seen = await segment(shop, gid)
    assert (seen["refreshable"], seen["refreshBlockedBy"]) == (False, "ALREADY_REFRESHED_TODAY")
    stage.clock.forward(days=1)
    assert (await segment(shop, gid))["refreshable"] is True
    made = await refresh(shop, gid)
    assert (made["list"]["name"], made["list"]["number"], made["operation"]["status"]) == ("G-2", 2, "QUEUED")
    assert faults(await refresh(shop, gid)) == [(["id"], "INVALID_STATE")]  # it is being made
    await stage.work()
    assert faults(await refresh(shop, gid)) == today
    assert (await delete(shop, made["list"]["id"]))["deletedId"] == made["list"]["id"]
    assert faults(await refresh(shop, gid)) == today
    stage.clock.forward(days=1)
    assert (await refresh(shop, gid))["list"]["name"] == "G-2"


async def test_a_list_that_failed_or_hangs_is_made_again_once_it_is_deleted(stage: Stage, shop: Shop) -> None:
    """SL-12 and vector 2."""
    other = (await shop.segment("Other"))["segment"]["id"]
    asks = {"membership": {"segmentId": other}}
    gid = (await shop.segment("G", include=asks))["segment"]["id"]
    stage.clock.forward(days=1)
    hanging = (await refresh(shop, gid))["list"]
    assert (await delete(shop, hanging["id"]))["userErrors"] == []
    await remove_unseen(stage, other)
    failing = (await refresh(shop, gid))["list"]
    assert failing["name"] == "G-2"
    await stage.work()
    seen = await segment(shop, gid, "refreshBlockedBy lists { nodes { status problem } } latestList { name }")
    assert [node["status"] for node in seen["lists"]["nodes"]] == ["FAILED", "READY"]
    assert (seen["latestList"]["name"], seen["refreshBlockedBy"]) == ("G", "INVALID_STATE")
    assert faults(await refresh(shop, gid)) == [(["id"], "INVALID_STATE")]
    assert (await delete(shop, failing["id"]))["userErrors"] == []
    mend = await shop.mutate("segmentUpdate", "id: $id, input: $input", "", id=gid, input={"include": None})
    assert mend["userErrors"] == []
    assert (await refresh(shop, gid))["userErrors"] == []
    await stage.work()
    assert (await segment(shop, gid))["refreshBlockedBy"] == "ALREADY_REFRESHED_TODAY"


async def test_the_first_list_goes_with_its_segment_alone(stage: Stage, shop: Shop) -> None:
    """SL-02, SL-03, SL-16 and vector 3."""
    made = await shop.segment("G")
    gid, first = made["segment"]["id"], made["list"]["id"]
    stage.clock.forward(days=1)
    second = (await refresh(shop, gid))["list"]["id"]
    await stage.work()
    done = await delete(shop, first)
    assert (faults(done), done["deletedId"]) == ([(["id"], "FIRST_LIST")], None)
    assert faults(await delete(shop, encode("CustomerList", fresh.new()))) == [(["id"], "NOT_FOUND")]
    assert (await delete(shop, second))["deletedId"] == second
    assert (await segment(shop, gid))["listCount"] == 1
    await shop.mutate("segmentDelete", "id: $id", "deletedId", id=gid)
    await stage.work()
    document = (
        "query ($a: ID!, $b: ID!, $c: ID!) { segment(id: $a) { id } b: list(id: $b) { id } c: list(id: $c) { id } }"
    )
    assert set((await shop.get(document, a=gid, b=first, c=second)).values()) == {None}


async def test_a_renamed_list_names_no_other(stage: Stage, shop: Shop) -> None:
    """SL-57, and SL-15: neither does a renamed segment."""
    made = await shop.segment("G")
    renamed = await shop.mutate("listRename", "id: $id, name: $name", LIST, id=made["list"]["id"], name=" Spring ")
    assert renamed["list"]["name"] == "Spring"
    await shop.mutate("segmentUpdate", "id: $id, input: $input", "", id=made["segment"]["id"], input={"name": "H"})
    stage.clock.forward(days=1)
    assert (await refresh(shop, made["segment"]["id"]))["list"]["name"] == "G-2"
    for name, code in (("", "REQUIRED"), ("x" * 61, "INVALID"), ("a\nb", "INVALID"), ("a\0b", "INVALID")):
        done = await shop.mutate("listRename", "id: $id, name: $name", LIST, id=made["list"]["id"], name=name)
        assert faults(done) == [(["name"], code)]
    listed = await shop.get("query ($id: ID!) { list(id: $id) { name } }", id=made["list"]["id"])
    assert listed["list"]["name"] == "Spring"


async def test_an_expired_list_gets_no_action_but_what_was_preset_is_sent(stage: Stage, shop: Shop) -> None:
    """SL-18, SL-32 and vector 4: 180 days and a moment; a message preset for day 181 goes out."""
    contact = {"channel": "recording", "address": "ann@shop.example", "consent": "SUBSCRIBED"}
    await shop.customers({"externalId": "c1", "contacts": [contact]})
    await shop.install()
    made = await shop.segment("G")
    preset = await shop.campaign(made["list"]["id"])
    at = "2026-12-29T09:00:00Z"  # day 181
    sent = await shop.mutate("campaignSend", "id: $id, at: $at", "campaign { status }", id=preset, at=at)
    assert sent["campaign"] == {"status": "SCHEDULED"}
    actions = "query ($id: ID!) { list(id: $id) { expired actions { kind channel } } }"
    stage.clock.forward(days=180)
    before = (await shop.get(actions, id=made["list"]["id"]))["list"]
    assert before == {"expired": False, "actions": [{"kind": "BROADCAST", "channel": "recording"}]}
    stage.clock.forward(days=1)
    assert (await shop.get(actions, id=made["list"]["id"]))["list"] == {"expired": True, "actions": []}
    target = {"name": "Late", "channel": "recording", "content": {"text": "x"}}
    for aimed in ({"listId": made["list"]["id"]}, {"segmentId": made["segment"]["id"]}):
        done = await shop.mutate("campaignCreate", "input: $input", "", input={**target, "target": aimed})
        assert faults(done) == [(["input", "target", *aimed], "EXPIRED")]
    await stage.work()
    document = "query ($id: ID!) { campaign(id: $id) { status stats { sent } } }"
    assert (await shop.get(document, id=preset))["campaign"] == {"status": "SENT", "stats": {"sent": 1}}


async def test_a_preset_message_reaches_who_was_on_a_list_that_is_gone(stage: Stage, shop: Shop) -> None:
    """SL-33; when it has set out, nobody keeps the members any longer."""
    contact = {"channel": "recording", "address": "ann@shop.example", "consent": "SUBSCRIBED"}
    [ann] = await shop.customers({"externalId": "c1", "contacts": [contact]})
    await shop.install()
    made, other = await shop.segment("G"), await shop.segment("Other", kind="STATIC", customerIds=[ann])
    preset = [await shop.campaign(made["list"]["id"]) for _ in range(2)]
    left_out = [{"listId": other["list"]["id"]}]
    done = await shop.mutate("campaignUpdate", "id: $id, input: $input", "", id=preset[1], input={"exclude": left_out})
    assert done["userErrors"] == []
    for gid, code in ((preset[0], []), (preset[1], [(["id"], "NO_RECIPIENTS")])):
        sent = await shop.mutate("campaignSend", "id: $id, at: $at", "", id=gid, at="2026-07-05T09:00:00Z")
        assert faults(sent) == code
    draft = await shop.campaign(made["list"]["id"])
    # A draft that leaves out the list keeps it from being deleted.
    done = await shop.mutate("campaignUpdate", "id: $id, input: $input", "", id=preset[1], input={"exclude": []})
    assert done["userErrors"] == []
    for one in (made, other):
        await shop.mutate("segmentDelete", "id: $id", "deletedId", id=one["segment"]["id"])
    await stage.work()
    refused = await shop.mutate("campaignSend", "id: $id", "", id=draft)
    assert faults(refused) == [(["id"], "INVALID_STATE")]
    assert await _members(stage, made["list"]["id"]) == 1
    assert await _members(stage, other["list"]["id"]) == 0
    stage.clock.forward(days=5)
    await stage.work()
    document = "query ($id: ID!) { campaign(id: $id) { status list { id } stats { sent } } }"
    seen = (await shop.get(document, id=preset[0]))["campaign"]
    assert seen == {"status": "SENT", "list": None, "stats": {"sent": 1}}
    async with stage.runtime.database.write() as tx:
        await tx.execute(update(job_rows).values(due_at=NOW - timedelta(days=9)))
    await stage.work()
    assert await _members(stage, made["list"]["id"]) == 0


async def _members(stage: Stage, gid: str) -> int:
    on_it = list_members.c.list_id == global_ids.uuid(gid)
    async with stage.runtime.database.read() as tx:
        found: int = await tx.scalar(select(func.count()).select_from(list_members).where(on_it))
    return found


async def test_a_copy_has_a_free_name_and_a_first_list(stage: Stage, shop: Shop) -> None:
    """SC-01: the filter and the policy, from today."""
    await shop.customers({"externalId": "c1", "name": "Ann", "country": "TW"}, {"externalId": "c2", "name": "Bob"})
    taiwan = attribute("country", "IN", "TW")
    given = {"include": taiwan, "description": "Ours", "update": WEEKLY}
    gid = (await shop.segment("X", **given))["segment"]["id"]
    stage.clock.forward(days=3)
    fields = "name description query update { mode everyDays startedOn } nextRefreshAt memberCount"
    names: list[str] = []
    done: Json = None
    for _ in range(3):
        done = await shop.mutate("segmentDuplicate", "id: $id", f"segment {{ id {fields} }} {LIST}", id=gid)
        assert done["userErrors"] == []
        names.append(done["segment"]["name"])
        assert (done["list"]["name"], done["list"]["number"]) == (done["segment"]["name"], 1)
    assert names == ["X (copy)", "X (copy 2)", "X (copy 3)"]
    made, had = done["segment"], await segment(shop, gid, fields)
    assert made["update"] == {"mode": "AUTO", "everyDays": 7, "startedOn": "2026-07-04"}
    assert made["nextRefreshAt"] == "2026-07-11T00:00:00Z"
    assert [made[key] for key in ("description", "query", "memberCount")] == ["Ours", had["query"], 1]
    await stage.work()
    assert (await segment(shop, made["id"], "latestList { status count }"))["latestList"] == {
        "status": "READY",
        "count": 1,
    }
    again = await shop.mutate("segmentDuplicate", "id: $id", "segment { name }", id=made["id"])
    assert again["segment"]["name"] == "X (copy 4)"
    long = (await shop.segment("y" * 50))["segment"]["id"]
    for name in ("y" * 43 + " (copy)", "y" * 41 + " (copy 2)"):
        done = await shop.mutate("segmentDuplicate", "id: $id", "segment { name }", id=long)
        assert done["segment"]["name"] == name
    named = "id: $id, name: $name"
    for name, code in (("X", "TAKEN"), ("x" * 51, "INVALID"), (" ", "REQUIRED"), ("a\0b", "INVALID")):
        done = await shop.mutate("segmentDuplicate", named, "segment { id }", id=gid, name=name)
        assert (faults(done), done["segment"]) == ([(["name"], code)], None)
    done = await shop.mutate("segmentDuplicate", named, "segment { name }", id=gid, name="Mine")
    assert done["segment"] == {"name": "Mine"}


async def test_a_copy_of_a_static_segment_has_its_members(stage: Stage, shop: Shop) -> None:
    customers = await shop.customers(*({"externalId": f"c{at}"} for at in range(3)))
    gid = (await shop.segment("Picked", kind="STATIC", customerIds=customers[:2]))["segment"]["id"]
    made = await shop.mutate("segmentDuplicate", "id: $id", "segment { id kind memberCount }", id=gid)
    assert (made["segment"]["kind"], made["segment"]["memberCount"]) == ("STATIC", 2)
    await shop.mutate(
        "segmentMembersAdd", "id: $id, customerIds: $customers", "", id=made["segment"]["id"], customers=customers
    )
    assert [(await segment(shop, each))["memberCount"] for each in (gid, made["segment"]["id"])] == [2, 3]


async def test_an_inactive_segment_is_kept_and_not_chosen(stage: Stage, shop: Shop) -> None:
    """RC-06."""
    await shop.customers({"externalId": "c1"})
    await shop.install()
    made = await shop.segment("G", update=WEEKLY)
    static = await shop.segment("Picked", kind="STATIC")
    drawn = await shop.campaign(made["list"]["id"])
    for one in (made, static):
        done = await shop.mutate("segmentDeactivate", "id: $id", f"segment {{ {SEGMENT} }}", id=one["segment"]["id"])
        assert (done["segment"]["active"], done["segment"]["nextRefreshAt"]) == (False, None)
    assert (await shop.get("{ lists(latestOnly: false) { totalCount } }"))["lists"]["totalCount"] == 0
    found = await shop.get("{ segments(active: false) { totalCount } on: segments(active: true) { totalCount } }")
    assert (found["segments"]["totalCount"], found["on"]["totalCount"]) == (2, 0)
    listed = await shop.get("query ($id: ID!) { list(id: $id) { actions { kind } count } }", id=made["list"]["id"])
    assert listed["list"] == {"actions": [], "count": 1}
    targets = [{"listId": made["list"]["id"]}, *({"segmentId": one["segment"]["id"]} for one in (made, static))]
    for target in targets:
        changed = {"target": target, "exclude": [target]}
        done = await shop.mutate("campaignUpdate", "id: $id, input: $input", "", id=drawn, input=changed)
        assert faults(done) == [(["input", "target", *target], "INVALID_STATE")]
        document = 'query ($t: TargetInput!) { reach(target: $t, channel: "recording") { recipients } }'
        assert (await shop.ask(document, t=target)).codes == ["INVALID_STATE"]
    stage.clock.forward(days=8)
    assert (await segment(shop, made["segment"]["id"]))["refreshBlockedBy"] == "INVALID_STATE"
    assert faults(await refresh(shop, made["segment"]["id"])) == [(["id"], "INVALID_STATE")]
    await stage.work()
    done = await shop.mutate("segmentActivate", "id: $id", f"segment {{ {SEGMENT} }}", id=made["segment"]["id"])
    assert (done["segment"]["listCount"], done["segment"]["nextRefreshAt"]) == (1, "2026-07-15T00:00:00Z")
    assert (done["segment"]["active"], done["segment"]["refreshable"]) == (True, True)
    assert ids((await shop.get("{ lists { nodes { id } } }"))["lists"]) == [made["list"]["id"]]


async def test_a_segment_says_which_campaigns_use_it(stage: Stage, shop: Shop) -> None:
    """SL-06: also while it is edited."""
    await shop.install()
    made, other = await shop.segment("G"), await shop.segment("Other")
    drawn = [await shop.campaign(made["list"]["id"], name=name) for name in ("July", "August")]
    await shop.campaign(other["list"]["id"])
    done = await shop.mutate(
        "segmentUpdate",
        "id: $id, input: $input",
        "segment { campaigns { totalCount nodes { id } } }",
        id=made["segment"]["id"],
        input={"description": "Ours"},
    )
    assert done["segment"]["campaigns"] == {"totalCount": 2, "nodes": [{"id": gid} for gid in reversed(drawn)]}


async def test_a_campaign_to_a_static_segment_is_locked_to_its_members_of_that_moment(stage: Stage, shop: Shop) -> None:
    """TargetInput, SP-06."""
    contacts = [{"channel": "recording", "address": f"c{at}@shop.example", "consent": "SUBSCRIBED"} for at in range(3)]
    customers = await shop.customers(
        *({"externalId": f"c{at}", "contacts": [contact]} for at, contact in enumerate(contacts))
    )
    await shop.install()
    made = await shop.segment("Picked", kind="STATIC", customerIds=customers[:1])
    gid, target = made["segment"]["id"], {"segmentId": made["segment"]["id"]}
    declared, given = "$t: TargetInput!, $e: [TargetInput!]", 'target: $t, exclude: $e, channel: "recording"'
    reach = f"query ({declared}) {{ reach({given}) {{ recipients }} }}"

    async def reached(**given: object) -> int:
        found: int = (await shop.get(reach, t=target, **given))["reach"]["recipients"]
        return found

    async def campaign(**given: object) -> Json:
        wanted = {"name": "x", "channel": "recording", "content": {"text": "x"}, "target": target, **given}
        answer = "campaign { id reach { recipients } list { id name number status count latest } }"
        done = await shop.mutate("campaignCreate", "input: $input", answer, input=wanted)
        assert done["userErrors"] == []
        return done["campaign"]

    unchanged = await campaign()
    assert (unchanged["list"]["id"], unchanged["reach"]["recipients"]) == (made["list"]["id"], 1)
    await shop.mutate("segmentMembersAdd", "id: $id, customerIds: $customers", "", id=gid, customers=customers[1:])
    assert await reached() == 3
    assert (await segment(shop, gid))["listCount"] == 1
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
    await shop.mutate("segmentMembersRemove", "id: $id, customerIds: $customers", "", id=gid, customers=customers[:2])
    everyone = await shop.segment("Everyone")
    assert await reached() == 1
    target = {"listId": everyone["list"]["id"]}
    assert await reached(e=[{"segmentId": gid}]) == 2
    assert await reached(e=[{"segmentId": gid}, {"listId": made["list"]["id"]}]) == 1
    but = await campaign(exclude=[{"segmentId": gid}])
    assert but["reach"]["recipients"] == 2
    document = "query ($id: ID!) { campaign(id: $id) { reach { recipients } } }"
    assert (await shop.get(document, id=now["id"]))["campaign"]["reach"]["recipients"] == 3
    seen = await segment(shop, gid)
    assert (seen["listCount"], seen["memberCount"], seen["lastRefreshedAt"]) == (3, 1, "2026-07-01T09:00:00Z")


async def test_members_are_added_and_removed(stage: Stage) -> None:
    """QS-06, QS-09, QS-10, QS-14 and vector 12: all or nothing, and an error says how many would fit."""
    shop = await stage.shop(static_segment_members=4)
    customers = await shop.customers(*({"externalId": f"c{at}", "tags": ["a"] if at < 3 else []} for at in range(6)))
    gid = (await shop.segment("Picked", kind="STATIC", customerIds=customers[:1]))["segment"]["id"]
    add, remove = "id: $id, customerIds: $customers", "id: $id, customerIds: $customers"
    answer = "changed segment { memberCount }"
    done = await shop.mutate("segmentMembersAdd", add, answer, id=gid, customers=[*customers[:2], customers[1]])
    assert (done["changed"], done["segment"]["memberCount"]) == (1, 2)
    for given, field in (
        ({"customers": customers}, "customerIds"),
        ({"filter": {"not": attribute("tag", "IN", "none")}}, "filter"),
    ):
        arguments = add if "customers" in given else "id: $id, filter: $filter"
        done = await shop.mutate("segmentMembersAdd", arguments, answer, id=gid, **given)
        assert (faults(done), done["changed"], done["segment"]) == ([([field], "LIMIT_EXCEEDED")], 0, None)
        said = "A static segment holds 4 members at most: 2 are in it, 2 would fit, and these are 4"
        assert done["userErrors"][0]["message"] == said
    assert (await segment(shop, gid))["memberCount"] == 2
    found = await shop.mutate(
        "segmentMembersAdd", "id: $id, filter: $filter", answer, id=gid, filter=attribute("tag", "IN", "a")
    )
    assert (found["changed"], found["segment"]["memberCount"]) == (1, 3)
    raised = await shop.mutate(
        "storeUpdate", "input: $input", "store { limits { staticSegmentMembers } }", input={"staticSegmentMembers": 6}
    )
    assert raised["store"]["limits"]["staticSegmentMembers"] == 6
    done = await shop.mutate("segmentMembersAdd", add, answer, id=gid, customers=customers)
    assert (done["changed"], done["segment"]["memberCount"]) == (3, 6)
    await shop.mutate("customerDelete", "id: $id", "", id=customers[0])
    done = await shop.mutate("segmentMembersRemove", remove, answer, id=gid, customers=[*customers[:2], customers[1]])
    assert (done["changed"], done["segment"]["memberCount"]) == (2, 4)
    again = await shop.mutate("segmentMembersRemove", remove, answer, id=gid, customers=customers[:2])
    assert (again["changed"], again["userErrors"]) == (0, [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_members_cannot_be(shop: Shop) -> None:
    [customer] = await shop.customers({"externalId": "c1"})
    gid = (await shop.segment("Picked", kind="STATIC"))["segment"]["id"]
    dynamic = (await shop.segment("Found"))["segment"]["id"]
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
    for arguments, whose, given, expected in wrong:
        done = await shop.mutate("segmentMembersAdd", arguments, "changed", id=whose, **given)
        assert (faults(done), done["changed"]) == (expected, 0), given
    done = await shop.mutate("segmentMembersRemove", add, "changed", id=gid, customers=nobody[:3])
    assert faults(done) == missing
    assert (await segment(shop, gid))["memberCount"] == 0


async def test_a_store_is_changed_by_its_administrator(stage: Stage, shop: Shop) -> None:
    """Vector 12: raised limits hold from then on; lists that are due keep their days in another zone."""
    gid = (await shop.segment("G", update=WEEKLY))["segment"]["id"]
    for key in "abcdef":
        arguments = "key: $key, label: $label, type: $type"
        await shop.mutate("propertyDefinitionCreate", arguments, "", key=key, label=key, type="STRING")
    five, six = ({"any": [attribute(f"property.{key}", "IS_SET") for key in keys]} for keys in ("abcde", "abcdef"))
    assert (await shop.segment("Five", include=five))["userErrors"] == []
    create, named = ("segmentCreate", "input: $input", "segment { id }"), {"name": "Six", "include": six}
    place = ["input", "include", "any", "5", "attribute", "dimension"]
    assert faults(await shop.mutate(*create, input=named)) == [(place, "LIMIT_EXCEEDED")]
    store = "store { name timezone currency limits { staticSegmentMembers propertyConditions } }"
    given = {"name": " Tea ", "timezone": "Asia/Taipei", "currency": "TWD", "propertyConditions": 6}
    done = await shop.mutate("storeUpdate", "input: $input", store, input=given)
    limits = {"staticSegmentMembers": 10_000, "propertyConditions": 6}
    assert done["store"] == {"name": "Tea", "timezone": "Asia/Taipei", "currency": "TWD", "limits": limits}
    assert (await shop.get(f"{{ {store} }}"))["store"] == done["store"]
    assert (await shop.mutate(*create, input=named))["userErrors"] == []
    assert (await segment(shop, gid))["nextRefreshAt"] == "2026-07-07T16:00:00Z"
    wrong = {
        "name": "",
        "timezone": "Mars/Olympus",
        "currency": "twd",
        "staticSegmentMembers": 0,
        "propertyConditions": 101,
    }
    done = await shop.mutate("storeUpdate", "input: $input", store, input=wrong)
    assert {path[1] for path, code in faults(done) if path and code == "INVALID"} == wrong.keys()
    assert (await shop.get(f"{{ {store} }}"))["store"]["name"] == "Tea"


async def remove_unseen(stage: Stage, segment_gid: str) -> None:
    """Delete a segment that others refer to, as an older version would have."""
    segment_id = uuid(segment_gid)
    async with stage.runtime.database.write() as tx:
        await tx.execute(delete_rows(lists).where(lists.c.segment_id == segment_id))
        await tx.execute(delete_rows(segments).where(segments.c.id == segment_id))
