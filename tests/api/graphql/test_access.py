"""Every field of the roots by its scope; tokens that are wrong, revoked or past their time."""

import json
from datetime import timedelta

import pytest
from graphql import GraphQLSchema
from sqlalchemy import update

from api.graphql.kit.fields import schema_of
from api.graphql.schema import build_schema
from domain.stores import queries
from domain.stores.model import TokenScope, new_token
from domain.stores.tables import api_tokens
from tests.api.graphql.stage import Json, Reply, Stage, StoreClient
from tests.factories import NOW

READ, WRITE, SEND, ADMIN = TokenScope.READ, TokenScope.WRITE, TokenScope.SEND, TokenScope.ADMIN
ERRORS = "{ userErrors { code } }"
NOTHING = 'id: "x"'

# What to ask of each root field, and the scope that it takes. A field that is missing here fails a test.
# None: whoever is signed in may ask it.
FIELDS: dict[str, tuple[str, TokenScope | None]] = {
    "Query.viewer": ("{ viewer { scopes token { name } store { id } } }", None),
    "Query.apiTokens": ("{ apiTokens { id } }", ADMIN),
    "Query.auditLog": ("{ auditLog(first: 1) { nodes { id } } }", ADMIN),
    "Mutation.apiTokenCreate": (f'mutation {{ apiTokenCreate(name: "", scopes: []) {ERRORS} }}', ADMIN),
    "Mutation.apiTokenRevoke": (f"mutation {{ apiTokenRevoke({NOTHING}) {ERRORS} }}", ADMIN),
    "Query.store": ("{ store { id } }", READ),
    "Query.customer": (f"{{ customer({NOTHING}) {{ id }} }}", READ),
    "Query.customers": ("{ customers { totalCount } }", READ),
    "Query.propertyDefinitions": ("{ propertyDefinitions { key } }", READ),
    "Query.tags": ("{ tags }", READ),
    "Query.segment": (f"{{ segment({NOTHING}) {{ id }} }}", READ),
    "Query.segments": ("{ segments { totalCount } }", READ),
    "Query.segmentPreview": ("{ segmentPreview { count } }", READ),
    "Query.dimensions": ("{ dimensions { key } }", READ),
    "Query.behaviors": ("{ behaviors { key } }", READ),
    "Query.list": (f"{{ list({NOTHING}) {{ id }} }}", READ),
    "Query.lists": ("{ lists { totalCount } }", READ),
    "Query.campaign": (f"{{ campaign({NOTHING}) {{ id }} }}", READ),
    "Query.campaigns": ("{ campaigns { totalCount } }", READ),
    "Query.reach": ('{ reach(target: {listId: "x"}, channel: "recording") { recipients } }', READ),
    "Query.channels": ("{ channels { key } }", READ),
    "Query.channel": ('{ channel(key: "x") { key } }', READ),
    "Query.operation": (f"{{ operation({NOTHING}) {{ id }} }}", None),
    "Query.lifecycle": ("{ lifecycle { measured } }", READ),
    "Query.orderStatuses": ("{ orderStatuses { status } }", READ),
    "Mutation.orderStatusesClassify": (
        f'mutation {{ orderStatusesClassify(input: [{{status: " "}}]) {ERRORS} }}',
        WRITE,
    ),
    "Query.segmentPresets": ("{ segmentPresets { key } }", READ),
    "Mutation.lifecycleUpdate": (f"mutation {{ lifecycleUpdate(input: {{activeDays: 0}}) {ERRORS} }}", WRITE),
    "Query.exportFields": ("{ exportFields { key } }", READ),
    "Query.node": (f"{{ node({NOTHING}) {{ id }} }}", READ),
    "Query.nodes": ('{ nodes(ids: ["x"]) { id } }', READ),
    "Mutation.storeUpdate": (f"mutation {{ storeUpdate(input: {{}}) {ERRORS} }}", ADMIN),
    "Mutation.customerUpsert": (f"mutation {{ customerUpsert(input: {{}}) {ERRORS} }}", WRITE),
    "Mutation.customersUpsert": (f"mutation {{ customersUpsert(input: []) {ERRORS} }}", WRITE),
    "Mutation.customerDataExport": (f"mutation {{ customerDataExport({NOTHING}) {ERRORS} }}", READ),
    "Mutation.customerDelete": (f"mutation {{ customerDelete({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.customerTagsAdd": (f"mutation {{ customerTagsAdd({NOTHING}, tags: []) {ERRORS} }}", WRITE),
    "Mutation.customerTagsRemove": (f"mutation {{ customerTagsRemove({NOTHING}, tags: []) {ERRORS} }}", WRITE),
    "Mutation.customerBlacklist": (f"mutation {{ customerBlacklist({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.consentUpdate": (
        f'mutation {{ consentUpdate(customerId: "x", channel: "email", consent: SUBSCRIBED) {ERRORS} }}',
        WRITE,
    ),
    "Mutation.propertyDefinitionCreate": (
        f'mutation {{ propertyDefinitionCreate(key: "", label: "", type: STRING) {ERRORS} }}',
        WRITE,
    ),
    "Mutation.propertyDefinitionDelete": (f'mutation {{ propertyDefinitionDelete(key: "") {ERRORS} }}', WRITE),
    "Mutation.eventsTrack": (f"mutation {{ eventsTrack(events: []) {ERRORS} }}", WRITE),
    "Mutation.customersImport": (f"mutation ($file: Upload!) {{ customersImport(file: $file) {ERRORS} }}", WRITE),
    "Mutation.eventsImport": (f"mutation ($file: Upload!) {{ eventsImport(file: $file) {ERRORS} }}", WRITE),
    "Mutation.ordersImport": (f"mutation ($file: Upload!) {{ ordersImport(file: $file) {ERRORS} }}", WRITE),
    "Mutation.segmentCreate": (f"mutation {{ segmentCreate(input: {{}}) {ERRORS} }}", WRITE),
    "Mutation.segmentUpdate": (f"mutation {{ segmentUpdate({NOTHING}, input: {{}}) {ERRORS} }}", WRITE),
    "Mutation.segmentDelete": (f"mutation {{ segmentDelete({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.listExport": (f'mutation {{ listExport({NOTHING}, fields: ["name"]) {ERRORS} }}', READ),
    "Mutation.operationCancel": (f"mutation {{ operationCancel({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.segmentDuplicate": (f"mutation {{ segmentDuplicate({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.segmentActivate": (f"mutation {{ segmentActivate({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.segmentDeactivate": (f"mutation {{ segmentDeactivate({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.segmentMembersAdd": (f"mutation {{ segmentMembersAdd({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.segmentMembersRemove": (
        f"mutation {{ segmentMembersRemove({NOTHING}, customerIds: []) {ERRORS} }}",
        WRITE,
    ),
    "Mutation.segmentRefresh": (f"mutation {{ segmentRefresh({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.listRename": (f'mutation {{ listRename({NOTHING}, name: "x") {ERRORS} }}', WRITE),
    "Mutation.listDelete": (f"mutation {{ listDelete({NOTHING}) {ERRORS} }}", WRITE),
    "Mutation.valueRanksSet": (f'mutation {{ valueRanksSet(dimension: "x", values: []) {ERRORS} }}', WRITE),
    "Mutation.campaignCreate": (f"mutation {{ campaignCreate(input: {{}}) {ERRORS} }}", WRITE),
    "Mutation.campaignUpdate": (f"mutation {{ campaignUpdate({NOTHING}, input: {{}}) {ERRORS} }}", WRITE),
    "Mutation.campaignSend": (f"mutation {{ campaignSend({NOTHING}) {ERRORS} }}", SEND),
    "Mutation.channelInstall": (f'mutation {{ channelInstall(key: "x") {ERRORS} }}', ADMIN),
    "Mutation.channelConfigure": (f'mutation {{ channelConfigure(key: "x", settings: {{}}) {ERRORS} }}', ADMIN),
    "Mutation.channelTest": (f'mutation {{ channelTest(key: "x") {ERRORS} }}', ADMIN),
    "Mutation.channelConnect": (f'mutation {{ channelConnect(key: "x", returnUrl: "x") {ERRORS} }}', ADMIN),
    "Mutation.channelSync": (f'mutation {{ channelSync(key: "x") {ERRORS} }}', ADMIN),
    "Subscription.operationProgress": (f"subscription {{ operationProgress({NOTHING}) {{ id }} }}", None),
    "Subscription.campaignProgress": (f"subscription {{ campaignProgress({NOTHING}) {{ id }} }}", READ),
}


def schema() -> GraphQLSchema:
    result: GraphQLSchema = schema_of(build_schema())
    return result


def test_every_field_of_the_roots_is_tried() -> None:
    roots = (schema().query_type, schema().mutation_type, schema().subscription_type)
    assert {f"{root.name}.{field}" for root in roots if root for field in root.fields} == FIELDS.keys()


@pytest.mark.parametrize(
    ("database_url", "row_security"),
    [("sqlite", False), ("postgresql", False), ("postgresql", True)],
    indirect=["database_url"],
)
async def test_every_field_takes_its_scope(stage: Stage, store: StoreClient) -> None:
    tokens = {scope: await store.add_token(frozenset({scope})) for scope in TokenScope}
    for name, (document, expected) in FIELDS.items():
        for scope, token in tokens.items():
            reply = await ask(store, token, document)
            assert "INTERNAL" not in codes(reply), (name, scope)
            if expected is None or scope in {expected, ADMIN}:
                assert "FORBIDDEN" not in codes(reply), (name, scope)
            else:
                assert codes(reply) == ["FORBIDDEN"], (name, scope)
                assert reply.errors[0]["extensions"]["scope"] == expected


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/graphql-response+json", 403),
        ("application/json", 200),
        ("text/event-stream", 403),
        ("application/json, text/event-stream", 200),
    ],
)
async def test_a_refusal_is_answered_as_one_of_the_whole_request(store: StoreClient, accept: str, status: int) -> None:
    token = await store.add_token(frozenset({WRITE}))
    request = {"query": "query A { __typename } query B { who: store { what: name } }", "operationName": "B"}
    response = await store.send(token, json=request, headers={"Accept": accept})
    assert response.status_code == status
    assert response.json() == {
        "errors": [
            {
                "message": 'The token lacks the scope "read", which Query.store asks for',
                "locations": [{"line": 1, "column": 34}],
                "path": ["who"],
                "extensions": {"code": "FORBIDDEN", "scope": "read", "type": "Query"},
            }
        ]
    }
    request["operationName"] = "A"
    assert "Query" in (await store.send(token, json=request, headers={"Accept": accept})).text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_is_answered_without_a_token(store: StoreClient) -> None:
    for number, (document, _) in enumerate(FIELDS.values()):
        for token in ("", "x", new_token(store.store_id), store.token[:-1], store.token + "x"):
            response = await store.send(token, f"10.0.0.{number}", json={"query": document})
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAUTHENTICATED"]
            assert "data" not in response.json()


async def test_a_revoked_token_and_one_past_its_time_open_nothing(stage: Stage, store: StoreClient) -> None:
    document = "{ store { id } }"
    revoked, revoked_id = await store.token_with_id(frozenset({READ}))
    expiring, expiring_id = await store.token_with_id(frozenset({READ}))
    async with stage.runtime.database.write() as tx:
        end = NOW + timedelta(hours=1)
        await tx.execute(update(api_tokens).where(api_tokens.c.id == expiring_id).values(expires_at=end))
    for token in (revoked, expiring):
        assert (await store.ask_by(token, document)).status == 200
    async with stage.runtime.database.write() as tx:
        assert await queries.revoke_token(tx, store.store_id, revoked_id, NOW)
    assert (await store.ask_by(revoked, document)).status == 401
    assert (await store.ask_by(expiring, document)).status == 200
    stage.clock.forward(hours=1)
    assert (await store.ask_by(expiring, document)).status == 401
    assert (await store.ask(document)).status == 200


async def ask(store: StoreClient, token: str, document: str) -> Reply:
    if document.startswith("subscription"):
        response = await store.send(token, json={"query": document}, headers={"Accept": "text/event-stream"})
        if response.headers["content-type"].startswith("application/json"):
            return Reply(response.status_code, response.json())  # refused before the stream
        [event] = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")]
        return Reply(response.status_code, json.loads(event))
    if "Upload" in document:
        operations = json.dumps({"query": document, "variables": {"file": None}})
        data = {"operations": operations, "map": json.dumps({"0": ["variables.file"]})}
        response = await store.send(token, data=data, files={"0": ("f.csv", b"", "text/csv")})
        return Reply(response.status_code, response.json())
    return await store.ask_by(token, document)


def codes(reply: Reply) -> list[Json]:
    return [error["extensions"]["code"] for error in reply.body.get("errors", [])]
