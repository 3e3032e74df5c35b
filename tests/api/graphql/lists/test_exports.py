"""A list as a file: asked for, written by a worker, fetched by its link and read back."""

import csv
import io
from collections.abc import Sequence

import pytest
from openpyxl import load_workbook

from api.graphql.kit.global_ids import encode
from api.workers.handlers import MAKE_FILES
from domain.kit import ids
from domain.operations.actions import delete_expired_files
from tests.api.graphql.lists.test_analysis import order
from tests.api.graphql.stage import Json, Stage, StoreClient, faults
from tests.factories import NOW

ANSWER = "operation { id kind status done total url problems { message } }"
OPERATION = f"query ($id: ID!) {{ node(id: $id) {{ ... on Operation {ANSWER[10:]} }} }}"
ARGUMENTS = "id: $id, fields: $fields, format: $format"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def export(store: StoreClient, list_id: str, fields: Sequence[str], format_: str | None = "CSV") -> Json:
    variables = {"id": list_id, "fields": list(fields), "format": format_}
    return await store.mutate("listExport", ARGUMENTS, ANSWER, **variables)


async def exported(store: StoreClient, list_id: str, fields: Sequence[str], format_: str | None = "CSV") -> Json:
    """The operation when a worker has done it."""
    done = await export(store, list_id, fields, format_)
    assert done["userErrors"] == []
    await store.stage.work()
    return (await store.get(OPERATION, id=done["operation"]["id"]))["node"]


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def people(store: StoreClient) -> list[str]:
    for key, kind in (("size", "NUMBER"), ("motto", "STRING"), ("since", "DATE")):
        defined = await store.mutate(
            "propertyDefinitionCreate", "key: $key, label: $label, type: $type", "", key=key, label=key, type=kind
        )
        assert defined["userErrors"] == []
    contact = {"channel": "recording", "address": "x@shop.example"}
    motto = {"key": "motto", "value": "=1+1"}
    gids = await store.customers(
        {
            "externalId": "007",
            "name": '=HYPERLINK("http://evil.example")',
            "email": "ann@shop.example",
            "phone": "+886912345678",
            "birthday": "2000-07-01",
            "country": "TW",
            "tags": ["VIP", "=SUM(A1)", "b"],
            "properties": [{"key": "size", "value": 38.5}, motto, {"key": "since", "value": "2020-02-29"}],
            "contacts": [{**contact, "consent": "SUBSCRIBED"}],
        },
        {
            "externalId": "b",
            "name": '@cmd,"x"',
            "tags": ["VIP"],
            "contacts": [{**contact, "address": "y@shop.example"}],
        },
        {"externalId": "c"},
        {"externalId": "gone", "name": "Gone"},
    )
    orders = [order(1, "007", 1, 100), order(2, "007", 2, 50)]
    assert (await store.mutate("eventsTrack", "events: $events", "accepted", events=orders))["accepted"] == 2
    return gids


async def test_each_download_is_on_record(stage: Stage, store: StoreClient) -> None:
    """S11: who asked for the report, and every fetch of it by whoever has the link."""
    await people(store)
    list_id = (await store.segment("VIP"))["list"]["id"]
    done = await exported(store, list_id, ["email"])
    for _ in range(12):
        assert (await store.fetch(done["url"])).status_code == 200
    entry = "actor actorName address subjectId asked after outcome"
    log = f"query ($action: String!) {{ auditLog(action: $action) {{ nodes {{ {entry} }} }} }}"
    [asked] = (await store.get(log, action="listExport"))["auditLog"]["nodes"]
    assert (asked["subjectId"], asked["asked"]["fields"]) == (list_id, ["email"])
    fetched = (await store.get(log, action="fileDownload"))["auditLog"]["nodes"]
    assert len(fetched) == 10
    assert fetched[-1] == {
        "actor": "LINK",
        "actorName": None,
        "address": "127.0.0.1",
        "subjectId": done["id"],
        "asked": {},
        "after": None,
        "outcome": "DONE",
    }
    # A link that opens nothing is no download.
    assert (await store.fetch(done["url"] + "x")).status_code == 404
    assert len((await store.get(log, action="fileDownload"))["auditLog"]["nodes"]) == 10


async def test_a_list_is_fetched_as_csv(stage: Stage, store: StoreClient) -> None:
    """SL-46, SL-47 and vector 7: the chosen fields, without those who were deleted; no token is needed."""
    customers = await people(store)
    gid = (await store.segment("Größe / VIP"))["list"]["id"]
    await store.mutate("customerDelete", "id: $id", "deletedId", id=customers[3])
    fields = [
        *("external_id", "name", "email", "phone", "birthday", "age", "tag", "property.size", "property.motto"),
        *("property.since", "consent.recording", "order_count", "total_spent", "average_order_value", "last_order_at"),
        *("member", "blacklisted"),
    ]
    begun = await export(store, gid, fields)
    assert (begun["operation"]["kind"], begun["operation"]["status"]) == ("list.export", "QUEUED")
    assert (begun["operation"]["url"], begun["operation"]["total"]) == (None, 4)
    await stage.work()
    done = (await store.get(OPERATION, id=begun["operation"]["id"]))["node"]
    assert (done["status"], done["done"], done["total"], done["problems"]) == ("DONE", 4, 4, [])
    fetched = await store.fetch(done["url"])
    assert fetched.status_code == 200
    assert fetched.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = fetched.headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%20_%20VIP%202026-07-01.csv"
    assert fetched.headers["cache-control"] == "private, no-store"
    nothing = ["", "", "", "", "", "", "", "", "NOT_SUBSCRIBED", "0", "0", "", "", "false", "false"]
    assert table(fetched.content) == [
        fields,
        [
            *("007", '\'=HYPERLINK("http://evil.example")', "ann@shop.example", "+886912345678", "2000-07-01", "26"),
            *("'=SUM(A1);VIP;b", "38.5", "'=1+1", "2020-02-29", "SUBSCRIBED", "2", "150", "75.0"),
            *("2026-06-30T09:00:00+00:00", "false", "false"),
        ],
        ["b", '\'@cmd,"x"', "", "", "", "", "VIP", "", "", "", "NOT_SUBSCRIBED", "0", "0", *nothing[11:]],
        ["c", "", *nothing],
    ]


async def test_a_list_is_fetched_as_xlsx(store: StoreClient) -> None:
    await people(store)
    gid = (await store.segment(query='tag = "VIP"'))["list"]["id"]
    fields = [
        "external_id",
        "name",
        "phone",
        "birthday",
        "tag",
        "property.size",
        "total_spent",
        "last_order_at",
        "member",
    ]
    done = await exported(store, gid, fields, "XLSX")
    fetched = await store.fetch(done["url"])
    assert fetched.headers["content-type"] == XLSX
    assert fetched.headers["content-disposition"] == "attachment; filename*=utf-8''Everyone%202026-07-01.xlsx"
    rows = [
        [cell.value for cell in row] for row in load_workbook(io.BytesIO(fetched.content)).worksheets[0].iter_rows()
    ]
    assert rows[0] == fields
    assert rows[1][:3] == ["007", '=HYPERLINK("http://evil.example")', "+886912345678"]
    assert [str(value) for value in rows[1][3:]] == [
        *("2000-07-01 00:00:00", "=SUM(A1);VIP;b", "38.5", "150", "2026-06-30 09:00:00", "False")
    ]
    assert rows[2] == ["b", '@cmd,"x"', None, None, "VIP", None, 0, None, False]


async def test_every_field_that_is_offered_can_be_had(store: StoreClient) -> None:
    await people(store)
    gid = (await store.segment())["list"]["id"]
    offered = [item["key"] for item in (await store.get("{ exportFields { key label group type } }"))["exportFields"]]
    assert {"name", "tag", "property.size", "consent.recording", "total_spent", "tier", "age"} <= set(offered)
    rows: list[list[str]] = []
    for start in range(0, len(offered), 100):
        fields = offered[start : start + 100]
        done = await exported(store, gid, fields, None)
        assert done["status"] == "DONE", done["problems"]
        rows = table((await store.fetch(done["url"])).content)
        assert rows[0] == fields
        assert len(rows) == 5


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ([], [(["fields"], "REQUIRED")]),
        (["name"] * 1_000, [(["fields"], "LIMIT_EXCEEDED")]),
        (["name", "email", "emial"], [(["fields", "2"], "NOT_FOUND")]),
        (
            ["\u2028", "", " ", "name", "name"],
            [(["fields", str(at)], "NOT_FOUND") for at in range(3)] + [(["fields", "4"], "INVALID")],
        ),
        (["message_count", "name"], [(["fields", "0"], "INVALID")]),
        (["Message Count"], [(["fields", "0"], "INVALID")]),
        (["x" * 100_000], [(["fields", "0"], "NOT_FOUND")]),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_fields_that_there_are_not(
    store: StoreClient, fields: list[str], wrong: list[tuple[list[str], str]]
) -> None:
    gid = (await store.segment())["list"]["id"]
    done = await export(store, gid, fields)
    assert done["operation"] is None
    assert faults(done) == wrong


async def test_what_is_refused_is_told(stage: Stage, store: StoreClient) -> None:
    """SL-48, and names that were perhaps meant."""
    gid = (await store.segment())["list"]["id"]
    [error] = (await export(store, gid, ["message_count"]))["userErrors"]
    assert error["message"] == "The message count is no longer part of reports"
    [error] = (await export(store, gid, ["emial"]))["userErrors"]
    assert "did you mean email?" in error["message"]
    for wrong in ("x", encode("CustomerList", ids.new()), encode("Segment", ids.new())):
        assert faults(await export(store, wrong, ["name"])) == [(["id"], "NOT_FOUND")]
    payload = await store.mutate("segmentCreate", "input: $input", "list { id }", input={"name": "Unmade"})
    assert faults(await export(store, payload["list"]["id"], ["name"])) == [(["id"], "INVALID_STATE")]
    raw = await store.ask(f'mutation {{ listExport(id: "{gid}", fields: ["\\u0000"]) {{ userErrors {{ code }} }} }}')
    assert raw.status < 500
    assert "INTERNAL" not in str(raw.body)


async def test_an_expired_list_may_be_exported(stage: Stage, store: StoreClient) -> None:
    """SL-19."""
    await store.customers({"externalId": "a"})
    gid = (await store.segment())["list"]["id"]
    stage.clock.forward(days=181)
    done = await exported(store, gid, ["external_id"])
    assert table((await store.fetch(done["url"])).content) == [["external_id"], ["a"]]


async def test_a_link_opens_one_file_for_a_week(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "a"})
    gid = (await store.segment())["list"]["id"]
    done = await exported(store, gid, ["external_id"])
    url: str = done["url"]
    assert (await store.fetch(url, Range="bytes=0-2")).status_code == 206
    for wrong in (url[:-1], url + "A", url[:-1] + ("A" if url[-1] != "A" else "B"), url.rpartition("/")[0] + "/x"):
        assert (await store.fetch(wrong)).status_code == 404
    stage.clock.forward(days=7, seconds=-1)
    assert (await store.fetch(url)).status_code == 200
    stage.clock.forward(seconds=1)
    assert (await store.fetch(url)).status_code == 410
    assert (await store.get(OPERATION, id=done["id"]))["node"]["url"] is None
    files, database = stage.runtime.services.files, stage.runtime.database
    assert len(files.owners()) == 1
    await delete_expired_files(database, files, MAKE_FILES, NOW)
    assert len(files.owners()) == 1
    stage.clock.forward(seconds=1)
    await delete_expired_files(database, files, MAKE_FILES, stage.clock())
    assert files.owners() == {}
    assert (await store.fetch(url)).status_code == 410
    again = await exported(store, gid, ["external_id"])
    for name in files.owners():
        files.remove(name)
    assert (await store.fetch(again["url"])).status_code == 410


async def test_an_export_can_be_called_off(stage: Stage, store: StoreClient) -> None:
    await store.customers({"externalId": "a"})
    payload = await store.segment()
    begun = (await export(store, payload["list"]["id"], ["name"]))["operation"]["id"]
    done = await store.mutate("operationCancel", "id: $id", "operation { status finishedAt }", id=begun)
    assert (done["userErrors"], done["operation"]["status"]) == ([], "CANCELLED")
    await stage.work()
    after = (await store.get(OPERATION, id=begun))["node"]
    assert (after["status"], after["url"]) == ("CANCELLED", None)
    assert stage.runtime.services.files.owners() == {}
    for gid, wrong in ((begun, "INVALID_STATE"), (payload["operation"]["id"], "INVALID_STATE"), ("x", "NOT_FOUND")):
        refused = await store.mutate("operationCancel", "id: $id", "operation { id }", id=gid)
        assert (refused["operation"], faults(refused)) == (None, [(["id"], wrong)])
