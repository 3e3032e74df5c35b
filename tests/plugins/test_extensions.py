"""A plugin's dimension means the same on every way to a filter: previews, counts, lists, memberships, the customer."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from inspect import Parameter, signature
from pathlib import Path

import muster_sdk as sdk
import pytest
from sqlalchemy import select

from domain.events.tables import events
from domain.extensions import Extensions
from domain.memberships import tracking
from domain.memberships.plan import plan
from domain.segments.evaluation import resolve
from domain.segments.evaluation.preview import Previews
from domain.segments.evaluation.segments_of import segments_of
from domain.segments.validation import FilterContext
from tests.api.graphql.lists.test_exports import exported, table
from tests.api.graphql.stage import Json, StoreClient, attribute, open_stage
from tests.factories import NOW


def dimension(
    name: str, kind: sdk.ValueKind, reads: sdk.PropertyValue | sdk.LatestEvent | sdk.EventCount
) -> sdk.Dimension:
    return sdk.Dimension(f"school.{name}", name, "school", kind, reads)


EXTENSIONS = Extensions(
    (
        dimension("teacher", sdk.ValueKind.TEXT, sdk.LatestEvent("class.attended", "teacher")),
        dimension("mark", sdk.ValueKind.NUMBER, sdk.LatestEvent("class.attended", "mark")),
        dimension("passed", sdk.ValueKind.BOOLEAN, sdk.LatestEvent("class.attended", "passed")),
        dimension("exam", sdk.ValueKind.DATE, sdk.LatestEvent("class.attended", "exam")),
        dimension("classes", sdk.ValueKind.NUMBER, sdk.EventCount("class.attended")),
        dimension("recent_classes", sdk.ValueKind.NUMBER, sdk.EventCount("class.attended", days=30)),
        dimension("pet", sdk.ValueKind.TEXT, sdk.PropertyValue("pet")),
    )
)
BY_ANN = attribute("school.teacher", "EQ", "Ann")


@pytest.fixture
async def school(database_url: str, tmp_path: Path) -> AsyncGenerator[StoreClient]:
    stage = open_stage(database_url, tmp_path / "files", EXTENSIONS)
    yield await stage.store()
    await stage.runtime.close()


def attended(number: int, customer: str, teacher: str, **more: object) -> dict[str, object]:
    return {
        "id": str(number),
        "type": "class.attended",
        "customer": {"externalId": customer},
        "occurredAt": (NOW - timedelta(hours=10 - number)).isoformat(),
        "attributes": {"teacher": teacher, **more},
    }


async def track(school: StoreClient, *attendances: dict[str, object]) -> None:
    done = await school.mutate("eventsTrack", "events: $events", "accepted", events=attendances)
    assert done["accepted"] == len(attendances)


async def test_a_plugins_dimension_is_in_every_filter(school: StoreClient) -> None:
    ann, bob = await school.customers({"externalId": "ann's"}, {"externalId": "bob's"})
    await track(school, attended(1, "ann's", "Ann"), attended(2, "bob's", "Bob"))

    keys = (await school.get('{ dimensions(group: "school") { key } }'))["dimensions"]
    assert {"key": "school.teacher"} in keys
    preview = "query ($include: FilterInput!) { segmentPreview(include: $include) { count } }"
    assert (await school.get(preview, include=BY_ANN))["segmentPreview"]["count"] == 1
    filtered = "query ($filter: FilterInput!) { customers(filter: $filter) { nodes { id } } }"
    assert (await school.get(filtered, filter=BY_ANN))["customers"]["nodes"] == [{"id": ann}]

    segment = await school.segment(include=BY_ANN)
    counts = "query ($id: ID!) { node(id: $id) { ... on Segment { memberCount } ... on CustomerList { count } } }"
    assert (await school.get(counts, id=segment["segment"]["id"]))["node"] == {"memberCount": 1}
    assert (await school.get(counts, id=segment["list"]["id"]))["node"] == {"count": 1}
    segments = "query ($id: String!) { customer(externalId: $id) { segments { id } } }"
    assert (await school.get(segments, id="ann's"))["customer"]["segments"] == [segment["segment"]]

    static = await school.segment("Picked", kind="STATIC")
    added = await school.mutate(
        "segmentMembersAdd", "id: $id, filter: $filter", "changed", id=static["segment"]["id"], filter=BY_ANN
    )
    assert added == {"changed": 1, "userErrors": []}
    assert bob not in (await members(school, static["segment"]["id"]))


async def members(school: StoreClient, segment_id: str) -> list[Json]:
    query = "query ($id: ID!) { node(id: $id) { ... on Segment { members { nodes { id } } } } }"
    return [node["id"] for node in (await school.get(query, id=segment_id))["node"]["members"]["nodes"]]


async def test_a_plugins_dimension_moves_customers_between_segments(school: StoreClient) -> None:
    await school.customers({"externalId": "bob's"})
    await track(school, attended(1, "bob's", "Bob"))
    await school.segment(include=BY_ANN)
    database = school.stage.runtime.database
    await tracking.schedule_due(database, NOW)
    await school.stage.work()
    await track(school, attended(2, "bob's", "Ann"))
    await tracking.schedule_due(database, NOW)
    await school.stage.work()
    async with database.read() as tx:
        moves = select(events.c.type).where(events.c.store_id == school.store_id, events.c.type.like("segment.%"))
        assert list((await tx.execute(moves)).scalars()) == ["segment.entered"]


async def test_a_plugins_count_of_days_lets_a_customer_leave(school: StoreClient) -> None:
    await school.customers({"externalId": "bob's"})
    await track(school, attended(1, "bob's", "Bob"))
    segment = await school.segment(include=attribute("school.recent_classes", "GTE", 1))
    database = school.stage.runtime.database
    moves = select(events.c.type).where(events.c.store_id == school.store_id, events.c.type.like("segment.%"))
    for days, moved in ((0, []), (31, ["segment.left"])):
        school.stage.clock.now = NOW + timedelta(days=days)
        await tracking.schedule_due(database, school.stage.clock.now)
        await school.stage.work()
        async with database.read() as tx:
            assert list((await tx.execute(moves)).scalars()) == moved
    counts = "query ($id: ID!) { node(id: $id) { ... on Segment { memberCount } } }"
    assert (await school.get(counts, id=segment["segment"]["id"]))["node"] == {"memberCount": 0}


def test_extensions_are_never_forgotten() -> None:
    """A default would silently lose them: whoever evaluates a filter says what plugins add to the catalogue."""
    functions = (resolve.catalogue, resolve.resolve, resolve.resolve_each, resolve.select_ids)
    for callable_ in (*functions, resolve.select_ids_of_each, segments_of, plan, Previews, FilterContext):
        assert signature(callable_).parameters["extensions"].default is Parameter.empty, callable_


async def test_a_plugins_dimensions_are_exported(school: StoreClient) -> None:
    """1 has a latest event with every attribute, 2 one without the teacher, 3 none but long ago, 4 none at all."""
    defined = await school.mutate(
        "propertyDefinitionCreate", "key: $key, label: $label, type: $type", "", key="pet", label="Pet", type="STRING"
    )
    assert defined["userErrors"] == []
    pet = {"properties": [{"key": "pet", "value": "=cat"}]}
    await school.customers({"externalId": "1", **pet}, *({"externalId": number} for number in "234"))
    full = {"mark": 4.5, "passed": True, "exam": "2026-07-09"}
    long_ago = {**attended(5, "3", "Cleo", exam="soon", passed=False), "occurredAt": "2025-01-01T00:00:00Z"}
    nameless = {**attended(4, "2", ""), "attributes": {"mark": 3}}
    await track(school, attended(1, "1", "Bob"), attended(2, "1", "Ann", **full), attended(3, "2", "Bob"))
    await track(school, nameless, long_ago)

    keys = ["external_id", *(f"school.{name}" for name in ("teacher", "mark", "passed", "exam"))]
    keys += ["school.classes", "school.recent_classes", "school.pet"]
    exportable = {field["key"] for field in (await school.get("{ exportFields { key } }"))["exportFields"]}
    assert set(keys) <= exportable
    list_id = (await school.segment())["list"]["id"]
    operation = await exported(school, list_id, keys)
    assert operation["problems"] == []
    assert table((await school.fetch(operation["url"])).content) == [
        keys,
        ["1", "Ann", "4.5", "true", "2026-07-09", "2", "2", "'=cat"],
        ["2", "", "3.0", "", "", "2", "2", ""],
        ["3", "Cleo", "", "false", "soon", "1", "0", ""],
        ["4", "", "", "", "", "0", "0", ""],
    ]
