"""Whatever is sent, the answer says what is wrong with it: never a failure of the server."""

# Answers and graphql-core's generic types are looked into as they come.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAssignmentType=false

import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    get_named_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
)

from tests.api.graphql.stage import Json, Stage, StoreClient, attribute, faults
from tests.api.graphql.test_access import schema

LONG = "x" * 1_000_000
FORGED = ("", "x", "W10", "WzEsMCxbXV0", "eyJhIjoxfQ", "x" * 3_000, "é")
# What a caller may write where a scalar is expected.
HOSTILE: dict[str, tuple[object, ...]] = {
    "String": ("", " ", "\0", "a\0b", "%_\\'\";--", "é\u202e\U0001f600", "\u0001", "x" * 5_000),
    "ID": ("", "x", "\0", "Q3VzdG9tZXI6OTIyMzM3MjAzNjg1NDc3NTgwNw", "U2VnbWVudDow", "x" * 5_000),
    "Int": (-1, 0, 2**31 - 1, 2**31),
    "Float": (-1, 0, 0.1, 1e308),
    "Boolean": (True,),
    "Decimal": ("0", "-1", "0.00001", "1e9", "NaN", "Infinity", "9" * 30, "9" * 31, "", "\0", 5, 2.5, -(2**63)),
    "DateTime": ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", 5),
    "Date": ("0001-01-01", "9999-12-31", "0000-01-01", "2026-02-30", "2026-7-1"),
    "JSON": (
        0,
        -0.0,
        1e308,
        2**63,
        2**64 - 1,
        2**64,
        "",
        "\0",
        {"\0": ["\0"]},
        "x" * 5_000,
        True,
        [],
        {},
        [[[[1]]]],
        {"a": {"b": [None]}},
    ),
    "Upload": ("x",),
}
PLAIN: dict[str, object] = {
    "String": "x",
    "ID": "x",
    "Int": 1,
    "Float": 1.5,
    "Boolean": True,
    "Decimal": "1",
    "DateTime": "2026-01-01T00:00:00Z",
    "Date": "2026-01-01",
    "JSON": {},
    "Upload": None,
}


async def test_a_filter_however_deep_is_refused(store: StoreClient) -> None:
    document = "query ($f: FilterInput) { segmentPreview(include: $f) { count } }"
    for depth, expected in (
        (9, None),
        (10, "LIMIT_EXCEEDED"),
        (40, "LIMIT_EXCEEDED"),
        (100, "BAD_REQUEST"),
        (5_000, ""),
    ):
        tree: Json = attribute("name", "IS_SET")
        body = f'{{"query": {json.dumps(document)}, "variables": {{"f": {_deep(depth, json.dumps(tree))}}}}}'
        response = await store.send(content=body, headers={"Content-Type": "application/json"})
        assert response.status_code < 500, depth
        message = response.text
        assert "INTERNAL" not in message
        if expected is None:
            assert "errors" not in response.json()
        else:
            assert expected in message, depth
    done = await store.mutate(
        "segmentCreate", "input: $input", "", input={"name": "x", "exclude": json.loads(_deep(12, '{"all": []}'))}
    )
    assert faults(done) == [(["input", "exclude", *["not"] * 10], "LIMIT_EXCEEDED")]


def _deep(depth: int, inner: str) -> str:
    return '{"not": ' * depth + inner + "}" * depth


async def test_more_than_anybody_has(store: StoreClient) -> None:
    [customer] = await store.customers({"externalId": "c1", "tags": ["a"]})
    tags = [f"t{number}" for number in range(10_000)]
    for mutation in ("customerTagsAdd", "customerTagsRemove"):
        done = await store.mutate(mutation, "id: $id, tags: $tags", "", id=customer, tags=tags)
        assert faults(done) == [(["tags"], "LIMIT_EXCEEDED")]
    done = await store.mutate("customerUpsert", "input: $input", "", input={"externalId": "c1", "tags": tags})
    assert faults(done) == [(["input", "tags"], "LIMIT_EXCEEDED")]
    answer = (await store.get('{ customer(externalId: "c1") { tags } }'))["customer"]["tags"]
    assert answer == ["a"]
    refused = await store.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[customer] * 251)
    assert refused.codes in (["LIMIT_EXCEEDED"], ["QUERY_TOO_COMPLEX"])
    static = {"name": "x", "kind": "STATIC", "customerIds": [customer] * 10_001}
    done = await store.mutate("segmentCreate", "input: $input", "segment { memberCount }", input=static)
    assert (faults(done), done["segment"]) == ([], {"memberCount": 1})


async def test_long_and_strange_searches(store: StoreClient) -> None:
    await store.customers({"externalId": "c1", "name": "100% Ann_a\\b"}, {"externalId": "c2", "name": "Bob"})
    await store.segment("100% Ann_a\\b")
    document = """query ($s: String!) { customers(search: $s) { totalCount } segments(search: $s) { totalCount }
        lists(search: $s) { totalCount } campaigns(search: $s) { totalCount } tags(prefix: $s) }"""
    for search, expected in (("%", 1), ("_", 1), ("\\", 1), ("0% a", 1), ("'", 0), ("\u202e", 0), ("\U0001f600", 0)):
        answer = await store.get(document, s=search)
        assert [answer[name]["totalCount"] for name in ("customers", "segments", "lists")] == [expected] * 3, search
    for field in ("customers", "segments", "lists", "campaigns"):
        for search in (LONG, "x" * 201):
            refused = await store.ask(f"query ($s: String) {{ {field}(search: $s) {{ totalCount }} }}", s=search)
            assert refused.codes == ["BAD_USER_INPUT"], field
            assert refused.errors[0]["extensions"]["field"] == ["search"]
    assert (await store.ask("query ($s: String) { tags(prefix: $s) }", s=LONG)).codes == ["BAD_USER_INPUT"]
    for argument in ("externalId", "email"):
        nobody = await store.get(f"query ($s: String) {{ customer({argument}: $s) {{ id }} }}", s=LONG)
        assert nobody == {"customer": None}
    body = rb'{"query": "{ tags }", "x": "\ud800"}'
    response = await store.send(content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    literal = await store.ask('{ customers(search: "\\ud800") { totalCount } }')
    assert literal.codes == ["GRAPHQL_PARSE_FAILED"]


async def test_a_nul_is_refused_at_its_place(stage: Stage, store: StoreClient) -> None:
    """By a query with an error, by a mutation with a user error; no database keeps one."""
    document = "query ($s: String!) { customers(search: $s) { totalCount } tags(prefix: $s) store { name } }"
    for value in ("\0", "a\0b"):
        refused = await store.ask(document, s=value)
        assert (refused.status, refused.codes) == (200, ["BAD_USER_INPUT"])
    alone = r'{ lists(search: "\u0000") { totalCount } segments(search: "x") { totalCount } }'
    refused = await store.ask(alone)
    assert refused.errors[0]["extensions"]["field"] == ["search"]
    nested = r'{ customers { nodes { externalId timeline(types: ["visit", "\u0000"]) { totalCount } } } }'
    await store.customers({"externalId": "c1"})
    assert (await store.ask(nested)).errors[0]["extensions"]["field"] == ["types", "1"]
    written = (
        r'mutation { segmentCreate(input: {name: "a\u0000b", description: "\u0000"}) { userErrors { field code } } }'
    )
    done = (await store.get(written))["segmentCreate"]
    assert faults(done) == [(["input", "name"], "INVALID"), (["input", "description"], "INVALID")]
    values = {"externalId": "c2", "properties": [{"key": "x", "value": {"a": ["\0"], "b\0": 1}}]}
    done = await store.mutate("customersUpsert", "input: $input", "created updated", input=[{}, values])
    place = ["input", "1", "properties", "0", "value"]
    assert faults(done) == [([*place, "a", "0"], "INVALID"), (place, "INVALID")]
    assert (done["created"], done["updated"]) == (0, 0)
    assert (await store.get("{ customers { totalCount } segments { totalCount } }")) == {
        "customers": {"totalCount": 1},
        "segments": {"totalCount": 0},
    }


async def test_pages_that_there_are_not(store: StoreClient) -> None:
    await store.customers(*({"externalId": f"c{at}", "name": f"n{at}"} for at in range(3)))
    page = "{ totalCount nodes { externalId } pageInfo { endCursor } }"
    named = (await store.get(f"{{ customers(first: 1, orderBy: NAME_ASC) {page} }}"))["customers"]["pageInfo"]
    wrong = [f"first: {size}" for size in (-1, 251, -(2**31))]
    wrong += ["first: 1, last: 1", "last: -1", f'after: "{named["endCursor"]}"', "first: 2147483648"]
    wrong += [f'{side}: "{forged}"' for side in ("after", "before") for forged in FORGED]
    for arguments in wrong:
        refused = await store.ask(f"{{ customers({arguments}) {page} }}")
        assert refused.codes[0] in {"BAD_USER_INPUT", "QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"}, arguments
    nested = await store.ask('{ customers { nodes { externalId timeline(after: "x") { totalCount } } } }')
    assert nested.codes == ["BAD_USER_INPUT"] * len(nested.codes)
    assert (await store.get("{ customers(first: 0) { totalCount nodes { id } } }"))["customers"]["nodes"] == []


@pytest.mark.slow
async def test_no_value_of_any_argument_breaks_the_server(stage: Stage, store: StoreClient) -> None:
    """Every input field of every query and mutation, one at a time, with whatever its type lets through."""
    known = await _known(stage, store)
    count = 0
    for root in (schema().query_type, schema().mutation_type):
        assert root is not None
        tried: set[str] = set()
        for name, field in root.fields.items():
            for argument, taken in field.args.items():
                for value in _variants(taken.type, tried):
                    values = {**_others(known, name, field), argument: value}
                    reply = await store.ask(_document(root, name, field, values), **values)
                    message = json.dumps(reply.body)
                    assert reply.status < 500, (name, argument, value)
                    assert "INTERNAL" not in message, (name, argument, value)
                    assert "Cannot query field" not in message, name
                    count += 1
    assert count > 500
    await stage.work()
    answer = await store.get("{ segments(first: 250) { nodes { latestList { status } } } }")
    assert {node["latestList"]["status"] for node in answer["segments"]["nodes"]} == {"READY"}


async def _known(stage: Stage, store: StoreClient) -> dict[str, object]:
    """Good values for arguments, so that the others beside them are looked at."""
    contact = {"channel": "recording", "address": "x@shop.example", "consent": "SUBSCRIBED"}
    [customer] = await store.customers({"externalId": "c1", "contacts": [contact]})
    await store.install()
    payload = await store.segment()
    static = await store.segment("Picked", kind="STATIC")
    campaign = await store.campaign(payload["list"]["id"])
    return {
        "customer": customer,
        "segmentMembers": static["segment"]["id"],
        "segment": payload["segment"]["id"],
        "list": payload["list"]["id"],
        "campaign": campaign,
        "key": "recording",
        "channel": "recording",
        "target": {"listId": payload["list"]["id"]},
    }


def _others(known: dict[str, object], name: str, field: GraphQLField) -> dict[str, object]:
    result: dict[str, object] = {}
    for argument, taken in field.args.items():
        if argument in known:
            result[argument] = known[argument]
        elif argument in {"id", "customerId"}:
            kinds = ("segmentMembers", "segment", "list", "campaign")
            result[argument] = known[next((kind for kind in kinds if name.startswith(kind)), "customer")]
        elif is_non_null_type(taken.type):
            result[argument] = _plain(taken.type)
    return result


def _document(root: GraphQLObjectType, name: str, field: GraphQLField, values: dict[str, object]) -> str:
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in values)
    passed = ", ".join(f"{key}: ${key}" for key in values)
    answer = get_named_type(field.type)
    selected = ""
    if not hasattr(answer, "serialize"):
        fields = getattr(answer, "fields", {})
        selected = next(
            (f"{{ {item} }}" for item in ("totalCount", "userErrors { code }") if item.split()[0] in fields),
            "{ __typename }",
        )
    kind = root.name.lower()
    return f"{kind} ({declared}) {{ {name}({passed}) {selected} }}"


def _variants(type_: GraphQLInputType, tried: set[str]) -> Iterator[object]:
    """Values of the type, each input type that is within looked into once."""
    if is_non_null_type(type_):
        yield from _variants(type_.of_type, tried)
    elif is_list_type(type_):
        yield []
        yield from ([value] for value in _variants(type_.of_type, tried))
    elif isinstance(type_, GraphQLInputObjectType):
        if type_.name not in tried:
            tried.add(type_.name)
            yield from _objects(type_, tried)
    elif not is_enum_type(type_):
        yield from HOSTILE[get_named_type(type_).name]


def _objects(type_: GraphQLInputObjectType, tried: set[str]) -> Iterator[object]:
    base = {} if type_.is_one_of else {key: _plain(item.type) for key, item in type_.fields.items() if _required(item)}
    for key, item in type_.fields.items():
        for value in _variants(item.type, tried):
            yield {**base, key: value}


def _required(field: GraphQLInputField) -> bool:
    return is_non_null_type(field.type)


def _plain(type_: GraphQLInputType) -> Any:
    if is_non_null_type(type_):
        return _plain(type_.of_type)
    if is_list_type(type_):
        return []
    if isinstance(type_, GraphQLInputObjectType):
        return {key: _plain(item.type) for key, item in type_.fields.items() if _required(item)}
    if is_enum_type(type_):
        return next(iter(type_.values))
    return PLAIN[get_named_type(type_).name]
