"""The prices of dear fields (S3): each is documented, and a document of many is refused."""

import re
from pathlib import Path

import pytest

from api.graphql.kit.fields import schema_of
from api.graphql.kit.prices import price_of
from api.graphql.schema import build_schema
from tests.api.graphql.stage import StoreClient

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "build-a-spa.md"
PREVIEW = 'segmentPreview(query: "gender = \\"FEMALE\\"") { count }'


def test_every_price_is_documented() -> None:
    prices = {
        (name, price.nodes)
        for type_ in schema_of(build_schema()).type_map.values()
        for name, field in getattr(type_, "fields", {}).items()
        if hasattr(field, "args") and (price := price_of(field)) is not None
    }
    rows = re.findall(r"^  \| (.*) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    documented = {(name, int(nodes)) for names, nodes in rows for name in re.findall(r"`(\w+)`", names)}
    assert prices == documented - {("filter", 50)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_document_of_many_previews_is_refused_before_any_runs(store: StoreClient) -> None:
    def often(number: int, field: str = PREVIEW) -> str:
        return "{" + " ".join(f"a{alias}: {field}" for alias in range(number)) + "}"

    refused = await store.ask(often(10))
    assert (refused.status, refused.codes) == (400, ["QUERY_TOO_COMPLEX"])
    assert refused.errors[0]["extensions"] | {"operation": None} == {
        "code": "QUERY_TOO_COMPLEX",
        "limit": 5_000,
        "asked": 5_010,
        "operation": None,
    }
    assert len(await store.get(often(9))) == 9
    counts = "segments(first: 250) { nodes { memberCount } }"
    assert (await store.ask(often(1, counts))).codes == ["QUERY_TOO_COMPLEX"]
    assert (await store.get("{ segments(first: 200) { nodes { memberCount } } }"))["segments"] == {"nodes": []}
