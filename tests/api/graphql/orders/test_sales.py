"""What is a sale: by the words of shops, by what the store says, by currency, and without returns."""

from typing import Any

import pytest

from tests.api.graphql.stage import Stage, StoreClient, attribute

STATUSES = (
    "completed", "cancelled", "wc-cancelled", "failed", "pending", "on-hold", "refunded", "partially_refunded",
    "checkout-draft", "draft", "trash", "expired", "declined", "void", "abandoned", "returned", "取消", "已取消",
)  # fmt: skip
SOLD = {"c0", "c7"}
OPERATION = "query ($id: ID!) { operation(id: $id) { status problems { row column value outcome message } } }"
CUSTOMER = "query ($id: String!) { customer(externalId: $id) { orderCount totalSpent } }"
CLASSIFIED = "orderStatuses { status meaning orderCount } operation { id kind status }"


async def bring_in(stage: Stage, store: StoreClient, *lines: str) -> list[dict[str, Any]]:
    """Import orders, and return the problems."""
    answer = await store.upload("ordersImport", "\n".join(lines).encode())
    assert answer["userErrors"] == []
    await stage.work()
    operation = (await store.get(OPERATION, id=answer["operation"]["id"]))["operation"]
    assert operation["status"] == "DONE"
    problems: list[dict[str, Any]] = operation["problems"]
    return problems


async def figures(store: StoreClient, external_id: str) -> tuple[int, str]:
    customer = (await store.get(CUSTOMER, id=external_id))["customer"]
    return customer["orderCount"], customer["totalSpent"]


async def classify(store: StoreClient, **meanings: str | None) -> dict[str, Any]:
    said = [{"status": status, "meaning": meaning} for status, meaning in meanings.items()]
    done: dict[str, Any] = await store.mutate("orderStatusesClassify", "input: $input", CLASSIFIED, input=said)
    return done


async def test_the_words_of_shops_say_what_is_sold(stage: Stage, store: StoreClient) -> None:
    """SL-55, and what is refunded is no revenue."""
    await store.customers(*({"externalId": f"c{number}"} for number in range(18)))
    rows = [f"o{number},c{number},2026-06-01T00:00:00Z,{status},100" for number, status in enumerate(STATUSES)]
    assert await bring_in(stage, store, "order_id,customer_external_id,placed_at,status,total", *rows) == []
    counted = {f"c{number}": await figures(store, f"c{number}") for number in range(18)}
    assert counted == {name: (1, "100") if name in SOLD else (0, "0") for name in counted}
    meanings = {row["status"]: row["meaning"] for row in (await store.get(
        "{ orderStatuses { status meaning orderCount } }"))["orderStatuses"]}  # fmt: skip
    assert [meanings[status] for status in STATUSES] == [
        "SALE", "CANCELLED", "CANCELLED", "NO_SALE", "PENDING", "PENDING", "REFUNDED", "SALE", "NO_SALE", "NO_SALE",
        "NO_SALE", "NO_SALE", "NO_SALE", "CANCELLED", "NO_SALE", "REFUNDED", "CANCELLED", "CANCELLED",
    ]  # fmt: skip


async def test_an_unknown_status_is_told_once_and_counts_when_it_is_classified(
    stage: Stage, store: StoreClient
) -> None:
    await store.customers({"externalId": "a"}, {"externalId": "b"})
    header = "order_id,customer_external_id,placed_at,status,total,product"
    problems = await bring_in(
        stage, store, header,
        "o1,a,2026-06-01T00:00:00Z,completed,1,mug", "o2,a,2026-06-02T00:00:00Z,Op de markt,10,cap",
        "o3,b,2026-06-03T00:00:00Z,op de markt,100,cap",
    )  # fmt: skip
    told = [(problem["row"], problem["column"], problem["value"], problem["outcome"]) for problem in problems]
    assert told == [(3, "status", "op de markt", "NOTICE")]
    assert "2 orders" in problems[0]["message"]
    assert [await figures(store, key) for key in "ab"] == [(1, "1"), (0, "0")]
    cap_buyers = bought(attribute("product", "IN", "cap"))
    assert await count(store, cap_buyers) == 0

    done = await classify(store, **{" Op de markt": "SALE"})
    assert done["userErrors"] == []
    assert (done["operation"]["kind"], done["orderStatuses"][0]) == (
        "orders.recount",
        {"status": "op de markt", "meaning": "SALE", "orderCount": 2},
    )
    await stage.work()
    assert (await store.get(OPERATION, id=done["operation"]["id"]))["operation"]["status"] == "DONE"
    assert [await figures(store, key) for key in "ab"] == [(2, "11"), (1, "100")]
    assert await count(store, cap_buyers) == 2
    # Again, and nothing is another than before.
    assert (await classify(store, **{"op de markt": "SALE"}))["operation"] is None
    assert (await classify(store, completed="NO_SALE", **{"op de markt": None}))["operation"] is not None
    await stage.work()
    assert [await figures(store, key) for key in "ab"] == [(0, "0"), (0, "0")]


def bought(*where: dict[str, Any]) -> dict[str, Any]:
    return {"behavior": {"behavior": "order", "where": [condition["attribute"] for condition in where]}}


async def count(store: StoreClient, include: dict[str, Any]) -> int:
    answer = await store.get("query ($f: FilterInput) { segmentPreview(include: $f) { count } }", f=include)
    number: int = answer["segmentPreview"]["count"]
    return number


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ([{"status": " ", "meaning": "SALE"}], ["input", "0", "status"]),
        ([{"status": "x" * 33, "meaning": "SALE"}], ["input", "0", "status"]),
        ([{"status": "x"}, {"status": "X", "meaning": "SALE"}], ["input", "1", "status"]),
        ([{"status": f"s{number}"} for number in range(251)], ["input"]),
    ],
)
async def test_what_cannot_be_classified_is_refused_by_name(
    store: StoreClient, said: list[dict[str, str]], field: list[str]
) -> None:
    done = await store.mutate("orderStatusesClassify", "input: $input", CLASSIFIED, input=said)
    assert [error["field"] for error in done["userErrors"]] == [field]
    assert (await store.get("{ orderStatuses { status } }"))["orderStatuses"] == []


async def test_rows_of_an_order_say_what_the_first_says_and_no_more(stage: Stage, store: StoreClient) -> None:
    """Shopify writes what is of the order on the first line alone."""
    await store.customers({"externalId": "c1"}, {"externalId": "c2"})
    problems = await bring_in(
        stage, store, "order_id,customer_external_id,placed_at,status,total,name,quantity,price",
        "#1003,c1,2026-06-01T00:00:00Z,cancelled,30,Mug,1,10", "#1003,c1,2026-06-01T00:00:00Z,,,Cap,2,10",
        "#1004,c2,2026-06-01T00:00:00Z,paid,30,Mug,1,10", "#1004,,,,,Cap,2,10",
    )  # fmt: skip
    assert problems == []
    assert [await figures(store, key) for key in ("c1", "c2")] == [(0, "0"), (1, "30")]
    assert await buyers_of(store, "Cap") == ["c2"]


async def test_a_file_of_statuses_leaves_the_rest_as_it_is(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "c1"})
    await bring_in(
        stage, store, "order_id,customer_external_id,placed_at,status,name,quantity,price",
        "o1,c1,2026-06-01T00:00:00Z,pending,Mug,3,10", "o2,c1,2026-06-01T00:00:00Z,paid,Cap,1,1",
    )  # fmt: skip
    assert (await figures(store, "c1"), await buyers_of(store, "Mug")) == ((1, "1"), [])
    assert await bring_in(stage, store, "order_id,status", "o1,paid", "o2,refunded") == []
    assert (await figures(store, "c1"), await buyers_of(store, "Mug")) == ((1, "30"), ["c1"])
    [problem] = await bring_in(stage, store, "order_id,status", "o3,paid", "o1,paid")
    assert (problem["row"], problem["outcome"], problem["column"]) == (2, "ROW_REFUSED", "order_id")


async def buyers_of(store: StoreClient, name: str) -> list[str]:
    preview = "query ($f: FilterInput) { segmentPreview(include: $f) { sample { externalId } } }"
    answer = await store.get(preview, f=bought(attribute("name", "IN", name)))
    return sorted(customer["externalId"] for customer in answer["segmentPreview"]["sample"])


async def test_orders_find_their_customers_by_e_mail_and_by_phone(stage: Stage, store: StoreClient) -> None:
    await store.mutate("customersUpsert", "input: $input", "created", input=[
        {"email": "guest@mail.example", "name": "Guest"}, {"phone": "+886912345678"},
        {"externalId": "x", "email": "shared@mail.example"},
    ])  # fmt: skip
    problems = await bring_in(
        stage, store, "order_id,customer_external_id,customer_email,customer_phone,placed_at,total",
        "g1,,Guest@mail.example,,2026-06-01T00:00:00Z,5",
        "g2,,nobody@mail.example,+886 912 345 678,2026-06-01T00:00:00Z,7",
        "g3,x,,,2026-06-01T00:00:00Z,9",
        # Another external id is another person.
        "g4,y,shared@mail.example,,2026-06-01T00:00:00Z,9",
        "g5,,,,2026-06-01T00:00:00Z,9",
    )  # fmt: skip
    assert [(problem["row"], problem["column"]) for problem in problems] == [
        (5, "customer_external_id"),
        (6, "order_id"),
    ]
    found = (await store.get("{ customers(first: 9) { nodes { email phone totalSpent } } }"))["customers"]["nodes"]
    assert sorted((row["totalSpent"], row["email"] or row["phone"]) for row in found) == [
        ("5", "guest@mail.example"),
        ("7", "+886912345678"),
        ("9", "shared@mail.example"),
    ]


async def test_other_currencies_are_kept_and_not_summed(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "c1"})
    [notice] = await bring_in(
        stage, store, "order_id,customer_external_id,placed_at,total,currency",
        "k1,c1,2026-06-01T00:00:00Z,100,USD", "k2,c1,2026-06-01T00:00:00Z,7,EUR",
        "k3,c1,2026-06-01T00:00:00Z,1,usd", "k4,c1,2026-06-01T00:00:00Z,2,",
    )  # fmt: skip
    assert (notice["column"], notice["value"], notice["outcome"]) == ("currency", "EUR", "NOTICE")
    assert await figures(store, "c1") == (4, "103")
    events = [
        {"id": "r1", "type": "order.refunded", "occurredAt": "2026-06-02T00:00:00Z", "customer": {"externalId": "c1"},
         "attributes": {"order": "k2", "amount": 3}},
        {"id": "k5", "type": "order", "occurredAt": "2026-06-02T00:00:00Z", "customer": {"externalId": "c1"},
         "attributes": {"total": 50, "currency": "eur"}},
        {"id": "k6", "type": "order", "occurredAt": "2026-06-02T00:00:00Z", "customer": {"externalId": "c1"},
         "attributes": {"total": 50, "currency": "euro"}},
    ]  # fmt: skip
    refused = await store.mutate("eventsTrack", "events: $events", "accepted", events=events)
    assert [error["field"] for error in refused["userErrors"]] == [["events", "2", "attributes", "currency"]]
    await store.mutate("eventsTrack", "events: $events", "accepted", events=events[:2])
    assert await figures(store, "c1") == (5, "103")
    done = await store.mutate("storeUpdate", "input: $input", "store { currency }", input={"currency": "EUR"})
    assert done["userErrors"] == []
    await stage.work()
    # 7 less 3 refunded, 50, and 2 of the order that says no currency.
    assert await figures(store, "c1") == (5, "56")
    await store.mutate("storeUpdate", "input: $input", "store { currency }", input={"currency": "USD"})
    await stage.work()
    assert await figures(store, "c1") == (5, "103")


async def test_returns_are_not_purchases(stage: Stage, store: StoreClient) -> None:
    """SL-59: neither sales nor orders have them."""
    await store.customers({"externalId": "c1"}, {"externalId": "c2"})
    header = "order_id,customer_external_id,placed_at,product,name,quantity,price"
    assert await bring_in(
        stage, store, header,
        "536365,c1,2010-12-01T08:26:00Z,85123A,HOLDER,6,2.55", "C536379,c1,2010-12-01T09:41:00Z,85123A,HOLDER,-6,2.55",
        # An exchange: what it takes back is not bought.
        "536366,c2,2010-12-01T08:26:00Z,B,BOX,2,10", "536366,c2,2010-12-01T08:26:00Z,A,HOLDER,-1,5",
    ) == []  # fmt: skip
    assert [await figures(store, key) for key in ("c1", "c2")] == [(1, "15.3"), (1, "15")]
    assert (await buyers_of(store, "HOLDER"), await buyers_of(store, "BOX")) == (["c1"], ["c2"])
    tracked = {"id": "C1", "type": "order", "occurredAt": "2026-06-02T00:00:00Z", "customer": {"externalId": "c1"},
               "attributes": {"items": [{"product": "85123A", "quantity": -1, "price": 2}]}}  # fmt: skip
    await store.mutate("eventsTrack", "events: $events", "accepted", events=[tracked])
    assert await figures(store, "c1") == (1, "15.3")


async def test_an_order_without_a_status_has_that_of_its_payment(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "c1"})
    header = "order_id,customer_external_id,placed_at,status,payment_status,total"
    await bring_in(
        stage, store, header,
        "s1,c1,2026-06-01T00:00:00Z,,paid,1", "s2,c1,2026-06-01T00:00:00Z,,pending,10",
        "s3,c1,2026-06-01T00:00:00Z,,voided,100", "s4,c1,2026-06-01T00:00:00Z,open,refunded,1000",
        "s5,c1,2026-06-01T00:00:00Z,confirmed,pending,10000", "s6,c1,2026-06-01T00:00:00Z,,authorized,100000",
    )  # fmt: skip
    assert await figures(store, "c1") == (2, "10001")
    await bring_in(stage, store, "order_id,payment_status", "s1,refunded", "s2,paid")
    assert await figures(store, "c1") == (2, "10010")
    paid = {"id": "u1", "type": "order.updated", "occurredAt": "2026-06-02T00:00:00Z", "customer": {"externalId": "c1"},
            "attributes": {"order": "s6", "payment_status": "paid"}}  # fmt: skip
    await store.mutate("eventsTrack", "events: $events", "accepted", events=[paid])
    assert await figures(store, "c1") == (3, "110010")


async def test_hours_of_orders_follow_the_zone(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "c1"})
    await bring_in(
        stage, store, "order_id,customer_external_id,placed_at,total", "o1,c1,2026-06-30T20:30:00Z,1"
    )  # fmt: skip

    async def is_at(hour: int, day: int, weekday: int) -> bool:
        named = {"hour": hour, "month_day": day, "weekday": weekday}
        return await count(store, bought(*(attribute(name, "EQ", value) for name, value in named.items()))) == 1

    assert await is_at(20, 30, 2)
    await store.mutate("storeUpdate", "input: $input", "store { timezone }", input={"timezone": "Asia/Taipei"})
    await stage.work()
    assert not await is_at(20, 30, 2)
    assert await is_at(4, 1, 3)
