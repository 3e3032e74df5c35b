"""Files whose columns are mapped: by the caller, or as the exports that they are."""

from pathlib import Path

import pytest

from tests.api.graphql.stage import Json, Stage, StoreClient, faults

SAMPLES = Path(__file__).parents[4] / "docs" / "howto" / "samples"
REPORT = """query ($id: ID!) { operation(id: $id) {
    status
    problems { row column message outcome }
    importReport {
        encoding separator preset columns { column fields } rows { row fields }
        counts { rows taken refused cellsLeftOut }
    }
} }"""


async def imported(stage: Stage, store: StoreClient, name: str, content: bytes, **options: object) -> Json:
    done = await store.upload(name, content, **options)  # type: ignore[arg-type]
    assert done["userErrors"] == []
    await stage.work()
    operation = (await store.get(REPORT, id=done["operation"]["id"]))["operation"]
    assert operation["status"] == "DONE"
    return operation


async def test_columns_are_what_the_caller_says(stage: Stage, store: StoreClient) -> None:
    content = b"Kunde,Mail,Shoe size\nc1,ann@shop.example,42\n"
    mapping = [{"column": "kunde", "field": "externalId"}, {"column": "Shoe size", "field": "property.size"}]
    dry = await imported(stage, store, "customersImport", content, dry_run=True, mapping=mapping)
    report = {
        "encoding": "UTF_8",
        "separator": ",",
        "preset": None,
        "columns": [
            {"column": "Kunde", "fields": ["external_id"]},
            {"column": "Mail", "fields": ["email"]},
            {"column": "Shoe size", "fields": ["property.size"]},
        ],
        "rows": [{"row": 2, "fields": {"external_id": "c1", "email": "ann@shop.example", "property.size": "42"}}],
        "counts": {"rows": 1, "taken": 1, "refused": 0, "cellsLeftOut": 0},
    }
    assert (dry["importReport"], dry["problems"]) == (report, [])
    assert (await store.get("{ customers { totalCount } }"))["customers"]["totalCount"] == 0
    done = await imported(stage, store, "customersImport", content, mapping=mapping)
    assert done["importReport"] == report
    customer = (await store.get('{ customer(externalId: "c1") { email properties { key value } } }'))["customer"]
    assert customer == {"email": "ann@shop.example", "properties": [{"key": "size", "value": 42}]}


async def test_an_import_that_waits_has_no_report(store: StoreClient) -> None:
    waiting = await store.upload("customersImport", b"email\nann@shop.example\n")
    operation = (await store.get(REPORT, id=waiting["operation"]["id"]))["operation"]
    assert (operation["status"], operation["importReport"]) == ("QUEUED", None)


async def test_an_unmapped_column_is_told_or_is_a_property(stage: Stage, store: StoreClient) -> None:
    """h20."""
    content = "external_id,property.興趣,Shoe size\np1,音樂,42\n".encode()
    told = await imported(stage, store, "customersImport", content)
    assert [(problem["row"], problem["column"], problem["outcome"]) for problem in told["problems"]] == [
        (1, "Shoe size", "NOTICE")
    ]
    await imported(stage, store, "customersImport", content, unmapped_columns="PROPERTIES")
    labels = await store.get("{ propertyDefinitions { key label type } }")
    assert {(one["label"], one["type"]) for one in labels["propertyDefinitions"]} == {
        ("興趣", "STRING"),
        ("Shoe size", "NUMBER"),
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_wrong_mapping_is_refused_at_once(store: StoreClient) -> None:
    for name, mapping, field, code in (
        ("customersImport", [{"column": "Mail", "field": "email"}], ["mapping", "0", "column"], "NOT_FOUND"),
        ("customersImport", [{"column": "email", "field": "mail"}], ["mapping", "0", "field"], "NOT_FOUND"),
        ("customersImport", [{"column": "email"}], ["file"], "INVALID"),
        ("customersImport", [{"column": "email", "field": "email"}] * 1_001, ["mapping"], "LIMIT_EXCEEDED"),
        ("ordersImport", [{"column": "email", "field": "property.x"}], ["mapping", "0", "field"], "NOT_FOUND"),
        ("eventsImport", [{"column": "email", "field": "type"}], ["file"], "INVALID"),
    ):
        done = await store.upload(name, b"email\nann@shop.example\n", mapping=mapping)
        assert (faults(done), done["operation"]) == ([(field, code)], None), (name, mapping[:1])


async def test_events_come_by_files(stage: Stage, store: StoreClient) -> None:
    for _ in range(2):
        done = await imported(stage, store, "eventsImport", (SAMPLES / "events.csv").read_bytes())
        assert done["importReport"]["counts"] == {"rows": 2, "taken": 2, "refused": 0, "cellsLeftOut": 0}
    document = '{ customer(externalId: "6234567890123") { timeline { nodes { id type attributes } } } }'
    nodes = (await store.get(document))["customer"]["timeline"]["nodes"]
    assert [(node["type"], node["attributes"]) for node in nodes] == [
        ("wishlist", {"product": "C1"}),
        ("visit", {"product": "M1", "page": "/mug", "mood": "curious"}),
    ]
