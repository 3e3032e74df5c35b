"""Files that are taken in, and the operations that tell of them."""

import pytest

from api.graphql.kit.global_ids import encode
from domain.kit import ids
from tests.api.graphql.stage import Stage, StoreClient, faults

SEEN = """query ($id: ID!) {
    operation(id: $id) { id kind status done total url createdAt finishedAt problems { row message } }
}"""

PROBLEMS = """query ($id: ID!) {
    operation(id: $id) { status url problems { row column value outcome message } }
}"""


async def test_a_dry_run_reports_and_changes_nothing(stage: Stage, store: StoreClient) -> None:
    content = b"external_id,email\nc1,ann@shop.example\nc2,nobody\n"
    dry = await store.upload("customersImport", content, dry_run=True)
    assert dry["operation"]["kind"] == "import.customers"
    await stage.work()
    operation = (await store.get(SEEN, id=dry["operation"]["id"]))["operation"]
    assert (operation["status"], operation["createdAt"]) == ("DONE", "2026-07-01T09:00:00Z")
    assert [problem["row"] for problem in operation["problems"]] == [3]
    assert (await store.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 0
    await store.upload("customersImport", content)
    await stage.work()
    assert (await store.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 2


async def test_the_problems_of_a_file_come_as_a_file(stage: Stage, store: StoreClient) -> None:
    content = b"external_id,birthday,gender\nc1,1/2/1990,=F\n6.2E+11,,\n"
    sent = await store.upload("customersImport", content)
    await stage.work()
    operation = (await store.get(PROBLEMS, id=sent["operation"]["id"]))["operation"]
    cells = [(p["row"], p["column"], p["value"], p["outcome"]) for p in operation["problems"]]
    assert cells == [
        (2, "birthday", "1/2/1990", "CELL_LEFT_OUT"),
        (2, "gender", "=F", "CELL_LEFT_OUT"),
        (3, "external_id", "6.2E+11", "ROW_REFUSED"),
    ]
    response = await store.fetch(operation["url"])
    assert response.status_code == 200
    assert response.text.splitlines()[0].lstrip("\ufeff") == "row,column,value,reason,outcome"
    assert response.text.splitlines()[2].startswith("2,gender,'=F,")
    # Erasing somebody takes away what may quote their row.
    customer = (await store.get('{ customer(externalId: "c1") { id birthday } }'))["customer"]
    assert customer["birthday"] is None
    await store.get(
        "mutation ($id: ID!) { customerDelete(id: $id, erase: true) { userErrors { message } } }", id=customer["id"]
    )
    await stage.work()
    operation = (await store.get(PROBLEMS, id=sent["operation"]["id"]))["operation"]
    assert operation["url"] is None
    assert [p["value"] for p in operation["problems"]] == [None, None, "6.2E+11", None]


async def test_problems_that_are_told_during_an_erasure_go_with_it(stage: Stage, store: StoreClient) -> None:
    await store.upload("customersImport", b"external_id,email\nc1,ann@shop.example\n")
    await stage.work()
    sent = await store.upload("customersImport", b"external_id,email,birthday\nc1,ann@shop.example,no day\n")
    customer = (await store.get('{ customer(externalId: "c1") { id } }'))["customer"]
    erase = "mutation ($id: ID!) { customerDelete(id: $id, erase: true) { userErrors { message } } }"
    await store.get(erase, id=customer["id"])
    await stage.work()
    operation = (await store.get(PROBLEMS, id=sent["operation"]["id"]))["operation"]
    assert (operation["status"], operation["url"]) == ("DONE", None)
    assert [problem["value"] for problem in operation["problems"]] == [None, None, None]


async def test_the_order_of_dates_can_be_said(stage: Stage, store: StoreClient) -> None:
    await store.upload("customersImport", b"external_id,birthday\nc1,1/2/1990\n", date_order="MDY")
    await stage.work()
    assert (await store.get('{ customer(externalId: "c1") { birthday } }'))["customer"]["birthday"] == "1990-01-02"


async def test_the_encoding_of_a_file_can_be_said(stage: Stage, store: StoreClient) -> None:
    """A name of two characters may be read in several ways."""
    await store.upload("customersImport", "external_id,name\nc1,蔡刚\n".encode("gb18030"), encoding="GB18030")
    await stage.work()
    assert (await store.get('{ customer(externalId: "c1") { name } }'))["customer"]["name"] == "蔡刚"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_wrong_file_is_refused_at_once(store: StoreClient) -> None:
    for name, content, message in (
        ("customersImport", b"name\nAnn\n", "external_id"),
        ("customersImport", b"external_id,external_id\n", "twice"),
        ("customersImport", b"PK\x03\x04\x00\x00\x00binary", "CSV"),
        ("customersImport", b"\xff\xfe\xfa", ""),
        ("customersImport", b"", ""),
        ("customersImport", b"external_id," + b"x" * 3_000_000, ""),
        ("ordersImport", b"customer_external_id,total\nc1,5\n", "order_id"),
    ):
        done = await store.upload(name, content)
        assert (faults(done), done["operation"]) == ([(["file"], "INVALID")], None), content[:40]
        assert message in done["userErrors"][0]["message"]


async def test_who_watches_nothing_is_told_so(store: StoreClient) -> None:
    for field, kind in (("operationProgress", "Operation"), ("campaignProgress", "Campaign")):
        for gid in (encode(kind, ids.new()), encode("Segment", ids.new()), "x"):
            [event] = await store.events(f"subscription ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=gid)
            assert event["data"] is None
            assert event["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": ["id"]}
