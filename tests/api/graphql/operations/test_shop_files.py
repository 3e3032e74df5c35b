"""Files as shops and newsletters export them come in as they are, and orders by whatever names their customer."""

from sqlalchemy import select

from domain.orders.tables import order_items, orders
from tests.api.graphql.operations.test_mapped_files import imported
from tests.api.graphql.stage import Json, Stage, StoreClient

SHOPIFY_CUSTOMERS = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,"
    "Default Address City,Default Address Province Code,Default Address Country Code,Default Address Zip,"
    "Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags\n"
    "'6234567890123,Anna,Example,Anna@Mail.Example,yes,,1 Road,Utrecht,,NL,'1234AB,,'+31612345678,no,120.00,3,"
    '"Line 1\nLine 2",no,"vip, horeca"\n'
)
SHOPIFY_ORDERS = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Id\n"
    "#1001,anna@mail.example,paid,2024-01-05 13:07:49 -0500,fulfilled,yes,USD,20.00,5.00,0.00,25.00,"
    "2024-01-05 13:07:48 -0500,1,Mug,10.00,M1,,0.00,6000000000001\n"
    "#1001,anna@mail.example,,,,,,,,,,2024-01-05 13:07:48 -0500,1,Cap,10.00,C1,,,\n"
    "#1002,bo@mail.example,refunded,2024-01-06 09:00:00 -0500,,no,USD,30.00,0.00,0.00,30.00,"
    "2024-01-06 09:00:00 -0500,3,Mug,10.00,M1,,30.00,6000000000002\n"
    "#1003,bo@mail.example,voided,,,no,USD,10.00,0.00,0.00,10.00,2024-01-07 09:00:00 -0500,1,Mug,10.00,M1,"
    "2024-01-07 10:00:00 -0500,0.00,6000000000003\n"
)
MAILCHIMP = (
    "Email Address,First Name,Last Name,Phone Number,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,"
    "LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
    "ann@mail.example,Ann,Example,,2,2020-02-03 04:05:06,192.0.2.1,2020-02-03 04:06:00,192.0.2.1,2021-01-01 00:00:00,"
    '123,abc,,"""VIP"",""Blog"""\n'
)
CUSTOMER = """query ($search: String!) { customers(first: 5, search: $search) { nodes {
    externalId name firstName lastName email phone note tags orderCount totalSpent
    addresses { street city country postcode } contacts { channel consent }
} } }"""


async def customer(store: StoreClient, search: str) -> Json:
    [found] = (await store.get(CUSTOMER, search=search))["customers"]["nodes"]
    return found


async def stored_orders(stage: Stage, store: StoreClient) -> dict[str, tuple[float, list[str]]]:
    """Return the total of each order of the store, and the names of its items."""
    async with stage.runtime.database.read() as tx:
        rows = await tx.execute(select(orders.c.id, orders.c.total).where(orders.c.store_id == store.store_id))
        found: dict[str, tuple[float, list[str]]] = {row.id: (float(row.total), []) for row in rows}
        items = select(order_items.c.order_id, order_items.c.name).where(order_items.c.store_id == store.store_id)
        for item in await tx.execute(items):
            found[item.order_id][1].append(item.name)
    return {order_id: (total, sorted(names)) for order_id, (total, names) in found.items()}


def counts(rows: int, refused: int = 0, left_out: int = 0) -> Json:
    return {"rows": rows, "taken": rows - refused, "refused": refused, "cellsLeftOut": left_out}


async def test_a_shopify_pair_comes_in_as_it_is(stage: Stage, store: StoreClient) -> None:
    """h14a, h14b: numbers keep their digits, a cancelled or refunded order is no sale, and strangers are made."""
    done = await imported(stage, store, "customersImport", SHOPIFY_CUSTOMERS.encode())
    assert done["importReport"]["counts"] == counts(1)
    done = await imported(stage, store, "ordersImport", SHOPIFY_ORDERS.encode(), create_customers=True)
    assert done["importReport"]["counts"] == counts(4)
    anna = await customer(store, "anna@mail.example")
    assert (anna["externalId"], anna["phone"], anna["note"]) == ("6234567890123", "+31612345678", "Line 1\nLine 2")
    assert sorted(anna["tags"]) == ["horeca", "vip"]
    assert anna["addresses"] == [{"street": "1 Road", "city": "Utrecht", "country": "NL", "postcode": "1234AB"}]
    assert {one["channel"]: one["consent"] for one in anna["contacts"]}["email"] == "SUBSCRIBED"
    assert (anna["orderCount"], float(anna["totalSpent"])) == (1, 25)
    assert await stored_orders(stage, store) == {
        "#1001": (25, ["Cap", "Mug"]),
        "#1002": (30, ["Mug"]),
        "#1003": (10, ["Mug"]),
    }
    bo = await customer(store, "bo@mail.example")
    assert (bo["orderCount"], float(bo["totalSpent"])) == (0, 0)


async def test_a_mailchimp_audience_comes_in_as_it_is(stage: Stage, store: StoreClient) -> None:
    """h14c."""
    done = await imported(stage, store, "customersImport", MAILCHIMP.encode())
    assert (done["importReport"]["preset"], done["importReport"]["counts"]) == ("Mailchimp audience", counts(1))
    ann = await customer(store, "ann@mail.example")
    assert (ann["firstName"], ann["lastName"], sorted(ann["tags"])) == ("Ann", "Example", ["Blog", "VIP"])


async def test_names_of_columns_are_as_people_write_them(stage: Stage, store: StoreClient) -> None:
    """h13h."""
    await imported(stage, store, "customersImport", b"External ID,Name,E-mail\nc1,Ann,ann@mail.example\n")
    ann = await customer(store, "ann@mail.example")
    assert (ann["externalId"], ann["name"]) == ("c1", "Ann")


async def test_labels_are_names_of_properties(stage: Stage, store: StoreClient) -> None:
    """h20."""
    content = "external_id,property.興趣,property.Shoe size\np1,音樂,42\n".encode()
    for _ in range(2):
        done = await imported(stage, store, "customersImport", content)
        assert (done["problems"], done["importReport"]["counts"]) == ([], counts(1))
    labels = (await store.get("{ propertyDefinitions { label type } }"))["propertyDefinitions"]
    assert {(one["label"], one["type"]) for one in labels} == {("興趣", "STRING"), ("Shoe size", "NUMBER")}


async def test_what_later_lines_leave_out_the_first_has_said(stage: Stage, store: StoreClient) -> None:
    """h03."""
    await imported(stage, store, "customersImport", b"external_id,email\nc1,a@mail.example\nc2,b@mail.example\n")
    content = (
        b"order_id,customer_external_id,placed_at,status,total,name,quantity,price\n"
        b"#1003,c1,2026-06-01T00:00:00Z,cancelled,30,Mug,1,10\n"
        b"#1003,c1,2026-06-01T00:00:00Z,,,Cap,2,10\n"
        b"#1004,c2,2026-06-01T00:00:00Z,paid,30,Mug,1,10\n"
        b"#1004,,,,,Cap,2,10\n"
    )
    done = await imported(stage, store, "ordersImport", content)
    assert (done["problems"], done["importReport"]["counts"]) == ([], counts(4))
    assert (await customer(store, "a@mail.example"))["orderCount"] == 0
    paid = await customer(store, "b@mail.example")
    assert (paid["orderCount"], float(paid["totalSpent"])) == (1, 30)
    assert await stored_orders(stage, store) == {"#1003": (30, ["Cap", "Mug"]), "#1004": (30, ["Cap", "Mug"])}


async def test_orders_by_email_are_refused_or_make_their_customers(stage: Stage, store: StoreClient) -> None:
    """h16b."""
    content = b"order_id,email,placed_at,total\ng1,guest@mail.example,2026-06-01T00:00:00Z,5\n"
    refused = await imported(stage, store, "ordersImport", content)
    assert refused["importReport"]["counts"] == counts(1, refused=1)
    [problem] = refused["problems"]
    assert (problem["row"], problem["column"], problem["outcome"]) == (2, "email", "ROW_REFUSED")
    taken = await imported(stage, store, "ordersImport", content, create_customers=True)
    assert (taken["problems"], taken["importReport"]["counts"]) == ([], counts(1))
    guest = await customer(store, "guest@mail.example")
    assert (guest["orderCount"], float(guest["totalSpent"])) == (1, 5)


async def test_another_currency_is_told_and_takes_no_row(stage: Stage, store: StoreClient) -> None:
    """h17."""
    await imported(stage, store, "customersImport", b"external_id,email\nc1,a@mail.example\n")
    content = (
        b"order_id,customer_external_id,placed_at,total,currency\n"
        b"k1,c1,2026-06-01T00:00:00Z,100,JPY\nk2,c1,2026-06-01T00:00:00Z,100,EUR\n"
    )
    done = await imported(stage, store, "ordersImport", content)
    assert {problem["outcome"] for problem in done["problems"]} == {"NOTICE"}
    assert done["importReport"]["counts"] == counts(2)
    buyer = await customer(store, "a@mail.example")
    assert (buyer["orderCount"], float(buyer["totalSpent"])) == (2, 0)
