"""Every mutation leaves exactly one entry in the audit log, without a value that identifies a person (S11)."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from domain.stores.model import TokenScope
from tests.api.graphql.mutation_calls import CALLS, UPLOADS, prepare
from tests.api.graphql.stage import Json, Stage, StoreClient, attribute
from tests.api.graphql.test_access import ADMIN, FIELDS, ask

ENTRY = """
id at action outcome codes actor actorName tokenId address requestId subjectType subjectId asked before after
"""
LOG = f"""
query ($first: Int, $after: String) {{
  auditLog(first: $first, after: $after) {{ nodes {{ {ENTRY} }} pageInfo {{ hasNextPage endCursor }} totalCount }}
}}
"""
MUTATIONS = sorted([*CALLS, *UPLOADS])
# What the calls and their preparation send of people.
PERSONAL = re.compile(r"\b(ann|eve|fay|vip|spam|new|old)\b|shop\.example")
RENAMED = ({"name": "Everyone"}, {"name": "Renamed"})

# Type of the subject, before and after. A mutation that is missing here fails a test.
EXPECTED: Mapping[str, tuple[str | None, Any, Any]] = {
    "apiTokenCreate": (
        "ApiToken",
        None,
        {"name": "The till", "scopes": ["read"], "expiresAt": "2036-01-01T00:00:00+00:00"},
    ),
    "apiTokenRevoke": ("ApiToken", {"name": "test", "scopes": ["read"], "expiresAt": None}, None),
    "campaignSend": ("Campaign", {"status": "DRAFT"}, {"status": "SENDING"}),
    "campaignUpdate": ("Campaign", {"name": "July"}, {"name": "August"}),
    "channelConfigure": ("Channel", None, {"installed": True, "configured": True}),
    "channelConnect": (None, None, None),
    "channelInstall": ("Channel", None, {"installed": True, "configured": True}),
    "channelSync": ("Channel", None, {"sync": "QUEUED"}),
    "channelTest": (None, None, None),
    "consentUpdate": ("Customer", {"consent": "SUBSCRIBED"}, {"consent": "UNSUBSCRIBED", "created": False}),
    "customerBlacklist": ("Customer", {"blacklisted": False}, {"blacklisted": True, "created": False}),
    "customerDataExport": ("Customer", None, None),
    "customerDelete": ("Customer", None, None),
    "customerTagsAdd": ("Customer", None, {"created": False}),
    "customerTagsRemove": ("Customer", None, {"created": False}),
    "customerUpsert": ("Customer", None, {"created": True}),
    "customersImport": ("Operation", None, {"kind": "import.customers", "status": "QUEUED"}),
    "customersUpsert": (None, None, {"created": 2, "updated": 0}),
    "eventsTrack": (None, None, {"accepted": 2, "duplicates": 0}),
    "lifecycleUpdate": (
        "Lifecycle",
        {"activeDays": None, "lostDays": None},
        {"activeDays": 10, "lostDays": 300},
    ),
    "listDelete": ("CustomerList", {"name": "Everyone-2", "number": 2, "status": "READY", "count": 0}, None),
    "listExport": ("CustomerList", {}, {}),
    "listRename": ("CustomerList", RENAMED[0], RENAMED[1]),
    "operationCancel": ("Operation", {"status": "QUEUED"}, {"status": "CANCELLED"}),
    "orderStatusesClassify": ("Store", {"shipped to mars": None}, {"shipped to mars": "SALE"}),
    "eventsImport": ("Operation", None, {"kind": "import.events", "status": "QUEUED"}),
    "ordersImport": ("Operation", None, {"kind": "import.orders", "status": "QUEUED"}),
    "propertyDefinitionCreate": ("Property", None, {"key": "shoe_size", "label": "Shoe size", "type": "NUMBER"}),
    "propertyDefinitionDelete": ("Property", {"key": "colour", "label": "Colour", "type": "STRING"}, None),
    "segmentActivate": ("Segment", {"active": False}, {"active": True}),
    "segmentDeactivate": ("Segment", {"active": True}, {"active": False}),
    "segmentMembersAdd": ("Segment", {}, {"changed": 1}),
    "segmentMembersRemove": ("Segment", {}, {"changed": 1}),
    "segmentRefresh": ("Segment", {}, {}),
    "segmentUpdate": ("Segment", RENAMED[0], RENAMED[1]),
    "storeUpdate": ("Store", {"name": "Shop"}, {"name": "Renamed"}),
    "valueRanksSet": ("Dimension", {"ranks": 0}, {"ranks": 3}),
}
# Of these the name of the new object is looked at alone.
CREATED = {"campaignCreate": "July", "segmentCreate": "Everyone at once", "segmentDuplicate": "Everyone (copy)"}
DELETED = {"segmentDelete": "Everyone"}


async def entries(store: StoreClient) -> list[Json]:
    """The store's entries but those of sign-ins, the newest first."""
    nodes = (await store.get(LOG, first=250))["auditLog"]["nodes"]
    return [node for node in nodes if node["action"] != "signIn"]


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
async def test_every_mutation_leaves_one_entry(stage: Stage, store: StoreClient, name: str) -> None:
    call = await prepare(store, name)
    before = await entries(store)
    assert await call.errors() == []
    [entry, *others] = await entries(store)
    assert others == before
    assert (entry["action"], entry["outcome"], entry["codes"]) == (name, "DONE", [])
    assert (entry["actor"], entry["actorName"], entry["address"]) == ("TOKEN", "test", "127.0.0.1")
    own = (await store.get("{ viewer { token { id } } }"))["viewer"]["token"]["id"]
    assert entry["tokenId"] == own
    assert PERSONAL.search(json.dumps(without_ids(entry))) is None
    if name in CREATED:
        assert (entry["before"], entry["after"]["name"]) == (None, CREATED[name])
        assert entry["subjectId"] is not None
    elif name in DELETED:
        assert (entry["before"]["name"], entry["after"]) == (DELETED[name], None)
    else:
        assert (entry["subjectType"], entry["before"], entry["after"]) == EXPECTED[name]
        assert (entry["subjectId"] is None) is (entry["subjectType"] is None)


def without_ids(entry: Json) -> Json:
    hidden = {"id", "subjectId", "tokenId"}
    return {key: value for key, value in entry.items() if key not in hidden} | {
        "asked": {key: value for key, value in entry["asked"].items() if key not in {"id", "customerId"}}
    }


def test_every_mutation_is_expected() -> None:
    assert {*EXPECTED, *CREATED, *DELETED} == set(MUTATIONS)


ASKED = {
    "campaignSend": {"idempotencyKey": "(not recorded)"},
    "channelInstall": {"key": "(not recorded)", "settings": {"fields": ["account"]}},
    "consentUpdate": {"channel": "recording", "consent": "UNSUBSCRIBED"},
    "customerDelete": {"erase": True},
    "customerTagsAdd": {"tags": {"count": 2}},
    "customerUpsert": {"input": {"fields": ["externalId", "email", "tags"]}},
    "customersImport": {"file": {"bytes": 39}, "dryRun": False, "unmappedColumns": "LEFT_OUT"},
    "eventsTrack": {"events": {"count": 2}},
    "listExport": {"fields": ["email"], "format": "CSV"},
    "segmentMembersAdd": {"customerIds": {"count": 1}},
}


async def test_what_was_before_is_not_read_where_a_setting_says_so(stage: Stage, store: StoreClient) -> None:
    call = await prepare(store, "segmentUpdate")
    stage.runtime.services.audit.before = False
    assert await call.errors() == []
    [entry, *_] = await entries(store)
    assert (entry["subjectType"], entry["before"], entry["after"]["name"]) == ("Segment", None, "Renamed")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ASKED)
async def test_what_was_asked_is_recorded_by_names_and_numbers(store: StoreClient, name: str) -> None:
    call = await prepare(store, name)
    assert await call.errors() == []
    [entry, *_] = await entries(store)
    assert without_ids(entry)["asked"] == ASKED[name]


async def test_refusals_are_recorded_by_their_codes(store: StoreClient) -> None:
    reader = await store.add_token(frozenset({TokenScope.READ}))
    done = {"storeUpdate", "lifecycleUpdate", "customersUpsert", "eventsTrack"}
    names = [name.split(".")[1] for name in FIELDS if name.startswith("Mutation.")]
    for name in names:
        document, scope = FIELDS[f"Mutation.{name}"]
        await ask(store, store.token, document)
        if scope is not TokenScope.READ:
            await ask(store, reader, document)
    log = await entries(store)
    by_outcome = {(entry["action"], entry["outcome"], *entry["codes"][:1]) for entry in log}
    for name in names:
        scope = FIELDS[f"Mutation.{name}"][1]
        assert ((name, "REFUSED", "FORBIDDEN") in by_outcome) is (scope is not TokenScope.READ), name
        own = [entry for entry in log if entry["action"] == name and entry["codes"] != ["FORBIDDEN"]]
        assert len(own) == 1, name
        assert (own[0]["outcome"] == "DONE") is (own[0]["codes"] == []), name
        assert own[0]["outcome"] == "REFUSED" or name in done, name
    assert all(entry["before"] is None and entry["after"] is None for entry in log if entry["outcome"] == "REFUSED")


async def test_no_text_of_a_refused_call_is_recorded(store: StoreClient) -> None:
    for document in (
        'mutation { segmentUpdate(id: "ann@shop.example", input: {name: ""}) { userErrors { code } } }',
        'mutation { apiTokenCreate(name: "ann", scopes: ["ann@shop.example"]) { userErrors { code } } }',
        'mutation { channelInstall(key: "ann@shop.example", settings: {account: "ann"}) { userErrors { code } } }',
        'mutation { propertyDefinitionDelete(key: "ann@shop.example") { userErrors { code } } }',
        'mutation { valueRanksSet(dimension: "ann@shop.example", values: ["ann"]) { userErrors { code } } }',
        'mutation { consentUpdate(customerId: "ann", channel: "ann@", consent: SUBSCRIBED) { userErrors { code } } }',
    ):
        assert (await store.ask(document)).status == 200
    log = await entries(store)
    assert [entry["outcome"] for entry in log] == ["REFUSED"] * 6
    assert PERSONAL.search(json.dumps(log)) is None


async def test_of_a_filter_no_value_is_recorded_that_may_be_one_persons(store: StoreClient) -> None:
    conditions = [
        attribute("email", "EQ", "ann@shop.example"),
        attribute("tag", "IN", "vip"),
        attribute("age", "GT", 30),
    ]
    visited = {
        "behavior": {"behavior": "visit", "where": [{"dimension": "product", "operator": "EQ", "values": ["tea"]}]}
    }
    await store.segment("Some", include={"any": [*conditions, {"not": attribute("birthday", "EQ", "1990-02-03")}]})
    await store.segment("Others", include=visited)
    [others, some] = await entries(store)
    hidden = ["(not recorded)"]
    values = [condition["attribute"]["values"] for condition in some["after"]["include"]["any"][:3]]
    assert values == [hidden, ["vip"], [30]]
    assert some["after"]["include"]["any"][3]["not"]["attribute"]["values"] == hidden
    assert others["after"]["include"]["behavior"]["where"][0]["values"] == hidden


async def test_no_secret_is_recorded(store: StoreClient) -> None:
    await store.install(settings={"account": "hunter2"})
    create = 'mutation { apiTokenCreate(name: "x", scopes: ["read"]) { token } }'
    made = (await store.get(create))["apiTokenCreate"]
    log = json.dumps(await entries(store))
    assert "hunter2" not in log
    assert made["token"] not in log
    assert made["token"][-20:] not in log


async def test_the_log_is_paged_and_filtered(stage: Stage, store: StoreClient) -> None:
    other = await stage.store("Other")
    await other.segment("Theirs")
    first, second = (await store.segment("One"))["segment"]["id"], (await store.segment("Two"))["segment"]["id"]
    await store.mutate("segmentDeactivate", "id: $id", "", id=first)
    await store.install()
    whole = (await store.get(LOG, first=250))["auditLog"]
    assert [node["action"] for node in whole["nodes"]] == [
        "channelInstall", "segmentDeactivate", "segmentCreate", "segmentCreate", "signIn"
    ]  # fmt: skip
    assert whole["totalCount"] == 5
    paged: list[Json] = []
    after = None
    while after is not None or not paged:
        page = (await store.get(LOG, first=2, after=after))["auditLog"]
        paged += page["nodes"]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
    assert paged == whole["nodes"]
    own, moment = whole["nodes"][0]["tokenId"], whole["nodes"][2]["at"]
    for arguments, actions in {
        f'subjectId: "{first}"': ["segmentDeactivate", "segmentCreate"],
        f'subjectId: "{second}"': ["segmentCreate"],
        'subjectId: "recording"': ["channelInstall"],
        'action: "signIn"': ["signIn"],
        f'tokenId: "{own}", action: "segmentCreate"': ["segmentCreate", "segmentCreate"],
        f'tokenId: "{first}"': [],
        f'from: "{moment}"': ["channelInstall", "segmentDeactivate", "segmentCreate"],
        f'to: "{moment}"': ["segmentCreate", "signIn"],
    }.items():
        page = await store.get(f"{{ auditLog({arguments}) {{ nodes {{ action }} totalCount }} }}")
        assert [node["action"] for node in page["auditLog"]["nodes"]] == actions, arguments
        assert page["auditLog"]["totalCount"] == len(actions)


async def test_the_store_says_how_long_its_log_is_kept(store: StoreClient) -> None:
    answer = "{ store { auditDays } userErrors { field code } }"
    update = f"mutation ($days: Int) {{ storeUpdate(input: {{auditDays: $days}}) {answer} }}"
    assert (await store.get("{ store { auditDays } }"))["store"] == {"auditDays": 365}
    for days in (30, 3_650):
        assert (await store.get(update, days=days))["storeUpdate"] == {"store": {"auditDays": days}, "userErrors": []}
    for days in (29, 3_651, 0, -1):
        [error] = (await store.get(update, days=days))["storeUpdate"]["userErrors"]
        assert error == {"field": ["input", "auditDays"], "code": "INVALID"}
    assert (await store.get("{ store { auditDays } }"))["store"] == {"auditDays": 3_650}
    changed = [(entry["before"], entry["after"]) for entry in await entries(store) if entry["outcome"] == "DONE"]
    assert changed == [({"auditDays": 30}, {"auditDays": 3_650}), ({"auditDays": 365}, {"auditDays": 30})]


def test_the_log_is_the_administrators_alone() -> None:
    assert FIELDS["Query.auditLog"][1] is ADMIN
