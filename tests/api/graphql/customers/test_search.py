"""Customers, segments, lists and campaigns are found as people write, and names sort as people sort them."""

# ruff: noqa: RUF001 - letters that look alike are what this is about

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from domain.customers.model import NAMELESS, folded_name
from domain.customers.tables import customers
from tests.api.graphql.stage import Stage, StoreClient
from tests.properties import examples

FILE = """external_id,name,phone,email
s1,王小明,+886912345678,ming@mail.example
s3,apple,,
s4,Zed,,
s5,Ångström,,
s6,angstrom,,
s7,,,anna@mail.example
s8,Apple,,
""".encode()
PAGE = """query ($order: CustomerOrder, $search: String, $first: Int, $after: String, $last: Int, $before: String) {
    customers(orderBy: $order, search: $search, first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { externalId } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
NUMBERS = count()


async def keys(store: StoreClient, **variables: object) -> list[str]:
    page = (await store.get(PAGE, **variables))["customers"]
    assert page["totalCount"] == len(page["nodes"])
    return [node["externalId"] for node in page["nodes"]]


async def test_imported_customers_are_found_and_sorted(store: StoreClient) -> None:
    done = await store.upload("customersImport", FILE)
    assert done["userErrors"] == []
    await store.stage.work()
    for number in ("0912345678", "0912-345-678", "+886 912 345 678", "+886912345678", "８８６９１２３４５６７８"):
        assert await keys(store, search=number) == ["s1"], number
    for name in ("ångström", "ANGSTRÖM", "Angstrom", "A\u030angstro\u0308m"):
        assert await keys(store, search=name, order="NAME_ASC") == ["s5", "s6"], name
    in_order = ["s5", "s6", "s3", "s8", "s4", "s1", "s7"]
    assert await keys(store, order="NAME_ASC") == in_order
    assert await keys(store, order="NAME_DESC") == in_order[::-1]
    # What a second file says of them, and of somebody whose name it does not have.
    await store.upload("customersImport", "external_id,name\ns4,Éva\ns3,\n".encode())
    await store.upload("customersImport", b"external_id,city\ns4,Paris\ns9,Rome\n")
    await store.stage.work()
    assert await keys(store, order="NAME_ASC") == ["s5", "s6", "s3", "s8", "s4", "s1", "s7", "s9"]
    assert await keys(store, search="eva") == ["s4"]
    assert await keys(store, search="zed") == []
    # What an erased customer was called is gone from where it was sorted.
    gid = await store.customer_id("s4")
    assert (await store.mutate("customerDelete", "id: $id, erase: true", "deletedId", id=gid))["userErrors"] == []
    async with store.stage.runtime.database.read() as tx:
        rows = [tuple(row) for row in await tx.execute(select(customers.c.name, customers.c.folded_name))]
    assert sorted(folded for _, folded in rows) == sorted(folded_name(name) for name, _ in rows)
    assert [folded for _, folded in rows].count(NAMELESS) == 3


@pytest.mark.parametrize("order", ["NAME_ASC", "NAME_DESC"])
@examples(15, shrink=False)
@given(
    names=st.lists(st.none() | st.text(st.sampled_from("aAåÅßsSzZ '7王カか"), max_size=3), max_size=25),
    size=st.integers(1, 4),
)
async def test_pages_have_each_customer_once_in_both_directions(
    stage: Stage, order: str, names: list[str | None], size: int
) -> None:
    store = await stage.store(name=f"Shop {next(NUMBERS)}")
    given = [{"externalId": f"c{number:02d}", "name": name} for number, name in enumerate(names)]
    if given:
        done = await store.mutate("customersUpsert", "input: $input", "created", input=given)
        assert done["userErrors"] == []
    # An empty name is none; equal names are in the order of their customers' numbers.
    by_name = sorted((folded_name((name or "").strip() or None), f"c{at:02d}") for at, name in enumerate(names))
    expected = [key for _, key in by_name]
    if order == "NAME_DESC":
        expected.reverse()
    forward: list[str] = []
    after, more = None, True
    while more:
        page = (await store.get(PAGE, order=order, first=size, after=after))["customers"]
        forward += [node["externalId"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert forward == expected
    backward: list[str] = []
    before, more = None, True
    while more:
        page = (await store.get(PAGE, order=order, last=size, before=before))["customers"]
        backward = [node["externalId"] for node in page["nodes"]] + backward
        before, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]
    assert backward == expected


async def test_cursors_hold_the_longest_names(store: StoreClient) -> None:
    await store.customers(*({"externalId": f"c{number}", "name": "𝒳𐐀" * 100} for number in range(3)))
    await store.customers({"externalId": "d", "name": "\ufdfa" * 200}, {"externalId": "e", "name": "𐐀" * 200})
    seen: list[str] = []
    after = None
    for _ in range(5):
        page = (await store.get(PAGE, order="NAME_ASC", first=1, after=after))["customers"]
        seen += [node["externalId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert sorted(seen) == ["c0", "c1", "c2", "d", "e"]


async def test_segments_lists_and_campaigns_are_found_by_name(store: StoreClient) -> None:
    await store.install()
    made = await store.segment("Ångström Straße")
    segment, listed = made["segment"]["id"], made["list"]["id"]
    campaign = await store.campaign(listed, name="ÉTÉ Ｓale")

    async def found(field: str, search: str) -> list[str]:
        answer = await store.get(f"query ($s: String) {{ {field}(search: $s) {{ nodes {{ id }} }} }}", s=search)
        return [node["id"] for node in answer[field]["nodes"]]

    for words in ("ångström", "ANGSTROM str", "STRASSE"):
        assert await found("segments", words) == [segment]
        assert await found("lists", words) == [listed]
    assert await found("campaigns", "été sale") == [campaign]
    assert await found("campaigns", "angstrom") == await found("segments", "ete") == await found("lists", "_") == []
    await store.mutate("listRename", "id: $id, name: $name", "list { id }", id=listed, name="Œuvre")
    await store.mutate("segmentUpdate", "id: $id, input: $input", "segment { id }", id=segment, input={"name": "Łódź"})
    await store.mutate("campaignUpdate", "id: $id, input: $input", "", id=campaign, input={"name": "Ω"})
    assert await found("lists", "oeuvre") == [listed]
    assert await found("segments", "lodz") == [segment]
    assert await found("campaigns", "ω") == [campaign]
    assert (
        await found("campaigns", "été") == await found("segments", "strasse") == await found("lists", "strasse") == []
    )
