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

from tests.api.graphql.stage import Json, Shop, Stage, attribute, faults
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


async def test_a_filter_however_deep_is_refused(shop: Shop) -> None:
    document = "query ($f: FilterInput) { segmentPreview(include: $f) { count } }"
    for depth, wanted in ((9, None), (10, "LIMIT_EXCEEDED"), (40, "LIMIT_EXCEEDED"), (100, "BAD_REQUEST"), (5_000, "")):
        tree: Json = attribute("name", "IS_SET")
        body = f'{{"query": {json.dumps(document)}, "variables": {{"f": {_deep(depth, json.dumps(tree))}}}}}'
        response = await shop.send(content=body, headers={"Content-Type": "application/json"})
        assert response.status_code < 500, depth
        said = response.text
        assert "INTERNAL" not in said
        if wanted is None:
            assert "errors" not in response.json()
        else:
            assert wanted in said, depth
    done = await shop.mutate(
        "segmentCreate", "input: $input", "", input={"name": "x", "exclude": json.loads(_deep(12, '{"all": []}'))}
    )
    assert faults(done) == [(["input", "exclude", *["not"] * 10], "LIMIT_EXCEEDED")]


def _deep(depth: int, inner: str) -> str:
    return '{"not": ' * depth + inner + "}" * depth


async def test_more_than_anybody_has(shop: Shop) -> None:
    [customer] = await shop.customers({"externalId": "c1", "tags": ["a"]})
    tags = [f"t{number}" for number in range(10_000)]
    for mutation in ("customerTagsAdd", "customerTagsRemove"):
        done = await shop.mutate(mutation, "id: $id, tags: $tags", "", id=customer, tags=tags)
        assert faults(done) == [(["tags"], "LIMIT_EXCEEDED")]
    done = await shop.mutate("customerUpsert", "input: $input", "", input={"externalId": "c1", "tags": tags})
    assert faults(done) == [(["input", "tags"], "LIMIT_EXCEEDED")]
    kept = (await shop.get('{ customer(externalId: "c1") { tags } }'))["customer"]["tags"]
    assert kept == ["a"]
    refused = await shop.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[customer] * 251)
    assert refused.codes in (["LIMIT_EXCEEDED"], ["QUERY_TOO_COMPLEX"])
    static = {"name": "x", "kind": "STATIC", "customerIds": [customer] * 10_001}
    done = await shop.mutate("segmentCreate", "input: $input", "segment { memberCount }", input=static)
    assert (faults(done), done["segment"]) == ([], {"memberCount": 1})


async def test_long_and_strange_searches(shop: Shop) -> None:
    await shop.customers({"externalId": "c1", "name": "100% Ann_a\\b"}, {"externalId": "c2", "name": "Bob"})
    await shop.segment("100% Ann_a\\b")
    document = """query ($s: String!) { customers(search: $s) { totalCount } segments(search: $s) { totalCount }
        lists(search: $s) { totalCount } campaigns(search: $s) { totalCount } tags(prefix: $s) }"""
    for search, wanted in (("%", 1), ("_", 1), ("\\", 1), ("0% a", 1), ("'", 0), ("\u202e", 0), ("\U0001f600", 0)):
        found = await shop.get(document, s=search)
        assert [found[name]["totalCount"] for name in ("customers", "segments", "lists")] == [wanted] * 3, search
    for field in ("customers", "segments", "lists", "campaigns"):
        for search in (LONG, "x" * 201):
            refused = await shop.ask(f"query ($s: String) {{ {field}(search: $s) {{ totalCount }} }}", s=search)
            assert refused.codes == ["BAD_USER_INPUT"], field
            assert refused.errors[0]["extensions"]["field"] == ["search"]
    assert (await shop.ask("query ($s: String) { tags(prefix: $s) }", s=LONG)).codes == ["BAD_USER_INPUT"]
    for argument in ("externalId", "email"):
        nobody = await shop.get(f"query ($s: String) {{ customer({argument}: $s) {{ id }} }}", s=LONG)
        assert nobody == {"customer": None}
    body = rb'{"query": "{ tags }", "x": "\ud800"}'
    response = await shop.send(content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    literal = await shop.ask('{ customers(search: "\\ud800") { totalCount } }')
    assert literal.codes == ["GRAPHQL_PARSE_FAILED"]


async def test_a_nul_is_refused_at_its_place(stage: Stage, shop: Shop) -> None:
    """By a query with an error, by a mutation with a user error; no database keeps one."""
    document = "query ($s: String!) { customers(search: $s) { totalCount } tags(prefix: $s) store { name } }"
    for value in ("\0", "a\0b"):
        refused = await shop.ask(document, s=value)
        assert (refused.status, refused.codes) == (200, ["BAD_USER_INPUT"])
    alone = r'{ lists(search: "\u0000") { totalCount } segments(search: "x") { totalCount } }'
    refused = await shop.ask(alone)
    assert refused.errors[0]["extensions"]["field"] == ["search"]
    nested = r'{ customers { nodes { externalId timeline(types: ["visit", "\u0000"]) { totalCount } } } }'
    await shop.customers({"externalId": "c1"})
    assert (await shop.ask(nested)).errors[0]["extensions"]["field"] == ["types", "1"]
    written = (
        r'mutation { segmentCreate(input: {name: "a\u0000b", description: "\u0000"}) { userErrors { field code } } }'
    )
    done = (await shop.get(written))["segmentCreate"]
    assert faults(done) == [(["input", "name"], "INVALID"), (["input", "description"], "INVALID")]
    given = {"externalId": "c2", "properties": [{"key": "x", "value": {"a": ["\0"], "b\0": 1}}]}
    done = await shop.mutate("customersUpsert", "input: $input", "created updated", input=[{}, given])
    place = ["input", "1", "properties", "0", "value"]
    assert faults(done) == [([*place, "a", "0"], "INVALID"), (place, "INVALID")]
    assert (done["created"], done["updated"]) == (0, 0)
    assert (await shop.get("{ customers { totalCount } segments { totalCount } }")) == {
        "customers": {"totalCount": 1},
        "segments": {"totalCount": 0},
    }


async def test_pages_that_there_are_not(shop: Shop) -> None:
    await shop.customers(*({"externalId": f"c{at}", "name": f"n{at}"} for at in range(3)))
    page = "{ totalCount nodes { externalId } pageInfo { endCursor } }"
    named = (await shop.get(f"{{ customers(first: 1, orderBy: NAME_ASC) {page} }}"))["customers"]["pageInfo"]
    wrong = [f"first: {size}" for size in (-1, 251, -(2**31))]
    wrong += ["first: 1, last: 1", "last: -1", f'after: "{named["endCursor"]}"', "first: 2147483648"]
    wrong += [f'{side}: "{forged}"' for side in ("after", "before") for forged in FORGED]
    for arguments in wrong:
        refused = await shop.ask(f"{{ customers({arguments}) {page} }}")
        assert refused.codes[0] in {"BAD_USER_INPUT", "QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"}, arguments
    nested = await shop.ask('{ customers { nodes { externalId timeline(after: "x") { totalCount } } } }')
    assert nested.codes == ["BAD_USER_INPUT"] * len(nested.codes)
    assert (await shop.get("{ customers(first: 0) { totalCount nodes { id } } }"))["customers"]["nodes"] == []


@pytest.mark.slow
async def test_no_value_of_any_argument_breaks_the_server(stage: Stage, shop: Shop) -> None:
    """Every input field of every query and mutation, one at a time, with whatever its type lets through."""
    known = await _known(stage, shop)
    count = 0
    for root in (schema().query_type, schema().mutation_type):
        assert root is not None
        tried: set[str] = set()
        for name, field in root.fields.items():
            for argument, taken in field.args.items():
                for value in _variants(taken.type, tried):
                    given = {**_others(known, name, field), argument: value}
                    reply = await shop.ask(_document(root, name, field, given), **given)
                    said = json.dumps(reply.body)
                    assert reply.status < 500, (name, argument, value)
                    assert "INTERNAL" not in said, (name, argument, value)
                    assert "Cannot query field" not in said, name
                    count += 1
    assert count > 500
    await stage.work()
    made = await shop.get("{ segments(first: 250) { nodes { latestList { status } } } }")
    assert {node["latestList"]["status"] for node in made["segments"]["nodes"]} == {"READY"}


async def _known(stage: Stage, shop: Shop) -> dict[str, object]:
    """Good values for arguments, so that the others beside them are looked at."""
    contact = {"channel": "recording", "address": "x@shop.example", "consent": "SUBSCRIBED"}
    [customer] = await shop.customers({"externalId": "c1", "contacts": [contact]})
    await shop.install()
    made = await shop.segment()
    static = await shop.segment("Picked", kind="STATIC")
    campaign = await shop.campaign(made["list"]["id"])
    return {
        "customer": customer,
        "segmentMembers": static["segment"]["id"],
        "segment": made["segment"]["id"],
        "list": made["list"]["id"],
        "campaign": campaign,
        "key": "recording",
        "channel": "recording",
        "target": {"listId": made["list"]["id"]},
    }


def _others(known: dict[str, object], name: str, field: GraphQLField) -> dict[str, object]:
    found: dict[str, object] = {}
    for argument, taken in field.args.items():
        if argument in known:
            found[argument] = known[argument]
        elif argument in {"id", "customerId"}:
            kinds = ("segmentMembers", "segment", "list", "campaign")
            found[argument] = known[next((kind for kind in kinds if name.startswith(kind)), "customer")]
        elif is_non_null_type(taken.type):
            found[argument] = _plain(taken.type)
    return found


def _document(root: GraphQLObjectType, name: str, field: GraphQLField, given: dict[str, object]) -> str:
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in given)
    passed = ", ".join(f"{key}: ${key}" for key in given)
    answer = get_named_type(field.type)
    selected = ""
    if not hasattr(answer, "serialize"):
        fields = getattr(answer, "fields", {})
        selected = next(
            (f"{{ {one} }}" for one in ("totalCount", "userErrors { code }") if one.split()[0] in fields),
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
    base = {} if type_.is_one_of else {key: _plain(one.type) for key, one in type_.fields.items() if _required(one)}
    for key, one in type_.fields.items():
        for value in _variants(one.type, tried):
            yield {**base, key: value}


def _required(field: GraphQLInputField) -> bool:
    return is_non_null_type(field.type)


def _plain(type_: GraphQLInputType) -> Any:
    if is_non_null_type(type_):
        return _plain(type_.of_type)
    if is_list_type(type_):
        return []
    if isinstance(type_, GraphQLInputObjectType):
        return {key: _plain(one.type) for key, one in type_.fields.items() if _required(one)}
    if is_enum_type(type_):
        return next(iter(type_.values))
    return PLAIN[get_named_type(type_).name]
