"""Documents and variables made to be expensive: each is refused, or answered, and never a 5xx."""

import httpx
import pytest
from graphql import get_introspection_query

from tests.api.graphql.conftest import Ask


def doubling(body: str, on: str, last: str) -> str:
    links = "".join(f"fragment F{i} on {on} {{{body.format(n=i + 1)}}} " for i in range(20))
    return f"{links} fragment F20 on {on} {{{last}}}"


TOO_COMPLEX = {
    "fragments that double": "{...F0} " + doubling("...F{n} ...F{n}", "Query", "who"),
    "fragments that double objects": "{pebbles{nodes{...F0}}} "
    + doubling("a: twin {{...F{n}}} b: twin {{...F{n}}}", "Pebble", "name"),
    "2,000 aliases": "{" + " ".join(f"a{i}: who" for i in range(2_000)) + "}",
    "600 aliases": "{" + " ".join(f"a{i}: who" for i in range(600)) + "}",
    "one field often": "{" + "who " * 1_000 + "}",
    "nested duplicates": "{pebbles{nodes{" + "twin{twin{twin{name}}} " * 100 + "}}}",
    "duplicates in inline fragments": "{" + "...on Query{who}" * 300 + "}",
    "few at each level": "{" + " ".join(["pebbles{" + " ".join(["nodes{name id}"] * 10) + "}"] * 10) + "}",
    "1,000 unknown directives": "{who " + "@a " * 1_000 + "}",
    "200 known directives": "{who " + "@include(if: true) " * 200 + "}",
    "deep": "{pebbles{nodes" + "{twin" * 30 + "{name}" + "}" * 32,
    "deeper than the parser goes": "{pebbles{nodes" + "{twin" * 800 + "{name}" + "}" * 802,
    "a deep literal": "{echo(value: " + "[" * 60 + "]" * 60 + ")}",
    "a fragment in itself": "{...A} fragment A on Query {...B} fragment B on Query {...A}",
    "fragment without end": "{pebbles{nodes{...A}}} fragment A on Pebble {twin{...A}}",
    "many fragments": "{...A0} " + " ".join(f"fragment A{i} on Query {{who}}" for i in range(80)),
    "many operations": " ".join(f"query A{i} {{who}}" for i in range(50)),
    "pages of pages": "{pebbles(first: 250){nodes{pebbles(first: 250){nodes{name}}}}}",
    "pages of default size": "{pebbles{nodes{pebbles{nodes{pebbles{nodes{name}}}}}}}",
    "introspection again and again": "{" + " ".join(f"a{i}: __schema{{types{{fields{{type{{fields{{name}}}}}}}}}}"
                                                   for i in range(30)) + "}",
    "comments": "#\n" * 90_000 + "{who}",
    "mutations": "mutation {" + " ".join(f"a{i}: touch" for i in range(60)) + "}",
}  # fmt: skip


@pytest.mark.parametrize("what", TOO_COMPLEX)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_document_that_asks_too_much_is_refused(ask: Ask, what: str, accept: str) -> None:
    response = await ask(TOO_COMPLEX[what], accept=accept)
    assert response.status_code == 400
    assert [e["extensions"]["code"] for e in response.json()["errors"]] == ["QUERY_TOO_COMPLEX"]
    assert "data" not in response.json()


@pytest.mark.parametrize("size", [200_000, 3_000_000])
async def test_a_long_document_is_refused(ask: Ask, size: int) -> None:
    assert (await ask("{" + "who " * (size // 4) + "}")).status_code == 413


async def test_a_document_below_the_limit_is_answered_whatever_fills_it(ask: Ask) -> None:
    assert (await ask("#" * 190_000 + "\n{who}")).json() == {"data": {"who": "ali"}}


@pytest.mark.parametrize(
    "variables",
    [b"[" * 50_000 + b"]" * 50_000, b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
     b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", b'{"c":' + b'{"right":' * 200 + b'{"left":"a"}' + b"}" * 201],
)  # fmt: skip
async def test_deep_variables_are_refused(client: httpx.AsyncClient, variables: bytes) -> None:
    body = b'{"query":"query ($c: Choice) { echo(choice: $c) }","variables":' + variables + b"}"
    response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400


async def test_too_many_values_and_too_many_bytes_are_refused(client: httpx.AsyncClient) -> None:
    many = {"query": "query ($v: JSON) { echo(value: $v) }", "variables": {"v": [1] * 300_000}}
    assert (await client.post("/graphql", json=many)).status_code == 413
    large = {"query": "{ who }", "variables": {"v": "x" * 5_000_000}}
    assert (await client.post("/graphql", json=large)).status_code == 413


@pytest.mark.parametrize("size", [250, 250.0])
async def test_page_sizes_count_through_variables(ask: Ask, size: float) -> None:
    query = "query ($n: Int) { pebbles(first: $n) { nodes { pebbles(first: $n) { nodes { name } } } } }"
    assert (await ask(query, {"n": 3})).status_code == 200
    assert (await ask(query, {"n": size})).status_code == 400
    assert (await ask(query, {"n": 5})).status_code == 200


async def test_a_default_page_size_counts_until_a_variable_is_given(ask: Ask) -> None:
    query = "query ($n: Int = 250) { pebbles(first: $n) { nodes { pebbles(first: $n) { nodes { name } } } } }"
    assert (await ask(query)).status_code == 400
    assert (await ask(query, {"n": 2})).status_code == 200


async def test_a_list_of_ids_counts_by_its_length(ask: Ask) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await ask(query, {"ids": ["a"] * 100})).status_code == 200
    assert (await ask(query, {"ids": ["a"] * 6_000})).status_code == 400


@pytest.mark.parametrize(("objects", "status"), [(2_000, 200), (2_001, 400)])
@pytest.mark.parametrize("shape", ["wide", "deep"])
async def test_an_input_within_itself_has_so_many_objects(ask: Ask, objects: int, status: int, shape: str) -> None:
    """Reading each costs as much as a field of the answer (S2)."""
    leaf: dict[str, object] = {"left": "a"}
    chains = objects // 50
    chain = leaf
    for _ in range(48):
        chain = {"right": chain}
    chained = [*[chain] * (chains - 1), *[leaf] * (objects - 1 - 49 * (chains - 1))]
    choice = {"several": chained if shape == "deep" else [leaf] * (objects - 1)}
    response = await ask("query ($c: Choice) { echo(choice: $c) }", {"c": choice})
    assert response.status_code == status
    if status == 400:
        assert [e["extensions"]["code"] for e in response.json()["errors"]] == ["QUERY_TOO_COMPLEX"]


async def test_the_full_introspection_passes(ask: Ask) -> None:
    everything = get_introspection_query(True, True, True, True, True, True)
    response = await ask(everything)
    assert response.status_code == 200
    assert "errors" not in response.json()


async def test_nul_is_refused_where_a_field_takes_it(ask: Ask) -> None:
    response = await ask('{ echo(text: "a\\u0000b") who }')
    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert (error["path"], error["extensions"]["field"]) == (["echo"], ["text"])


async def test_dear_fields_count_by_their_price_and_the_refusal_has_the_numbers(ask: Ask) -> None:
    """S3: however often they are asked for, by aliases or for each object of a list."""
    aliases = " ".join(f"a{number}: survey" for number in range(11))
    [error] = (await ask(f"{{{aliases}}}")).json()["errors"]
    assert error["extensions"] == {
        "code": "QUERY_TOO_COMPLEX",
        "limit": 5_000,
        "asked": 5_500,
        "operation": None,
    }
    assert "5,500" in error["message"]
    assert "5,000" in error["message"]
    assert (await ask("{" + " ".join(f"a{number}: survey" for number in range(10)) + "}")).status_code == 200
    assert (await ask("{pebbles(first: 250){nodes{weight}}}")).status_code == 400
    assert (await ask("{pebbles(first: 100){nodes{weight}}}")).status_code == 200


async def test_a_price_may_be_that_of_an_argument(ask: Ask) -> None:
    def often(field: str) -> str:
        return "{" + " ".join(f"a{number}: {field}" for number in range(50)) + "}"

    assert (await ask(often("echo"))).status_code == 200
    assert (await ask(often('searched(text: "x")'))).status_code == 400
    assert (await ask(often("searched"))).status_code == 200
