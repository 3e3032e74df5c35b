"""However long a page is, the same number of statements fetches it with all that is nested in it."""

# Answers and graphql-core's generic types are looked into as they come.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAssignmentType=false

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, Table, event, insert, select

from api.graphql.kit.global_ids import encode, number, uuid
from domain.campaigns.tables import campaigns
from domain.deliveries.tables import deliveries, delivery_batches, sandbox_messages
from domain.kit import ids
from domain.kit.db import Transaction
from domain.lists.tables import list_members, lists
from domain.operations import queries as operations
from domain.operations.model import Problem
from domain.segments.tables import segment_members, segments
from tests.api.graphql.stage import Stage, StoreClient, attribute
from tests.factories import NOW

PAGE = "pageInfo { hasNextPage endCursor }"
CUSTOMER = f"""id externalId name tags properties {{ key value }} contacts {{ channel address consent }}
    orderCount totalSpent lastOrderAt
    timeline(first: 2) {{ totalCount {PAGE} nodes {{ id type occurredAt attributes }} }}
    visits: timeline(first: 1, types: ["visit"]) {{ nodes {{ id }} }}"""
MESSAGE = "subject text payload"
LIST = """id name number status latest count expired deletable actions { kind channel }
    segment { name } reach { channel reachable accepting }"""
CAMPAIGN = f"""id name status list {{ name segment {{ name }} }} stats {{ recipients sent }}
    reach {{ audience recipients excluded {{ reason count }} }} preview {{ {MESSAGE} }}
    deliveries(first: 2) {{ totalCount {PAGE} nodes {{ id status customer {{ name tags }} message {{ text }} }} }}"""
QUERIES = {
    "customers": f"customers(first: $n) {{ totalCount {PAGE} nodes {{ {CUSTOMER} }} }}",
    "customers by a filter": f"""customers(first: $n, filter: {{attribute: {{dimension: "tag", operator: IS_SET}}}}) {{
        totalCount nodes {{ {CUSTOMER} }} }}""",
    "customers' segments": "customers(first: $n) { nodes { segments { name kind } } }",
    "segments": f"""segments(first: $n) {{ totalCount nodes {{
        id name refreshable refreshBlockedBy campaigns(first: 2) {{ totalCount nodes {{ name list {{ name }} }} }}
        summary query include {{ membership {{ segmentId listId }} }} listCount latestList {{ {LIST} }}
        lists(first: 1) {{ totalCount nodes {{ {LIST} }} }} }} }}""",
    "members of segments": f"""segments(first: $n) {{ nodes {{
        members(first: 2) {{ totalCount {PAGE} nodes {{ {CUSTOMER} }} }} memberCount }} }}""",
    "lists": f"""lists(first: $n, latestOnly: false) {{ totalCount nodes {{ {LIST}
        members(first: 2) {{ totalCount nodes {{ {CUSTOMER} }} }}
        last: members(last: 1) {{ nodes {{ name }} }}
        campaigns(first: 1) {{ totalCount nodes {{ name list {{ name }} }} }} }} }}""",
    "lists' make-up": """lists(first: $n, latestOnly: false) { nodes { analysis { members byGender { label count }
        byTier { label } byAge { label } byCountry { label } bySource { value } orders totalSpent averageOrderValue
        trend { since shoppers { current previous change } sales { current } conversion { change } } } } }""",
    "campaigns": f"campaigns(first: $n) {{ totalCount nodes {{ {CAMPAIGN} }} }}",
    "operations": "nodes(ids: $ids) { ... on Operation { kind status problems { row message } } }",
    "nodes": """nodes(ids: $ids) { id ... on Customer { orderCount tags }
        ... on Segment { lists(first: 1) { totalCount } } ... on CustomerList { members(first: 1) { totalCount } }
        ... on Campaign { stats { sent } deliveries(first: 1) { nodes { id } } }
        ... on Delivery { message { text } customer { id } } ... on Operation { problems { message } } }""",
}
FEW, MANY = 2, 50


@contextmanager
def statements(stage: Stage) -> Generator[list[str]]:
    """The statements that are run meanwhile."""
    executed: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        executed.append(statement)

    engine = stage.runtime.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.slow
async def test_a_page_of_fifty_costs_no_more_statements_than_one_of_two(stage: Stage, store: StoreClient) -> None:
    known = await _crowd(stage, store)
    costs = {
        name: (await _cost(stage, store, body, known, FEW), await _cost(stage, store, body, known, MANY))
        for name, body in QUERIES.items()
    }
    assert {name: few for name, (few, _) in costs.items()} == {name: many for name, (_, many) in costs.items()}


async def test_a_segment_is_counted_once_however_many_customers_are_in_it(stage: Stage, store: StoreClient) -> None:
    await store.customers(*({"externalId": f"c{number}", "tags": ["x"]} for number in range(5)))
    for name in ("One", "Two"):
        await store.segment(name, include=attribute("tag", "IN", "x"))
    costs: list[int] = []
    for size in (1, 5):
        with statements(stage) as executed:
            answer = await store.get(f"{{ customers(first: {size}) {{ nodes {{ segments {{ memberCount }} }} }} }}")
        assert answer["customers"]["nodes"] == [{"segments": [{"memberCount": 5}] * 2}] * size
        costs.append(len(executed))
    assert costs[0] == costs[1]


async def test_a_sample_of_customers_is_one_statement(stage: Stage, store: StoreClient) -> None:
    await store.customers(*({"externalId": f"c{number}", "tags": ["x"]} for number in range(5)))
    with statements(stage) as executed:
        answer = await store.get("{ segmentPreview { count sample { name tags orderCount } } }")
    assert answer["segmentPreview"]["count"] == len(answer["segmentPreview"]["sample"]) == 5
    assert len([statement for statement in executed if "customer_tags" in statement]) == 1
    assert len([statement for statement in executed if "customers.birthday" in statement]) == 1


async def _cost(stage: Stage, store: StoreClient, body: str, known: Mapping[str, Sequence[str]], size: int) -> int:
    chosen: list[str] = []
    request: dict[str, object]
    if "$ids" in body:
        kinds = list(known) if "Customer" in body else ["operations"]
        chosen = [gid for kind in kinds for gid in known[kind][: size if len(kinds) == 1 else size // 2]]
        document, request = f"query ($ids: [ID!]!) {{ found: {body} }}", {"ids": chosen}
    else:
        document, request = f"query ($n: Int!) {{ found: {body} }}", {"n": size}
    with statements(stage) as executed:
        result = (await store.get(document, **request))["found"]
    nodes = result if isinstance(result, list) else result["nodes"]
    assert len([node for node in nodes if node]) == (len(chosen) if "$ids" in body else size)
    return len(executed)


async def _crowd(stage: Stage, store: StoreClient) -> Mapping[str, Sequence[str]]:
    customers = await _customers(store)
    created = await _segments(stage, store, customers)
    async with stage.runtime.database.write() as tx:
        listed = await _copy_segments(tx, store.store_id, created)
    sent = await _campaign(stage, store, encode("CustomerList", listed[0]))
    async with stage.runtime.database.write() as tx:
        campaign_ids = await _copy_campaigns(tx, store.store_id, sent, listed)
        made_operations = []
        for _ in range(MANY):
            operation = await operations.start(tx, store.store_id, "import.customers", NOW)
            await operations.add_problems(tx, store.store_id, operation.id, [Problem(2, "no name")])
            made_operations.append(encode("Operation", operation.id))
    segment_ids = [encode("Segment", item) for item in await _ids(stage, segments, store.store_id)]
    customer = number(customers[0], "Customer") or 0
    return {
        "operations": made_operations,
        "customers": customers,
        "segments": segment_ids,
        "lists": [encode("CustomerList", item) for item in listed],
        "campaigns": [encode("Campaign", item) for item in campaign_ids],
        "deliveries": [encode("Delivery", (item, customer)) for item in campaign_ids],
    }


async def _customers(store: StoreClient) -> list[str]:
    defined = await store.mutate(
        "propertyDefinitionCreate", "key: $key, label: $label, type: $type", "", key="size", label="Size", type="NUMBER"
    )
    assert defined["userErrors"] == []
    values = [
        {
            "externalId": f"c{at}",
            "name": f"Customer {at}",
            "email": f"c{at}@shop.example",
            "country": "TW",
            "tags": ["a", f"t{at}"],
            "properties": [{"key": "size", "value": at}],
            "contacts": [{"channel": "recording", "address": f"x{at}@shop.example", "consent": "SUBSCRIBED"}],
        }
        for at in range(MANY)
    ]
    done = await store.mutate("customersUpsert", "input: $input", "created", input=values)
    assert done["created"] == MANY
    happened = [
        {
            "id": f"{kind}-{at}-{again}",
            "type": kind,
            "customer": {"externalId": f"c{at}"},
            "occurredAt": f"2026-06-0{again}T00:00:00Z",
            "attributes": {"total": 5} if kind == "order" else {"page": "/"},
        }
        for at in range(MANY)
        for kind in ("order", "visit")
        for again in (1, 2)
    ]
    done = await store.mutate("eventsTrack", "events: $events", "accepted", events=happened)
    assert done["accepted"] == 4 * MANY
    page = await store.get("{ customers(first: 50, orderBy: CREATED_AT_ASC) { nodes { id } } }")
    return [node["id"] for node in page["customers"]["nodes"]]


async def _segments(stage: Stage, store: StoreClient, customers: Sequence[str]) -> list[tuple[UUID, UUID]]:
    """One that asks of others, one picked by hand, and one of a filter: their ids and their lists'."""
    plain = await store.segment("Plain", include=_twice(attribute("country", "IS_SET")))
    segment_id, list_id = plain["segment"]["id"], plain["list"]["id"]
    asking = [{"membership": {"segmentId": segment_id}}, {"not": {"membership": {"listId": list_id, "member": False}}}]
    referring = await store.segment("Referring", include={"all": asking})
    picked = await store.segment("Picked", kind="STATIC", customerIds=customers[:3])
    return [
        (_uuid(item["segment"]["id"], "Segment"), _uuid(item["list"]["id"], "CustomerList"))
        for item in (plain, referring, picked)
    ]


def _twice(condition: object) -> object:
    """A condition that two branches share, which the statement finds once."""
    return {
        "any": [{"all": [condition, attribute("tag", "IN", "a")]}, {"all": [condition, attribute("tag", "IN", "b")]}]
    }


async def _copy_segments(tx: Transaction, store_id: int, created: Sequence[tuple[UUID, UUID]]) -> list[UUID]:
    """Copies of those segments with their lists, the same number of each."""
    listed = [list_id for _, list_id in created]
    for at in range(MANY):
        segment_id, list_id = created[at % len(created)]
        fresh, fresh_list = ids.new(), ids.new()
        await _copy(tx, segments, segments.c.id == segment_id, id=fresh, name=f"Segment {at}")
        await _copy(tx, lists, lists.c.id == list_id, id=fresh_list, segment_id=fresh, name=f"List {at}")
        await _copy(tx, list_members, list_members.c.list_id == list_id, list_id=fresh_list)
        await _copy(tx, segment_members, segment_members.c.segment_id == segment_id, segment_id=fresh)
        listed.append(fresh_list)
    return listed[-MANY:]


async def _campaign(stage: Stage, store: StoreClient, list_id: str) -> UUID:
    """One that was sent into the sandbox."""
    await store.install()
    gid = await store.campaign(list_id, content={"text": "Hi {{ customer.name }}"})
    assert (await store.mutate("campaignSend", "id: $id", "", id=gid))["userErrors"] == []
    await stage.work()
    return _uuid(gid, "Campaign")


async def _copy_campaigns(tx: Transaction, store_id: int, campaign_id: UUID, listed: Sequence[UUID]) -> list[UUID]:
    rows = []
    for list_id in listed:
        fresh = ids.new()
        await _copy(tx, campaigns, campaigns.c.id == campaign_id, id=fresh, list_id=list_id)
        for table in (deliveries, delivery_batches, sandbox_messages):
            await _copy(tx, table, table.c.campaign_id == campaign_id, campaign_id=fresh)
        rows.append(fresh)
    return rows


async def _copy(tx: Transaction, table: Table, which: ColumnElement[bool], **changes: object) -> None:
    rows = [{**row, **changes} for row in (await tx.execute(select(table).where(which))).mappings()]
    if rows:
        await tx.execute(insert(table), rows)


async def _ids(stage: Stage, table: Table, store_id: int) -> list[UUID]:
    async with stage.runtime.database.read() as tx:
        statement = select(table.c.id).where(table.c.store_id == store_id).order_by(table.c.id.desc())
        return list((await tx.execute(statement)).scalars())


def _uuid(gid: str, kind: str) -> UUID:
    key = uuid(gid, kind)
    assert key is not None
    return key
