"""A row that refers to what is gone spoils no page: every field of every type is asked over such rows."""

# graphql-core's generic types are looked into as they come.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type, is_required_argument
from sqlalchemy import delete

from api.app import create_app
from api.graphql.kit.global_ids import uuid
from domain.lists.tables import lists
from domain.segments.tables import segments
from plugins.contributions import Plugins
from plugins.store_channels import InstalledChannels
from tests.api.graphql.stage import Stage, StoreClient, attribute, faults
from tests.api.graphql.test_access import schema

MEMBER = "totalCount nodes { name }"
SHOE = {"key": "shoe", "label": "Shoe", "type": "STRING"}
# Arguments of the fields that have to be given some.
ARGUMENTS = {
    "Query.list": "id: $list",
    "Query.operation": "id: $operation",
    "Query.nodes": "ids: $ids",
    "CustomerList.difference": "from: $list",
}
# Each document uses all variables, as it has to.
ALL_VARIABLES = """query ($list: ID!, $operation: ID!, $ids: [ID!]!) {
    l: list(id: $list) { id } o: operation(id: $operation) { id } n: nodes(ids: $ids) { id } """


@dataclass(frozen=True)
class BrokenStore:
    """A store whose rows refer to what is gone, and the IDs to ask for."""

    store: StoreClient
    variables: Mapping[str, object]


@pytest.fixture
async def broken(stage: Stage, store: StoreClient) -> BrokenStore:
    await store.mutate("propertyDefinitionCreate", "key: $key, label: $label, type: $type", "", **SHOE)
    contacts = [{"channel": "recording", "address": "ann@shop.example", "consent": "SUBSCRIBED"}]
    worn = [{"key": "shoe", "value": "37"}]
    await store.customers(
        {"externalId": "c1", "name": "Ann", "tags": ["a"], "properties": worn, "contacts": contacts},
        {"externalId": "c2", "email": "ben@shop.example"},
    )
    await store.install()
    sound = await store.segment("Sound", include=attribute("tag", "IN", "a"))
    inner = await store.segment("Inner")
    created = {
        "segment": await store.segment("Of a segment", include={"membership": {"segmentId": inner["segment"]["id"]}}),
        "list": await store.segment("Of a list", include={"not": {"membership": {"listId": inner["list"]["id"]}}}),
        "property": await store.segment("Of a property", exclude=attribute("property.shoe", "IN", "37")),
        "channel": await store.segment("Of a channel", include=attribute("consent.recording", "IN", "SUBSCRIBED")),
    }
    ids = {kind: payload["segment"]["id"] for kind, payload in created.items()}
    ids["sent"] = await store.campaign(sound["list"]["id"], name="Sent")
    assert (await store.mutate("campaignSend", "id: $id", "", id=ids["sent"]))["userErrors"] == []
    ids["draft"] = await store.campaign(sound["list"]["id"], name="Draft")
    ids["homeless"] = await store.campaign(inner["list"]["id"], name="Its list is gone")
    await stage.work()
    await store.mutate("customerDelete", "id: $id", "deletedId", id=await store.customer_id("c2"))
    await store.mutate("propertyDefinitionDelete", "key: $key", "", key="shoe")
    async with stage.runtime.database.write() as tx:
        await tx.execute(delete(lists).where(lists.c.id == uuid(inner["list"]["id"])))
        await tx.execute(delete(segments).where(segments.c.id == uuid(inner["segment"]["id"])))
    stage.clock.forward(days=1)
    failing = await store.mutate("segmentRefresh", "id: $id", "list { id } operation { id }", id=ids["segment"])
    await stage.work()
    variables = {
        "list": sound["list"]["id"],
        "operation": failing["operation"]["id"],
        "ids": [*ids.values(), failing["list"]["id"]],
    }
    return BrokenStore(replace(store, stage=without_plugins(stage)), variables)


def without_plugins(stage: Stage) -> Stage:
    plugins = Plugins({}, ())
    services = stage.runtime.services
    services = replace(services, channels=InstalledChannels(plugins, services.keys, services.sessions))
    runtime = replace(stage.runtime, plugins=plugins, services=services)
    return replace(stage, runtime=runtime, app=create_app(runtime))


async def test_no_field_of_any_type_fails(broken: BrokenStore) -> None:
    documents = dict(field_documents(schema()))
    assert set(list_coordinates(schema())) <= documents.keys()
    for coordinate, document in documents.items():
        reply = await broken.store.ask(document, **broken.variables)
        assert "errors" not in reply.body, f"{coordinate}: {document}: {json.dumps(reply.body)}"
        assert reply.body["data"] is not None


async def test_a_broken_filter_says_so_on_its_segment_alone(broken: BrokenStore) -> None:
    page = await broken.store.get(
        f"{{ segments(first: 9) {{ nodes {{ id name memberCount members {{ {MEMBER} }} summary query problem }} }} }}"
    )
    nodes = {node["name"]: node for node in page["segments"]["nodes"]}
    for name in ("Of a segment", "Of a list"):
        assert nodes[name]["memberCount"] is None
        assert nodes[name]["members"] == {"totalCount": 0, "nodes": []}
        assert nodes[name]["problem"] == "The filter refers to a segment or a list that no longer exists"
    assert nodes["Of a property"]["memberCount"] is None
    assert nodes["Of a property"]["problem"].startswith("The filter asks for property.shoe")
    assert (nodes["Sound"]["memberCount"], nodes["Sound"]["problem"]) == (1, None)
    assert nodes["Sound"]["members"]["nodes"] == [{"name": "Ann"}]


async def test_a_campaign_whose_channel_is_gone_says_so(broken: BrokenStore) -> None:
    page = await broken.store.get(
        "{ campaigns { nodes { name status reach { recipients } preview { subject } problem list { name } } } }"
    )
    nodes = {node["name"]: node for node in page["campaigns"]["nodes"]}
    for name in ("Sent", "Draft"):
        assert (nodes[name]["reach"], nodes[name]["preview"]) == (None, None)
        assert "No plugin brings the channel 'recording' any more" in nodes[name]["problem"]
    assert nodes["Its list is gone"]["list"] is None


async def test_a_preview_for_nobody_is_empty(store: StoreClient) -> None:
    await store.install()
    payload = await store.segment("Nobody", include=attribute("tag", "IN", "none"))
    gid = await store.campaign(payload["list"]["id"])
    campaign = await store.get(
        "query ($id: ID!) { campaign(id: $id) { reach { recipients } preview { text } problem } }", id=gid
    )
    assert campaign["campaign"] == {"reach": {"recipients": 0}, "preview": None, "problem": None}


async def test_a_segment_in_use_is_not_deleted(store: StoreClient) -> None:
    inner = await store.segment("Inner")
    outer: dict[str, dict[str, object]] = {
        "By segment": {"include": {"membership": {"segmentId": inner["segment"]["id"]}}},
        "By list": {"exclude": {"any": [{"membership": {"listId": inner["list"]["id"]}}]}},
        "By name alone": {"include": attribute("name", "CONTAINS", inner["segment"]["id"])},
    }
    for name, definition in outer.items():
        await store.segment(name, **definition)
    refused = await store.mutate("segmentDelete", "id: $id", "deletedId", id=inner["segment"]["id"])
    assert (refused["deletedId"], faults(refused)) == (None, [(["id"], "IN_USE")])
    message = refused["userErrors"][0]["message"]
    assert message == 'The segment is in use by the filter of "By list", "By segment": change that first'
    page = await store.get('query { segments(search: "By") { nodes { id } } }')
    for node in page["segments"]["nodes"]:
        assert (await store.mutate("segmentDelete", "id: $id", "deletedId", id=node["id"]))["deletedId"] == node["id"]
    gone = await store.mutate("segmentDelete", "id: $id", "deletedId", id=inner["segment"]["id"])
    assert gone["deletedId"] == inner["segment"]["id"]


async def test_a_list_in_use_is_not_deleted(stage: Stage, store: StoreClient) -> None:
    inner = (await store.segment("Inner"))["segment"]["id"]
    stage.clock.forward(days=1)
    second = (await store.mutate("segmentRefresh", "id: $id", "list { id }", id=inner))["list"]["id"]
    await stage.work()
    await store.segment("Outer", include={"membership": {"listId": second}})
    refused = await store.mutate("listDelete", "id: $id", "deletedId", id=second)
    assert refused["userErrors"] == [
        {
            "field": ["id"],
            "message": 'The list is in use by the filter of "Outer": change that first',
            "code": "IN_USE",
        }
    ]


async def test_what_a_draft_leaves_out_is_not_deleted(stage: Stage, store: StoreClient) -> None:
    await store.install()
    audience, left_out = await store.segment("Audience"), await store.segment("Left out")
    target = {"listId": left_out["list"]["id"]}
    draft = await store.campaign(audience["list"]["id"], name="July", exclude=[target])
    segment_id = left_out["segment"]["id"]
    refused = await store.mutate("segmentDelete", "id: $id", "deletedId", id=segment_id)
    assert refused["userErrors"] == [
        {"field": ["id"], "message": 'The segment is in use by the draft "July": change that first', "code": "IN_USE"}
    ]
    await store.mutate("campaignUpdate", "id: $id, input: $input", "", id=draft, input={"exclude": []})
    assert (await store.mutate("segmentDelete", "id: $id", "deletedId", id=segment_id))["deletedId"] == segment_id


def list_coordinates(of: GraphQLSchema) -> Iterator[str]:
    """Every field that answers a connection, or a list of objects, but those of connections and of payloads."""
    for type_ in of.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__") or is_carrier(type_):
            continue
        for name, field in type_.fields.items():
            item = get_named_type(field.type)
            listed = "[" in str(field.type) or item.name.endswith("Connection")
            if listed and isinstance(item, GraphQLObjectType) and item.name != "UserError" and type_.name != "Mutation":
                yield f"{type_.name}.{name}"


def is_carrier(type_: GraphQLObjectType) -> bool:
    return type_.name.endswith(("Connection", "Edge", "Payload"))


def field_documents(of: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """A document for each field of each type that a query reaches, with all leaves of the objects that it answers."""
    assert of.query_type is not None
    # The shortest way to each type: what stands before and behind a field of it.
    pending = [(of.query_type, ALL_VARIABLES, "}")]
    reached = {of.query_type.name}
    while pending:
        type_, before, behind = pending.pop(0)
        for name, field in type_.fields.items():
            call = called(type_.name, name, field)
            if call is None:
                continue
            item = get_named_type(field.type)
            connection = item.name.endswith("Connection")
            item = get_named_type(item.fields["nodes"].type) if connection else item
            if is_leaf_type(item):
                if type_ is of.query_type:
                    yield f"{type_.name}.{name}", f"{before}{call}{behind}"
                continue  # the leaves of other types are asked with the objects themselves
            opened, closed = ("{ totalCount pageInfo { endCursor } nodes {", "} }") if connection else ("{", "}")
            yield f"{type_.name}.{name}", f"{before}{call} {opened} {' '.join(leaves(item))} {closed}{behind}"
            if isinstance(item, GraphQLObjectType) and item.name not in reached:
                reached.add(item.name)
                pending.append((item, f"{before}{call} {opened} ", f" {closed}{behind}"))


def called(type_name: str, name: str, field: GraphQLField) -> str | None:
    arguments = ARGUMENTS.get(f"{type_name}.{name}", "first: 9" if "first" in field.args else None)
    if arguments is not None:
        return f"{name}({arguments})"
    return None if any(is_required_argument(argument) for argument in field.args.values()) else name


def leaves(type_: Any) -> list[str]:
    plain = {
        name: field for name, field in type_.fields.items() if not any(map(is_required_argument, field.args.values()))
    }
    return ["__typename", *(name for name, field in plain.items() if is_leaf_type(get_named_type(field.type)))]
