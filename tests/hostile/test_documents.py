"""GraphQL documents and variables that are made to cost much, or to be read in two ways (S2, S3, F10-F16)."""

import json
from itertools import product

import pytest

from tests.api.graphql.server.test_guard import doubling
from tests.hostile.doors import Answer, Json
from tests.hostile.target import Target

NAMES = "nodes { id name }"
SEGMENTS = "segments { nodes { id name } }"
REFUSED = {"QUERY_TOO_COMPLEX", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST"}

DOCUMENTS: dict[str, str] = {
    "fragments that double": "{...F0} " + doubling("...F{n} ...F{n}", "Query", "tags"),
    "fragments that double objects": "{customers{nodes{...F0}}} "
    + doubling("a: segments {{latestList{{segment{{lists{{nodes{{members{{nodes{{...F{n}}}}}}}}}}}}}}}", "Customer", "id"),
    "fragments that widen": "{...F0} " + " ".join(
        f"fragment F{n} on Query {{a{n}: tags ...F{n + 1} ...on Query{{...F{n + 1}}}}}" for n in range(30)
    ) + " fragment F30 on Query {tags}",
    "a circle of fragments": "{...A} fragment A on Query {...B} fragment B on Query {...C} fragment C on Query {...A}",
    "a fragment in itself": "{...A} fragment A on Query {tags ...A}",
    "fragments of nothing": "{...A} fragment A on Nothing {x}",
    "fragments that nobody uses": "{tags} " + " ".join(f"fragment A{n} on Query {{tags}}" for n in range(1_000)),
    "a fragment twice": "{...A} fragment A on Query {tags} fragment A on Query {store{id}}",
    "inline fragments side by side": "{" + "...on Query{tags}" * 400 + "}",
    "selections that overlap": "{" + f"customers{{{NAMES}}} " * 300 + "}",
    "selections that overlap deeply": "{" + "segments{nodes{lists{nodes{segment{id}}}}} " * 60 + "}",
    "1,000 aliases": "{" + " ".join(f"a{n}: tags" for n in range(1_000)) + "}",
    "60 counts": "{" + " ".join(f"a{n}: customers{{totalCount}}" for n in range(60)) + "}",
    "1,000 directives": "{tags " + "@skip(if:false) " * 1_000 + "}",
    "1,000 unknown directives": "{tags " + "@x " * 1_000 + "}",
    "directives on everything": "query @skip(if:true) {tags @include @deprecated @specifiedBy(url:\"x\") @oneOf}",
    "10,000 fields": "{" + "tags " * 10_000 + "}",
    "10,000 unknown fields": "{" + " ".join(f"x{n}" for n in range(10_000)) + "}",
    "a name of 100,000 letters": "{" + "a" * 100_000 + "}",
    "unknown names that resemble others": "{" + " ".join(f"customers{n}" for n in range(200)) + "}",
    "too deep": "{segments{nodes" + "{latestList{segment" * 40 + "{id}" + "}}" * 40 + "}}",
    "deeper than any parser goes": "{a" * 60_000,
    "lists within lists": "{ nodes(ids: " + "[" * 60_000 + "]" * 60_000 + "){id} }",
    "objects within objects": "{ segmentPreview(include: " + "{not:" * 30_000 + "}" * 30_000 + "){count} }",
    "pages of pages": "{segments(first:250){nodes{lists(first:250){nodes{members(first:250){nodes{id}}}}}}}",
    "a page of all": "{customers(first:2147483647){nodes{id}}}",
    "a page below nothing": "{customers(first:-2147483648){nodes{id}}}",
    "a page beyond all numbers": "{customers(first:" + "9" * 10_000 + "){nodes{id}}}",
    "a float beyond all numbers": "{customers(first:1e" + "9" * 1_000 + "){nodes{id}}}",
    "forged cursors": '{customers(after:"' + "A" * 100_000 + '"){nodes{id}}}',
    "1,000 nodes": "{nodes(ids:[" + '"Q3VzdG9tZXI6MQ",' * 1_000 + "]){id}}",
    "introspection without end": "{__schema{types{" + "ofType:fields{type{" * 8 + "name" + "}}" * 8 + "}}}",
    "introspection by circles": "{__type(name:\"Query\"){" + "fields{type{" * 10 + "name" + "}}" * 10 + "}}",
    "30 introspections": "{" + " ".join(f"a{n}:__schema{{types{{fields{{name type{{name}}}}}}}}" for n in range(30)) + "}",
    "comments": "{tags}" + "#\n" * 90_000,
    "a string without end": '{tags(prefix:"' + "x" * 190_000,
    "a block string without end": '{tags(prefix:"""' + "\n  x" * 40_000,
    "escapes of nothing": '{tags(prefix:"' + "\\u{110000}" * 100 + '")}',
    "lone surrogates": '{tags(prefix:"\\ud800")}',
    "surrogates the wrong way": '{tags(prefix:"\\udc00\\ud800")}',
    "50 operations": " ".join(f"query A{n} {{tags}}" for n in range(50)),
    "operations of one name": "query A {tags} query A {tags}",
    "a name and none": "{tags} query A {tags}",
    "200 variables": "query(" + ",".join(f"$a{n}:String=\"x\"" for n in range(200)) + "){tags}",
    "variables of unknown types": "query($a:[[[[[[Nothing!]!]!]!]!]!]!){tags(prefix:$a)}",
    "types within lists": "query($a:" + "[" * 5_000 + "Int" + "]" * 5_000 + "){tags}",
    "a default of itself": "query($a:String=$a){tags(prefix:$a)}",
    "definitions of types": "type Query {x:String} {tags}",
    "extensions of types": "extend type Query {x:String} {tags}",
    "60 mutations": "mutation{" + " ".join(f'a{n}:segmentDelete(id:"x"){{deletedId}}' for n in range(60)) + "}",
    "two subscriptions": 'subscription{operationProgress(id:"x"){id} campaignProgress(id:"x"){id}}',
    "a subscription of introspection": "subscription{__schema{types{name}}}",
    "a fragment of a subscription": 'subscription{...A} fragment A on Subscription {a:operationProgress(id:"x"){id} b:operationProgress(id:"y"){id}}',
    "deferred": "{...A @defer} fragment A on Query {tags}",
    "streamed": "{tags @stream(initialCount:0)}",
    "a null where none may be": "{node(id:null){id}}",
    "private fields": "{store{__dict__ _limits __class__{__mro__}}}",
    "nothing": " ",
    "only a comment": "# {tags}",
    "JSON": json.dumps({"query": "{tags}"}),
    "HTML": "<script>alert(1)</script>",
    "controls": "{tags\x00\x01\x1f}",
    "marks that turn text around": "{\u202etags\u2066}",
    "letters that look alike": "{t\u0430gs}",
    "spaces of no width": "{ta\u200bgs}",
}  # fmt: skip

ANSWERED = {
    "byte order marks": "\ufeff" * 60_000 + "{tags}",
    "commas": "{tags}" + "," * 190_000,
    "inline fragments within each other": "{" + "...on Query{" * 190 + "tags" + "}" * 190 + "}",
    "one field ten times": "{" + "tags " * 10 + "}",
    "as many aliases as there may be": "{" + " ".join(f"a{n}: tags" for n in range(50)) + "}",
    "marks within a text": '{tags(prefix:"\u202e\u2066\u200b\ufeff\U0001f600\u0301")}',
    "the longest text": '{tags(prefix:"' + "x" * 150 + '")}' + "#" * 190_000,
    "an escaped pair": '{tags(prefix:"\\ud83d\\ude00 \\u{1f600}")}',
    "the widest page": "{customers(first:250){nodes{id name tags contacts{address}}}}",
}

# By the type of a variable, what may come as one; each is put where any field takes it.
VARIABLES: dict[str, tuple[str, tuple[Json, ...]]] = {
    "a filter": (
        "query($v: FilterInput) { segmentPreview(include: $v) { count query } }",
        (
            {"all": [{"all": []}] * 5_000},
            {"attribute": {"dimension": "name", "operator": "IN", "values": ["x"] * 100_000}},
            {"attribute": {"dimension": "name", "operator": "IN", "values": [{"a": [1] * 100}] * 1_000}},
            {"attribute": {"dimension": "\x00", "operator": "EQ", "values": ["\x00"]}},
            {"attribute": {"dimension": "x" * 100_000, "operator": "EQ", "values": []}},
            {"attribute": {"dimension": "total_spent", "operator": "GT", "values": [10**400 // 1]}},
            {"attribute": {"dimension": "order_count", "operator": "GT", "values": [2**64, -(2**64), 1e308, 0.1]}},
            {"attribute": {"dimension": "__proto__", "operator": "IS_SET", "values": []}},
            {"attribute": {"dimension": "property.__class__.__init__", "operator": "IS_SET", "values": []}},
            {"behavior": {"behavior": "order", "window": {"lastDays": 2**31 - 1}}},
            {"behavior": {"behavior": "order", "window": {"lastDays": -(2**31)}}},
            {"behavior": {"behavior": "order", "window": {"from": "0001-01-01T00:00:00+14:00"}}},
            {"membership": {"segmentId": "x" * 100_000}},
            {"membership": {}},
            {"all": None},
            {"all": [], "any": []},
            {},
        ),
    ),
    "IDs": (
        "query($v: [ID!]!) { nodes(ids: $v) { id } }",
        (
            ["\x00"], ["x" * 1_000_000], [""] * 250, ["Q3VzdG9tZXI6" + "OTk5" * 5_000], [2**63, -1], [[["a"]]], {"a": 1},
            ["Q3VzdG9tZXI6\u202e"], ["Q3VzdG9tZXI6MQ=="], ["Q3VzdG9tZXI6LTE"], ["T3BlcmF0aW9uOg"], ["=" * 10_000],
        ),
    ),
    "a search": (
        "query($v: String) { customers(search: $v) { totalCount } segments(search: $v) { totalCount } }",
        (
            "%" * 200, "_%" * 100, "\\" * 199, "'" * 200, "\x00", "\ud83d\ude00" * 50, "\u0000\u0001", "e\u0301" * 100,
            "\u202e\u2066\u200b", "ﷺ" * 200, "ß" * 200, "İ" * 200, "x" * 1_000_000, "((((a+)+)+)+)$", "*" * 200, "[" * 200,
        ),
    ),
    "any JSON": (
        "mutation($v: JSON) { campaignCreate(input: {name: \"x\", channel: \"email\", content: $v}) { userErrors { code } } }",
        (
            0, -0.0, 1e308, 2**63, 2**64, 10**400, "", "x" * 1_000_000, [], [[]] * 10_000, {"": {"": ""}}, True,
            {"subject": ["x"] * 10_000}, {"subject": "x", "text": {"$ref": "#"}}, {"__class__": "x"}, {"a" * 100_000: 1},
            {f"k{n}": n for n in range(20_000)}, json.loads('{"a":' * 90 + "1" + "}" * 90),
        ),
    ),
    "an instant": (
        'mutation($v: DateTime) { campaignSend(id: "x", at: $v) { userErrors { code } } }',
        (
            "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "x" * 100_000, 1e308,
            "2026-02-30T00:00:00Z", "2026-01-01T00:00:00.000000000000000001Z", "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661T00:00:00Z", "2026-W01-1", "\x00",
        ),
    ),
}  # fmt: skip
CASES = [(name, number) for name, (_, values) in VARIABLES.items() for number in range(len(values))]


def over_http(target: Target, query: str) -> Answer:
    return target.doors.ask(query)


def over_socket(target: Target, query: str) -> Answer:
    subscribed = {"id": "a", "type": "subscribe", "payload": {"query": query}}
    return target.doors.converse(target.doors.hello, subscribed, until="error")[-1]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_asks_too_much_or_nothing_is_refused(target_server: Target, name: str) -> None:
    answer = target_server.kept(lambda: over_http(target_server, DOCUMENTS[name]))
    assert answer.status in {200, 400, 406, 413}, answer
    if "data" in answer.json:  # one that names but cannot have
        assert set(answer.codes) & {"BAD_USER_INPUT", "LIMIT_EXCEEDED"}, answer
    else:
        assert set(answer.codes) <= REFUSED, answer
    assert len(answer.body) < 20_000 + 2 * len(DOCUMENTS[name])


@pytest.mark.parametrize("name", ["fragments that double", "selections that overlap", "too deep", "pages of pages"])
def test_it_is_refused_over_a_websocket_too(target_server: Target, name: str) -> None:
    answer = target_server.kept(lambda: over_socket(target_server, DOCUMENTS[name]))
    assert set(answer.codes) <= REFUSED
    assert answer.codes


@pytest.mark.parametrize("name", ANSWERED)
def test_a_document_within_the_limits_is_answered(target_server: Target, name: str) -> None:
    answer = target_server.kept(lambda: over_http(target_server, ANSWERED[name]))
    assert (answer.status, answer.codes) == (200, [])


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_variable_of_any_value(target_server: Target, name: str, number: int) -> None:
    query, values = VARIABLES[name]
    answer = target_server.kept(lambda: target_server.doors.ask(query, v=values[number]))
    assert answer.status in {200, 400, 413}, answer
    assert len(answer.body) < 50_000, answer.body[:1_000]


@pytest.mark.parametrize(
    ("operator", "size"), list(product(["IN", "NOT_IN", "EQ", "CONTAINS", "BETWEEN", "GT"], [0, 3, 5_000]))
)
def test_a_list_of_values_of_any_length(target_server: Target, operator: str, size: int) -> None:
    tree = {"attribute": {"dimension": "email", "operator": operator, "values": [f"a{n}" for n in range(size)]}}
    query = VARIABLES["a filter"][0]
    answer = target_server.kept(lambda: target_server.doors.ask(query, v={"all": [{"not": tree}]}))
    assert answer.status == 200
