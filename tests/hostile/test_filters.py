"""Filters in the query language and as trees that are made to be read, planned or run for ever (S4, F20)."""

import pytest

from tests.hostile.doors import Json
from tests.hostile.target import Target

QUERY = "query ($v: String!) { segmentPreview(query: $v) { count query } }"
TREE = "query ($v: FilterInput!) { segmentPreview(include: $v) { count query } }"

QUERIES: dict[str, str] = {
    "brackets": "(" * 50_000 + "email is set" + ")" * 50_000,
    "brackets that do not end": "(" * 100_000,
    "nots": "not " * 24_000 + "email is set",
    "ands": " and ".join(["email is set"] * 6_000),
    "ors": " or ".join(["email is set"] * 6_000),
    "ands and ors in turn": "(" * 3_000 + "email is set" + " and email is set) or email is set)" * 1_500,
    "a giant list": "email in (" + ", ".join(f'"a{n}"' for n in range(12_000)) + ")",
    "a giant list of numbers": "order_count in (" + ", ".join(map(str, range(15_000))) + ")",
    "a text without end": 'name = "' + "x" * 99_000,
    "a text of escapes": 'name = "' + "\\" * 99_000 + '"',
    "a number of 99,000 digits": "order_count > " + "9" * 99_000,
    "a number of exponents": "total_spent > 1e" + "9" * 99_000,
    "a name of 99,000 letters": "a" * 99_000,
    "dots": "property" + ".a" * 49_000 + " is set",
    "unknown names": " and ".join(f"x{n} is set" for n in range(5_000)),
    "spaces": " " * 99_999,
    "line ends": "\n" * 99_999,
    "comments of other languages": "email is set -- x\n/* y */ # z // w",
    "a statement": "email is set; DROP TABLE customers",
    "a statement in a text": "name = \"x' OR 1=1 --\"",
    "a function": "pg_sleep(10)",
    "patterns": 'name contains "' + "%_" * 240 + '"',
    "a pattern for ever": 'name contains "' + "(a+)+$" * 80 + '"',
    "turned letters": "\u202eemail is set\u2066",
    "letters that look alike": "\u0435mail is set",
    "no bytes of text": "email = \"\ufffe\uffff\"",
    "controls": "email is set\x00\x01",
    "more than a query may have": "x" * 100_001,
}  # fmt: skip


def condition(operator: str, *values: Json, dimension: str = "name") -> Json:
    return {"attribute": {"dimension": dimension, "operator": operator, "values": list(values)}}


def nested(depth: int, key: str = "all", inner: Json = None) -> Json:
    tree: Json = inner or condition("IS_SET")
    for _ in range(depth):
        tree = {key: [tree]} if key != "not" else {"not": tree}
    return tree


ORDERS = {"behavior": "order", "operator": "GTE"}
TREES: dict[str, Json] = {
    "as deep as variables go": nested(48),
    "nots as deep as variables go": nested(90, "not"),
    "wide": {"any": [condition("EQ", f"a{n}") for n in range(20_000)]},
    "wide and deep": {"any": [nested(9, "all", condition("EQ", f"a{n}")) for n in range(1_500)]},
    "100 patterns": {"any": [condition("CONTAINS", "%_\\" * 30 + str(n)) for n in range(100)]},
    "patterns that fold": condition("CONTAINS", "\u0130" * 400 + "\u00df" * 99),
    "100 counts of orders": {"all": [{"behavior": {**ORDERS, "values": [n]}} for n in range(1, 101)]},
    "100 sums of products": {
        "any": [
            {"behavior": {**ORDERS, "aggregate": "SUM", "of": "total", "values": [n], "window": {"lastDays": n},
                          "where": [condition("CONTAINS", f"p{n}", dimension="product")]}}
            for n in range(1, 101)
        ]
    },
    "windows beyond all": {"behavior": {**ORDERS, "values": [1], "window": {"lastDays": 2**31 - 1}}},
    "windows that end before they begin": {
        "behavior": {**ORDERS, "values": [1], "window": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}
    },
    "between all and nothing": condition("BETWEEN", 1e308, -1e308, dimension="total_spent"),
    "days beyond all": condition("WITHIN_LAST_DAYS", 2**53, dimension="created_at"),
    "days before all": condition("MORE_THAN_DAYS_AGO", -(2**31), dimension="created_at"),
    "months that are none": condition("MONTH_IN", 0, 13, -1, 1e9, dimension="birthday"),
    "an anniversary beyond all": condition("ANNIVERSARY_IN_DAYS", 2**40, dimension="birthday"),
    "numbers as texts": condition("EQ", "1; SELECT 1", dimension="order_count"),
    "texts as numbers": condition("CONTAINS", 1, True, None, [], {}),
    "a list of lists": condition("IN", *[[n] for n in range(1_000)]),
    "one value 100,000 times": condition("IN", *["x"] * 100_000),
    "values of 10,000 letters": condition("IN", *[str(n) * 2_000 for n in range(100)]),
}  # fmt: skip
OK = {"BAD_USER_INPUT", "LIMIT_EXCEEDED", "INVALID", "REQUIRED", "NOT_FOUND", "BAD_REQUEST", "QUERY_TOO_COMPLEX"}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_any_kind_is_answered_or_refused(target_server: Target, name: str) -> None:
    answer = target_server.kept(lambda: target_server.doors.ask(QUERY, v=QUERIES[name]))
    assert answer.status in {200, 400}
    assert set(answer.codes) <= OK, answer
    assert len(answer.body) < 250_000


@pytest.mark.parametrize("name", TREES)
def test_a_tree_of_any_kind_is_answered_or_refused(target_server: Target, name: str) -> None:
    answer = target_server.kept(lambda: target_server.doors.ask(TREE, v=TREES[name]))
    assert answer.status in {200, 400}
    assert set(answer.codes) <= OK, answer
    assert len(answer.body) < 500_000


def test_segments_in_a_circle_are_refused(target_server: Target) -> None:
    doors = target_server.doors
    document = "mutation ($i: SegmentInput!) { segmentCreate(input: $i) { segment { id } userErrors { code } } }"
    made = [doors.get(document, i={"name": f"circle {n}"})["segmentCreate"]["segment"]["id"] for n in range(2)]
    update = "mutation ($id: ID!, $i: SegmentInput!) { segmentUpdate(id: $id, input: $i) { userErrors { code } } }"
    first, second = made
    inside = {"membership": {"segmentId": second}}
    assert doors.ask(update, id=first, i={"include": inside}).codes == []
    for gid, tree in ((second, {"membership": {"segmentId": first}}), (first, {"membership": {"segmentId": first}})):
        answer = target_server.kept(lambda gid=gid, tree=tree: doors.ask(update, id=gid, i={"include": tree}))  # type: ignore[misc]
        assert answer.codes == ["INVALID"]
