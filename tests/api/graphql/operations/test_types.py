"""Files that are taken in, and the operations that tell of them."""

import pytest

from api.graphql.kit.global_ids import encode
from domain.kit import ids
from tests.api.graphql.stage import Shop, Stage, faults

SEEN = """query ($id: ID!) {
    operation(id: $id) { id kind status done total url createdAt finishedAt problems { row message } }
}"""


async def test_a_dry_run_reports_and_changes_nothing(stage: Stage, shop: Shop) -> None:
    content = b"external_id,email\nc1,ann@shop.example\nc2,nobody\n"
    dry = await shop.upload("customersImport", content, dry_run=True)
    assert dry["operation"]["kind"] == "import.customers"
    await stage.work()
    seen = (await shop.get(SEEN, id=dry["operation"]["id"]))["operation"]
    assert (seen["status"], seen["url"], seen["createdAt"]) == ("DONE", None, "2026-07-01T09:00:00Z")
    assert [problem["row"] for problem in seen["problems"]] == [3]
    assert (await shop.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 0
    await shop.upload("customersImport", content)
    await stage.work()
    assert (await shop.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_wrong_file_is_refused_at_once(shop: Shop) -> None:
    for name, content, said in (
        ("customersImport", b"external_id,shoe_size\nc1,7\n", "shoe_size"),
        ("customersImport", b"name\nAnn\n", "external_id"),
        ("customersImport", b"external_id,external_id\n", "twice"),
        ("customersImport", b"PK\x03\x04\x00\x00\x00binary", "CSV"),
        ("customersImport", b"\xff\xfe\xfa", ""),
        ("customersImport", b"", ""),
        ("customersImport", b"external_id," + b"x" * 3_000_000, ""),
        ("ordersImport", b"order_id,total\no1,5\n", "customer_external_id"),
    ):
        done = await shop.upload(name, content)
        assert (faults(done), done["operation"]) == ([(["file"], "INVALID")], None), content[:40]
        assert said in done["userErrors"][0]["message"]


async def test_who_watches_nothing_is_told_so(shop: Shop) -> None:
    for field, kind in (("operationProgress", "Operation"), ("campaignProgress", "Campaign")):
        for gid in (encode(kind, ids.new()), encode("Segment", ids.new()), "x"):
            [event] = await shop.events(f"subscription ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=gid)
            assert event["data"] is None
            assert event["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": ["id"]}
