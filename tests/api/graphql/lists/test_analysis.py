"""Reports of lists through the API."""

from datetime import timedelta

from sqlalchemy import insert, literal, select

from api.graphql.kit.global_ids import encode, number, uuid
from domain.kit import ids
from domain.kit.db.types import Id
from domain.lists.tables import list_members, lists
from tests.api.graphql.stage import Json, Stage, StoreClient
from tests.api.graphql.test_statements import statements
from tests.factories import NOW

ANALYSIS = """query ($id: ID!) { list(id: $id) { count analysis { members
    byGender { label value count } byTier { label count } byAge { label value count } byCountry { label count }
    bySource { label count } orders totalSpent averageOrderValue
    trend { since until shoppers { current previous change } orders { current previous change }
        sales { current previous change } conversion { current previous change } } } } }"""
NOBODY = {"label": "Unknown", "count": 3}


def order(number: int, customer: str, days: float, total: int, **more: object) -> dict[str, object]:
    at = (NOW - timedelta(days=days)).isoformat()
    attributes = {"total": total, **more}
    return {
        "id": f"o{number}",
        "type": "order",
        "customer": {"externalId": customer},
        "occurredAt": at,
        "attributes": attributes,
    }


async def shoppers(store: StoreClient) -> list[str]:
    gids = await store.customers(
        {"externalId": "ann", "gender": "FEMALE", "birthday": "2000-07-01", "country": "TW", "tier": "Gold"},
        {"externalId": "bob", "gender": "MALE", "birthday": "2000-07-02", "country": "TW"},
        {"externalId": "eve"},
        {"externalId": "gone", "gender": "MALE"},
    )
    orders = [
        order(1, "ann", 1, 100),
        order(2, "ann", 20, 50),
        order(3, "ann", 40, 60),
        order(4, "bob", 59, 40),
        order(5, "bob", 61, 1000),
        order(6, "bob", 2, 500, status="cancelled"),
        order(7, "gone", 2, 500),
    ]
    done = await store.mutate("eventsTrack", "events: $events", "accepted", events=orders)
    assert done["accepted"] == len(orders)
    return gids


async def test_the_analysis_of_a_list(store: StoreClient) -> None:
    customers = await shoppers(store)
    gid = (await store.segment())["list"]["id"]
    await store.mutate("customerDelete", "id: $id", "deletedId", id=customers[3])
    list_answer = (await store.get(ANALYSIS, id=gid))["list"]
    assert list_answer["count"] == 4
    assert list_answer["analysis"] == {
        "members": 3,
        "byGender": [
            {"label": "FEMALE", "value": "FEMALE", "count": 1},
            {"label": "MALE", "value": "MALE", "count": 1},
            {"label": "Unknown", "value": None, "count": 1},
        ],
        "byTier": [{"label": "Gold", "count": 1}, {"label": "Unknown", "count": 2}],
        "byAge": [
            {"label": "25-34", "value": "25", "count": 2},
            {"label": "Unknown", "value": None, "count": 1},
        ],
        "byCountry": [{"label": "TW", "count": 2}, {"label": "Unknown", "count": 1}],
        "bySource": [NOBODY],
        "orders": 5,
        "totalSpent": "1250",
        "averageOrderValue": "250",
        "trend": {
            "since": "2026-06-01T09:00:00Z",
            "until": "2026-07-01T09:00:00Z",
            "shoppers": {"current": 1, "previous": 2, "change": -0.5},
            "orders": {"current": 2, "previous": 2, "change": 0},
            "sales": {"current": "150", "previous": "100", "change": 0.5},
            "conversion": {"current": 1 / 3, "previous": 2 / 3, "change": -0.5},
        },
    }


DIFFERENCE = """query ($id: ID!, $from: ID!) { list(id: $id) { difference(from: $from) {
    joinedCount leftCount stayedCount
    joined(first: 1) { totalCount nodes { externalId } pageInfo { hasNextPage endCursor } }
    left { totalCount nodes { externalId } } stayed { totalCount nodes { externalId } } } } }"""


async def test_two_lists_of_a_segment_are_compared(stage: Stage, store: StoreClient) -> None:
    await store.customers(*({"externalId": name} for name in ("a", "b", "c")))
    payload = await store.segment()
    earlier = payload["list"]["id"]
    await store.customers({"externalId": "d"}, {"externalId": "e"})
    later = await copy(stage, store, earlier, without="b", added=("d", "e"))
    difference = (await store.get(DIFFERENCE, id=later, **{"from": earlier}))["list"]["difference"]
    counts = [difference[name] for name in ("joinedCount", "leftCount", "stayedCount")]
    assert counts == [difference[name]["totalCount"] for name in ("joined", "left", "stayed")] == [2, 1, 2]
    assert names(difference["joined"]) == ["d"]
    assert difference["joined"]["pageInfo"]["hasNextPage"]
    assert (names(difference["left"]), names(difference["stayed"])) == (["b"], ["a", "c"])
    page = """query ($id: ID!, $from: ID!, $after: String) { list(id: $id) { difference(from: $from) {
        joined(after: $after) { nodes { externalId } } } } }"""
    cursor = difference["joined"]["pageInfo"]["endCursor"]
    rest = await store.get(page, id=later, **{"from": earlier, "after": cursor})
    assert names(rest["list"]["difference"]["joined"]) == ["e"]
    other = (await store.segment("Other"))["list"]["id"]
    for wrong, code in ((other, "INVALID"), (encode("CustomerList", ids.new()), "NOT_FOUND"), ("x", "NOT_FOUND")):
        refused = await store.ask(DIFFERENCE, id=later, **{"from": wrong})
        assert refused.codes == [code]
        assert refused.errors[0]["extensions"]["field"] == ["from"]


async def test_differences_of_a_page_of_lists_take_the_statements_of_one(stage: Stage, store: StoreClient) -> None:
    await store.customers(*({"externalId": name} for name in ("a", "b", "c")))
    earlier = (await store.segment())["list"]["id"]
    costs: list[int] = []
    document = """query ($from: ID!) { lists(latestOnly: false) { nodes { difference(from: $from) {
        joinedCount leftCount joined(first: 1) { totalCount nodes { externalId } }
        left(first: 1) { nodes { externalId } } } } } }"""
    for size in (2, 8):
        for _ in range(size):
            await copy(stage, store, earlier, without="b", added=())
        with statements(stage) as executed:
            answer = await store.get(document, **{"from": earlier})
        assert len(answer["lists"]["nodes"]) > size
        costs.append(len(executed))
    assert costs[0] == costs[1]


async def copy(stage: Stage, store: StoreClient, of: str, *, without: str, added: tuple[str, ...]) -> str:
    """A later list of the segment with others on it."""
    list_id, fresh = uuid(of, "CustomerList"), ids.new()
    gone, *joined = [number(await store.customer_id(name), "Customer") for name in (without, *added)]
    async with stage.runtime.database.write() as tx:
        row = (await tx.execute(select(lists).where(lists.c.id == list_id))).mappings().one()
        last: int = await tx.scalar(select(lists.c.number).order_by(lists.c.number.desc()).limit(1))
        await tx.execute(insert(lists).values({**row, "id": fresh, "number": last + 1}))
        same = select(list_members.c.store_id, literal(fresh, Id()), list_members.c.customer_id).where(
            list_members.c.list_id == list_id, list_members.c.customer_id != gone
        )
        await tx.execute(insert(list_members).from_select(["store_id", "list_id", "customer_id"], same))
        for customer in joined:
            row_of = {"store_id": store.store_id, "list_id": fresh, "customer_id": customer}
            await tx.execute(insert(list_members).values(row_of))
    return encode("CustomerList", fresh)


def names(connection: Json) -> list[str]:
    return [node["externalId"] for node in connection["nodes"]]
