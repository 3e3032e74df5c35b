"""Another store's objects do not exist: wherever an ID can be given, a stranger's is answered as one of nothing."""

# Answers and graphql-core's generic types are looked into as they come.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAssignmentType=false

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type
from sqlalchemy import select

from api.graphql.kit.global_ids import encode
from domain.kit import ids
from domain.migrations.tables import metadata
from domain.stores.model import TokenScope
from tests.api.graphql.stage import Json, Stage, StoreClient
from tests.api.graphql.test_access import ask, schema

ERRORS = "userErrors { field message code }"
FAULTS = f"{{ {ERRORS} }}"
TARGET = {"TargetInput.listId": "list", "TargetInput.segmentId": "segment"}
MEMBERSHIP = {"MembershipConditionInput.listId": "list", "MembershipConditionInput.segmentId": "segment"}


def _in_filter(coordinate: str, gid: str) -> str:
    name = coordinate.split(".")[1]
    return f'{{all: [{{not: {{membership: {{{name}: "{gid}"}}}}}}]}}'


def _create_segment(filter_of: Callable[[str], str]) -> Callable[[str], str]:
    return lambda gid: (
        f'mutation {{ segmentCreate(input: {{name: "x", {filter_of(gid)}}}) {{ segment {{ id }} {ERRORS} }} }}'
    )


def _create_campaign(values: str) -> str:
    base = 'name: "x", channel: "recording", content: {text: "x"}'
    return f"mutation {{ campaignCreate(input: {{{base}, {values}}}) {{ campaign {{ id }} {ERRORS} }} }}"


def _by_id(mutation: str, gid: str) -> str:
    return f'mutation {{ {mutation}(id: "{gid}") {FAULTS} }}'


def _members(what: str, segment: str, customer: str, answer: str) -> str:
    values = f'id: "{segment}", customerIds: ["{customer}"]'
    return f"mutation {{ segmentMembers{what}({values}) {{ {answer} {ERRORS} }} }}"


@dataclass(frozen=True)
class Place:
    """Where an ID is given, what kind it is of, and a document that gives it there."""

    kind: str
    document: Callable[[str], str]


# By the field of the schema and the argument or input field that takes the ID; `own` is one of the asker's own.
def places(ids: Mapping[str, str]) -> dict[tuple[str, str], Place]:
    result: dict[tuple[str, str], Place] = {
        ("Query.customer", "id"): Place("customer", lambda g: f'{{ customer(id: "{g}") {{ id name }} }}'),
        ("Query.segment", "id"): Place("segment", lambda g: f'{{ segment(id: "{g}") {{ id name }} }}'),
        ("Query.list", "id"): Place("list", lambda g: f'{{ list(id: "{g}") {{ id name }} }}'),
        ("Query.campaign", "id"): Place("campaign", lambda g: f'{{ campaign(id: "{g}") {{ id name }} }}'),
        ("Query.operation", "id"): Place("operation", lambda g: f'{{ operation(id: "{g}") {{ id kind }} }}'),
        ("Query.lists", "segmentId"): Place(
            "segment", lambda g: f'{{ lists(segmentId: "{g}", latestOnly: false) {{ totalCount nodes {{ id }} }} }}'
        ),
        ("Mutation.listExport", "id"): Place(
            "list",
            lambda g: f'mutation {{ listExport(id: "{g}", fields: ["name"]) {{ operation {{ id }} {ERRORS} }} }}',
        ),
        ("Query.auditLog", "tokenId"): Place("token", lambda g: f'{{ auditLog(tokenId: "{g}") {{ totalCount }} }}'),
        ("Query.auditLog", "subjectId"): Place(
            "segment", lambda g: f'{{ auditLog(subjectId: "{g}", action: "segmentCreate") {{ totalCount }} }}'
        ),
        ("Mutation.apiTokenRevoke", "id"): Place("token", lambda g: _by_id("apiTokenRevoke", g)),
        ("Mutation.operationCancel", "id"): Place(
            "operation", lambda g: f'mutation {{ operationCancel(id: "{g}") {FAULTS} }}'
        ),
        ("CustomerList.difference", "from"): Place(
            "list", lambda g: f'{{ list(id: "{ids["list"]}") {{ difference(from: "{g}") {{ joinedCount }} }} }}'
        ),
        ("Campaign.preview", "customerId"): Place(
            "customer", lambda g: f'{{ campaign(id: "{ids["campaign"]}") {{ preview(customerId: "{g}") {{ text }} }} }}'
        ),
        ("Mutation.customerDelete", "id"): Place(
            "customer", lambda g: f'mutation {{ customerDelete(id: "{g}", erase: true) {{ deletedId {ERRORS} }} }}'
        ),
        ("Mutation.customerDataExport", "id"): Place(
            "customer", lambda g: f'mutation {{ customerDataExport(id: "{g}") {{ operation {{ id }} {ERRORS} }} }}'
        ),
        ("Mutation.customerBlacklist", "id"): Place(
            "customer",
            lambda g: f'mutation {{ customerBlacklist(id: "{g}") {{ customer {{ id }} {ERRORS} }} }}',
        ),
        ("Mutation.customerTagsAdd", "id"): Place(
            "customer",
            lambda g: f'mutation {{ customerTagsAdd(id: "{g}", tags: ["x"]) {{ customer {{ id }} {ERRORS} }} }}',
        ),
        ("Mutation.customerTagsRemove", "id"): Place(
            "customer",
            lambda g: f'mutation {{ customerTagsRemove(id: "{g}", tags: ["a"]) {{ customer {{ id }} {ERRORS} }} }}',
        ),
        ("Mutation.consentUpdate", "customerId"): Place(
            "customer",
            lambda g: (
                f'mutation {{ consentUpdate(customerId: "{g}", channel: "recording", consent: UNSUBSCRIBED) {FAULTS} }}'
            ),
        ),
        ("Mutation.eventsTrack", "CustomerKeyInput.id"): Place(
            "customer",
            lambda g: (
                'mutation { eventsTrack(events: [{id: "e", type: "visit", occurredAt: "2026-01-01T00:00:00Z", '
                f'customer: {{id: "{g}"}}}}]) {{ accepted {ERRORS} }} }}'
            ),
        ),
        ("Mutation.segmentUpdate", "id"): Place(
            "segment",
            lambda g: (
                f'mutation {{ segmentUpdate(id: "{g}", input: {{name: "mine"}}) {{ segment {{ id }} {ERRORS} }} }}'
            ),
        ),
        ("Mutation.segmentDelete", "id"): Place(
            "segment", lambda g: f'mutation {{ segmentDelete(id: "{g}") {{ deletedId {ERRORS} }} }}'
        ),
        **{
            (f"Mutation.{name}", "id"): Place("segment", partial(_by_id, name))
            for name in ("segmentDuplicate", "segmentActivate", "segmentDeactivate", "segmentRefresh")
        },
        ("Mutation.segmentMembersAdd", "id"): Place(
            "static", lambda g: _members("Add", g, ids["customer"], "changed segment { id }")
        ),
        ("Mutation.segmentMembersAdd", "customerIds"): Place(
            "customer", lambda g: _members("Add", ids["static"], g, "changed")
        ),
        ("Mutation.segmentMembersRemove", "id"): Place(
            "static", lambda g: _members("Remove", g, ids["customer"], "changed segment { id }")
        ),
        ("Mutation.segmentMembersRemove", "customerIds"): Place(
            "customer", lambda g: _members("Remove", ids["static"], g, "changed")
        ),
        ("Mutation.listRename", "id"): Place(
            "list", lambda g: f'mutation {{ listRename(id: "{g}", name: "mine") {{ list {{ id }} {ERRORS} }} }}'
        ),
        ("Mutation.listDelete", "id"): Place("list", partial(_by_id, "listDelete")),
        ("Mutation.segmentCreate", "SegmentInput.customerIds"): Place(
            "customer", _create_segment(lambda g: f'kind: STATIC, customerIds: ["{g}"]')
        ),
        ("Mutation.segmentUpdate", "SegmentInput.customerIds"): Place(
            "customer",
            lambda g: f'mutation {{ segmentUpdate(id: "{ids["segment"]}", input: {{customerIds: ["{g}"]}}) {FAULTS} }}',
        ),
        ("Mutation.campaignUpdate", "id"): Place(
            "campaign", lambda g: f'mutation {{ campaignUpdate(id: "{g}", input: {{name: "mine"}}) {FAULTS} }}'
        ),
        ("Mutation.campaignSend", "id"): Place(
            "campaign", lambda g: f'mutation {{ campaignSend(id: "{g}", idempotencyKey: "k") {FAULTS} }}'
        ),
        ("Subscription.operationProgress", "id"): Place(
            "operation", lambda g: f'subscription {{ operationProgress(id: "{g}") {{ kind }} }}'
        ),
        ("Subscription.campaignProgress", "id"): Place(
            "campaign", lambda g: f'subscription {{ campaignProgress(id: "{g}") {{ name }} }}'
        ),
    }
    for coordinate, kind in TARGET.items():
        result |= _targets(coordinate, kind, ids)
    for coordinate, kind in MEMBERSHIP.items():
        result |= _filters(coordinate, kind, ids)
    return result


def _targets(coordinate: str, kind: str, ids: Mapping[str, str]) -> dict[tuple[str, str], Place]:
    name = coordinate.split(".")[1]

    def change(gid: str) -> str:
        left_out = f'exclude: [{{{name}: "{gid}"}}]'
        return f'mutation {{ campaignUpdate(id: "{ids["campaign"]}", input: {{{left_out}}}) {FAULTS} }}'

    return {
        ("Query.reach", coordinate): Place(
            kind, lambda g: f'{{ reach(target: {{{name}: "{g}"}}, channel: "recording") {{ recipients }} }}'
        ),
        ("Mutation.campaignCreate", coordinate): Place(kind, lambda g: _create_campaign(f'target: {{{name}: "{g}"}}')),
        ("Mutation.campaignUpdate", coordinate): Place(kind, change),
    }


def _filters(coordinate: str, kind: str, ids: Mapping[str, str]) -> dict[tuple[str, str], Place]:
    def asked(gid: str) -> str:
        return _in_filter(coordinate, gid)

    def change(gid: str) -> str:
        return f'mutation {{ segmentUpdate(id: "{ids["segment"]}", input: {{exclude: {asked(gid)}}}) {FAULTS} }}'

    return {
        ("Query.segmentPreview", coordinate): Place(
            kind, lambda g: f"{{ segmentPreview(include: {asked(g)}) {{ count }} }}"
        ),
        ("Query.customers", coordinate): Place(kind, lambda g: f"{{ customers(filter: {asked(g)}) {{ totalCount }} }}"),
        ("Mutation.segmentCreate", coordinate): Place(kind, _create_segment(lambda g: f"include: {asked(g)}")),
        ("Mutation.segmentMembersAdd", coordinate): Place(
            kind,
            lambda g: (
                f'mutation {{ segmentMembersAdd(id: "{ids["static"]}", filter: {asked(g)}) {{ changed {ERRORS} }} }}'
            ),
        ),
        ("Mutation.segmentUpdate", coordinate): Place(kind, change),
    }


# Taking IDs of every kind.
ANY_KIND = {("Query.node", "id"), ("Query.nodes", "ids")}
TYPES = {
    "customer": "Customer",
    "segment": "Segment",
    "static": "Segment",
    "list": "CustomerList",
    "campaign": "Campaign",
    "sent_campaign": "Campaign",
    "operation": "Operation",
    "delivery": "Delivery",
    "store": "Store",
    "token": "ApiToken",
}


def test_every_place_for_an_id_is_tried() -> None:
    tried = places(dict.fromkeys(TYPES, "x")).keys()
    assert set(_ids_taken()) == tried | ANY_KIND


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_url", "row_security"),
    [("sqlite", False), ("postgresql", False), ("postgresql", True)],
    indirect=["database_url"],
)
async def test_a_strangers_object_is_answered_as_one_that_is_not_there(stage: Stage, store: StoreClient) -> None:
    other = await stage.store("Other")
    ids, theirs = await furnish(store), await furnish(other, {"externalId": "theirs", "tags": ["theirs"]})
    assert not {*ids.values()} & {*theirs.values()}
    before = await rows_of(stage, other)
    for place, tried in places(ids).items():
        gid, nothing = theirs[tried.kind], _nothing(tried.kind)
        assert await _answer(store, tried.document(gid), gid) == await _answer(
            store, tried.document(nothing), nothing
        ), place
        assert await _answer(other, tried.document(nothing), nothing)
    for kind, gid in theirs.items():
        document = f'{{ node(id: "{gid}") {{ id }} nodes(ids: ["{ids[kind]}", "{gid}"]) {{ id }} }}'
        assert (await store.get(document)) == {"node": None, "nodes": [{"id": ids[kind]}, None]}, kind
    assert await rows_of(stage, other) == before
    named = await store.get('{ customer(externalId: "theirs") { id } tags(prefix: "t") customers { totalCount } }')
    assert named == {"customer": None, "tags": [], "customers": {"totalCount": 2}}


async def test_their_own_objects_are_there(stage: Stage, store: StoreClient) -> None:
    ids = await furnish(store)
    for kind, gid in ids.items():
        assert (await store.get("query ($id: ID!) { node(id: $id) { __typename id } }", id=gid))["node"] == {
            "__typename": TYPES[kind],
            "id": gid,
        }


async def furnish(store: StoreClient, *more: Mapping[str, object], **campaign: object) -> dict[str, str]:
    """An object of each kind; the customer is the last, whose number another store may not have."""
    contact = [{"channel": "recording", "address": f"x{store.store_id}@shop.example", "consent": "SUBSCRIBED"}]
    values = [{"externalId": f"c{at}", "contacts": contact, "tags": ["a"]} for at in (1, 2)]
    customers = await store.customers(*values, *more)
    await store.install()
    payload = await store.segment()
    picked = await store.segment("Picked", kind="STATIC", customerIds=customers[:1])
    gid = await store.campaign(payload["list"]["id"], **campaign)
    assert (await store.mutate("campaignSend", "id: $id", "", id=gid))["userErrors"] == []
    await store.stage.work()
    draft = await store.campaign(payload["list"]["id"], name="Draft")
    answer = await store.get(
        "query ($id: ID!) { store { id } campaign(id: $id) { deliveries(first: 1) { nodes { id } } } }", id=gid
    )
    return {
        "customer": customers[-1],
        "segment": payload["segment"]["id"],
        "static": picked["segment"]["id"],
        "list": payload["list"]["id"],
        "campaign": draft,
        "sent_campaign": gid,
        "operation": payload["operation"]["id"],
        "delivery": answer["campaign"]["deliveries"]["nodes"][0]["id"],
        "store": answer["store"]["id"],
        "token": encode("ApiToken", (await store.token_with_id(frozenset({TokenScope.READ})))[1]),
    }


def _nothing(kind: str) -> str:
    return encode(TYPES[kind], 2**40 if kind == "customer" else ids.new())


async def _answer(store: StoreClient, document: str, gid: str) -> str:
    """Status and body, the ID itself blotted out."""
    reply = await ask(store, store.token, document)
    assert "INTERNAL" not in json.dumps(reply.body)
    return f"{reply.status} {json.dumps(_without_places(reply.body))}".replace(gid, "ID")


def _without_places(body: Json) -> Json:
    """Where in the document an error is depends on how long the ID is."""
    for error in body.get("errors", []):
        error.pop("locations", None)
    return body


async def rows_of(stage: Stage, store: StoreClient) -> dict[str, list[tuple[object, ...]]]:
    answer: dict[str, list[tuple[object, ...]]] = {}
    async with stage.runtime.database.read() as tx:
        for table in metadata.sorted_tables:
            column = table.c.get("store_id")
            if column is not None and table.name not in {"api_tokens", "audit_entries"}:
                answer[table.name] = sorted(
                    map(tuple, await tx.execute(select(table).where(column == store.store_id))), key=repr
                )
    return answer


def _ids_taken() -> Iterator[tuple[str, str]]:
    """Every field with an argument of type ID, and every ID within an input that a field takes."""
    for type_ in schema().type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        for name, field in type_.fields.items():
            for argument, taken in field.args.items():
                named = get_named_type(taken.type)
                if named.name == "ID":
                    yield f"{type_.name}.{name}", argument
                elif isinstance(named, GraphQLInputObjectType):
                    for coordinate in _ids_within(named, set()):
                        yield f"{type_.name}.{name}", coordinate


def _ids_within(type_: GraphQLInputObjectType, visited: set[str]) -> Iterator[str]:
    visited.add(type_.name)
    for name, field in type_.fields.items():
        named = get_named_type(field.type)
        if named.name == "ID":
            yield f"{type_.name}.{name}"
        elif isinstance(named, GraphQLInputObjectType) and named.name not in visited:
            yield from _ids_within(named, visited)
