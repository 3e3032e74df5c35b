"""What a token may see, on every way through the schema that leads to anything of a person or a store (S5)."""

# Answers and graphql-core's generic types are looked into as they come.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from string import Template

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, parse

from api.graphql.kit.access import OPEN, scope_of
from api.graphql.server.authorization import Authorization, Scopes
from api.graphql.server.documents import Document
from api.graphql.server.negotiation import Refused
from domain.stores.model import TokenScope
from tests.api.graphql import mutation_calls, scope_table
from tests.api.graphql.canaries import furnish_with_canaries, shows_canary
from tests.api.graphql.paths import Path, paths
from tests.api.graphql.sockets import connected
from tests.api.graphql.stage import Reply, Stage, StoreClient
from tests.api.graphql.test_access import ERRORS, FIELDS, ask, codes, schema
from tests.api.graphql.test_isolation import TYPES, rows_of

Record = Callable[[str, object], None]

READ, ADMIN = TokenScope.READ, TokenScope.ADMIN
DECLARED = scope_table.declared()
# Each scope alone, and none at all.
TOKENS: Mapping[str, frozenset[TokenScope]] = {
    **{scope.value: frozenset({scope}) for scope in TokenScope},
    "none": frozenset[TokenScope](),
}
# The arguments of the roots' fields; of mutations, as `mutation_calls` has them.
ARGUMENTS: Mapping[str, str] = {
    "Query.customer": 'id: "$customer"',
    "Query.segment": 'id: "$segment"',
    "Query.list": 'id: "$list"',
    "Query.campaign": 'id: "$sent_campaign"',
    "Query.channel": 'key: "recording"',
    "Query.reach": 'target: {listId: "$list"}, channel: "recording"',
    "Query.operation": 'id: "$export"',
    "Query.node": 'id: "$node"',
    "Query.nodes": 'ids: ["$node"]',
    "Subscription.operationProgress": 'id: "$export"',
    "Subscription.campaignProgress": 'id: "$sent_campaign"',
}
FAULTS = "{ userErrors { field message code } }"
NOUNS = {
    "static_segment": "static",
    "filled_segment": "static",
    "inactive_segment": "segment",
    "segment_of_yesterday": "segment",
    "second_list": "list",
}
# Types whose texts are canaries: a reader sees one in each.
MARKED = frozenset(
    (
        *("Address", "AttributeCondition", "Campaign", "Channel", "Contact", "Customer", "CustomerList"),
        *("CustomerProperty", "Delivery", "Dimension", "DimensionOption", "Event", "PropertyDefinition"),
        *("RenderedMessage", "Segment", "Store", "Utm"),
    )
)


def test_every_field_of_every_type_has_a_scope() -> None:
    """A type or a field that is new is declared in `scope_table`, or a root's in `FIELDS`."""
    asked = {
        f"{type_.name}.{name}": scope_of(type_, name, field)
        for type_ in schema().type_map.values()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
    }
    assert asked == DECLARED
    assert {name for name in OPEN if "." in name} <= asked.keys()
    assert {name for name in OPEN if "." not in name} <= schema().type_map.keys()


def test_every_way_through_the_schema_asks_for_what_its_fields_do(record_property: Record) -> None:
    authorization = Authorization(schema(), Scopes(scope_of, _may))
    ways = [path for root in FIELDS for path in paths(schema(), [root])]
    assert {coordinate for path in ways for coordinate in path.coordinates} == DECLARED.keys()
    for path in ways:
        document = Document(parse(_harmless(path)), (), nul=False, dear=False)
        for name, scopes in TOKENS.items():
            assert _passes(authorization, document, scopes) == _allowed(path, scopes), (name, path)
    record_property(
        "scopes",
        f"{len(ways):,} ways through the schema, {len(ways) * len(TOKENS):,} answers with {len(TOKENS)} tokens",
    )


# What a token may see is decided before a database is asked.
@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_each_way_over_http_and_as_events(stage: Stage, store: StoreClient, record_property: Record) -> None:
    ids = await furnish_with_canaries(store)
    tokens = {name: await store.add_token(scopes) for name, scopes in TOKENS.items()}
    before = await rows_of(stage, store)
    ways = list(_ways_to_ask())
    for path in ways:
        document = _document(path, ids)
        for name, scopes in TOKENS.items():
            if not _allowed(path, scopes):
                _check_refused(await ask(store, tokens[name], document), path, scopes)
    assert await rows_of(stage, store) == before
    marked: set[str] = set()
    for path in ways:
        document = _harmless(path) if path.root.startswith("Mutation.") else _document(path, ids)
        for name, scopes in TOKENS.items():
            if _allowed(path, scopes):
                reply = await ask(store, tokens[name], document)
                assert not {"FORBIDDEN", "INTERNAL"} & set(codes(reply)), (name, path)
                if shows_canary(json.dumps(reply.body)):
                    assert scopes & {READ, ADMIN}, (name, path)
                    marked.add(path.coordinates[-1].split(".")[0])
    assert marked >= MARKED
    record_property(
        "scopes", f"{len(ways):,} of them asked over HTTP and as events, {len(ways) * len(TOKENS):,} requests"
    )


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_each_way_over_a_websocket(stage: Stage, store: StoreClient) -> None:
    ids = await furnish_with_canaries(store)
    ways = [path for root in FIELDS for path in paths(schema(), [root], types=int(root.startswith("Subscription.")))]
    for name, scopes in TOKENS.items():
        async with connected(stage.app, await store.add_token(scopes)) as socket:
            for path in ways:
                refused = not _allowed(path, scopes)
                mutates = path.root.startswith("Mutation.")
                heard = await socket.operate(_harmless(path) if mutates and not refused else _document(path, ids))
                text = json.dumps(heard)
                assert ('"FORBIDDEN"' in text) == refused, (name, path)
                assert not shows_canary(text) or scopes & {READ, ADMIN}, (name, path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(mutation_calls.CALLS.keys() | mutation_calls.UPLOADS.keys()))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_mutation_with_its_own_scope_alone_is_done_and_shows_nobody(store: StoreClient, name: str) -> None:
    scope = DECLARED[f"Mutation.{name}"]
    assert scope is not None
    token = await store.add_token(frozenset({scope}))
    call = await mutation_calls.prepare(store, name)
    document = call.document or FIELDS[f"Mutation.{name}"][0]
    reply = await ask(store, token, document.replace(FAULTS, ERRORS).replace(ERRORS, _open_selection(name)))
    [payload] = reply.data.values()
    assert payload["userErrors"] == [] or name in mutation_calls.UPLOADS  # whose file is empty
    text = json.dumps(payload).lower()
    assert "shop.example" not in text
    assert '"ann"' not in text


async def test_who_makes_customers_reads_back_their_ids_and_nothing_else(store: StoreClient) -> None:
    token = await store.add_token(frozenset({TokenScope.WRITE}))
    call = 'customerUpsert(input: {email: "ann@shop.example"})'
    reply = await store.ask_by(token, f"mutation {{ {call} {{ created customer {{ __typename id }} }} }}")
    ann = await store.get('{ customer(email: "ann@shop.example") { __typename id } }')
    assert reply.data == {"customerUpsert": {"created": True, "customer": ann["customer"]}}
    for hidden in ("email", "name", "tags", "segments { id }", "timeline { totalCount }"):
        refused = await store.ask_by(token, f"mutation {{ {call} {{ customer {{ id {hidden} }} }} }}")
        assert codes(refused) == ["FORBIDDEN"]


async def test_nothing_is_half_done(store: StoreClient) -> None:
    """The first of two mutations is not done when the second, or what the first answers, is refused."""
    token = await store.add_token(frozenset({TokenScope.WRITE}))
    first = 'customerUpsert(input: {externalId: "c1"})'
    for document in (
        f'mutation {{ {first} {{ created }} campaignSend(id: "x") {{ userErrors {{ code }} }} }}',
        f"mutation {{ {first} {{ created customer {{ externalId }} }} }}",
        f"mutation {{ {first} {{ ...answer }} }} fragment answer on CustomerUpsertPayload {{ customer {{ name }} }}",
    ):
        assert codes(await store.ask_by(token, document)) == ["FORBIDDEN"]
    assert (await store.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 0


async def test_who_began_work_sees_its_end_without_its_rows(store: StoreClient) -> None:
    token = await store.add_token(frozenset({TokenScope.WRITE}))
    began = await ask(store, token, 'mutation { segmentCreate(input: {name: "All"}) { operation { id status } } }')
    operation = began.data["segmentCreate"]["operation"]
    assert operation["status"] == "QUEUED"
    await store.stage.work()
    call = f'operation(id: "{operation["id"]}")'
    ended = await ask(store, token, f"{{ {call} {{ kind status createdAt finishedAt }} }}")
    assert ended.data["operation"]["status"] == "DONE"
    for hidden in ("done", "total", "url", "problems { message }"):
        assert codes(await ask(store, token, f"{{ {call} {{ {hidden} }} }}")) == ["FORBIDDEN"]


async def test_a_filter_tells_a_writer_nothing(store: StoreClient) -> None:
    """Whether customers fit into a static segment tells how many a filter matches."""
    token = await store.add_token(frozenset({TokenScope.WRITE}))
    await store.customers({"externalId": "c1", "email": "ann@shop.example"})
    static = (await store.segment("Picked", kind="STATIC"))["segment"]["id"]
    of_ann = '{attribute: {dimension: "email", operator: EQ, values: ["ann@shop.example"]}}'
    add = f'segmentMembersAdd(id: "{static}", filter: {of_ann})'
    create = f'segmentCreate(input: {{name: "Ann", kind: STATIC, include: {of_ann}}})'
    query = 'segmentCreate(input: {name: "Ann", kind: STATIC, query: "email is \'x\'"})'
    for call in (add, create, query):
        document = f"mutation {{ {call} {{ userErrors {{ code }} }} }}"
        reply = await store.ask_by(token, document)
        assert codes(reply) == ["FORBIDDEN"]
        assert reply.errors[0]["extensions"]["scope"] == "read"
        both = await store.add_token(frozenset({TokenScope.WRITE, READ}))
        assert "FORBIDDEN" not in codes(await store.ask_by(both, document))
    dynamic = f'mutation {{ segmentCreate(input: {{name: "Anns", include: {of_ann}}}) {{ segment {{ id }} }} }}'
    assert codes(await store.ask_by(token, dynamic)) == []


def _may(scopes: Collection[TokenScope], scope: TokenScope) -> bool:
    return scope in scopes or ADMIN in scopes


def _allowed(path: Path, scopes: frozenset[TokenScope]) -> bool:
    asked = {DECLARED[coordinate] for coordinate in path.coordinates} - {None}
    return ADMIN in scopes or asked <= scopes


def _passes(
    authorization: Authorization[Collection[TokenScope]], document: Document, scopes: frozenset[TokenScope]
) -> bool:
    try:
        authorization.check(document, document.operation(None), scopes)
    except Refused:
        return False
    return True


def _check_refused(reply: Reply, path: Path, scopes: frozenset[TokenScope]) -> None:
    assert reply.body.keys() == {"errors"}, path
    [error] = reply.errors
    assert error["extensions"]["code"] == "FORBIDDEN", path
    [asking] = [at for at in path.coordinates if at.split(".")[0] == error["extensions"]["type"]][:1]
    assert DECLARED[asking] == error["extensions"]["scope"], path
    assert error["path"][0] == path.root.split(".")[1], path
    assert error["extensions"]["scope"] not in scopes
    assert not shows_canary(json.dumps(reply.body)), path


def _ways_to_ask() -> Iterator[Path]:
    """Each field of each type, from a query, a mutation and a subscription; what each root field shows, and `node`."""
    of_queries = [root for root in FIELDS if root.startswith("Query.")]
    of_mutations = [root for root in FIELDS if root.startswith("Mutation.")]
    ways = dict.fromkeys(paths(schema(), [root for root in of_queries if "node" not in root]))
    ways |= dict.fromkeys(paths(schema(), of_mutations))
    for root in (*of_queries, *of_mutations):
        ways |= dict.fromkeys(paths(schema(), [root], types=2 if root == "Query.node" else 1))
    for root in FIELDS.keys() - {*of_queries, *of_mutations}:
        ways |= dict.fromkeys(paths(schema(), [root]))
    yield from ways


def _document(path: Path, ids: Mapping[str, str]) -> str:
    """The path, asked for with arguments that name objects of the store."""
    kind, field = path.root.split(".")
    if field in mutation_calls.UPLOADS:
        return _harmless(path)
    arguments = mutation_calls.CALLS[field] if kind == "Mutation" else ARGUMENTS.get(path.root, "")
    kinds = {type_: noun for noun, type_ in TYPES.items()}
    nouns = {"able_channel": "recording", **ids, **{noun: ids[known] for noun, known in NOUNS.items()}}
    nouns["node"] = ids[kinds.get(path.node_type or "", "customer")]
    called = f"{field}({arguments})" if arguments else field
    return Template(f"{kind.lower()} {{ {called} {path.selection} }}").substitute(nouns)


def _harmless(path: Path) -> str:
    """The path, asked for with arguments that change nothing."""
    document, _ = FIELDS[path.root]
    if path.root.startswith("Mutation."):
        return Template(document.replace(ERRORS, path.selection)).safe_substitute(list="x")
    return _document(path, dict.fromkeys((*TYPES, "export"), "x"))


def _open_selection(name: str) -> str:
    """All that a payload shows without READ."""
    fields: dict[str, list[str]] = {}
    for path in paths(schema(), [f"Mutation.{name}"], types=2):
        if path.steps and all(DECLARED[coordinate] is None for coordinate in path.coordinates[1:]):
            fields.setdefault(path.steps[0], ["__typename"] if path.leads_to_objects else []).extend(path.steps[1:])
    parts = (f"{field} {{ {' '.join(inner)} }}" if inner else field for field, inner in fields.items())
    return f"{{ {' '.join(parts)} }}"
