"""Requests that are none, or none that anybody should send (S2, S16)."""

import gzip
import json
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from tests.hostile.doors import Answer
from tests.hostile.target import BEFORE_DATABASES, Target

pytestmark = BEFORE_DATABASES

JSON = {"Content-Type": "application/json"}
WHO = b'{"query":"{ store { id } }"}'

# Whole requests but for their token: method, path and the rest; and the statuses that are right.
Case = tuple[str, str, Mapping[str, Any], Collection[int]]


def post(content: bytes, *statuses: int, **headers: str) -> Case:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ("POST", "/graphql", {"content": content, "headers": {**JSON, **named}}, statuses)


def get(path: str, *statuses: int, **headers: str) -> Case:
    return ("GET", path, {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}, statuses)


REQUESTS: dict[str, Case] = {
    **{
        f"method {method}": (method, "/graphql", {"content": WHO, "headers": JSON}, (400, 405))
        for method in ("HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY", "X" * 60)
    },
    "a preflight of nobody": ("OPTIONS", "/graphql", {}, (400, 405)),
    **{
        f"content type {kind or 'missing'}": post(WHO, 415, Content_Type=kind)
        for kind in ("", "text/plain", "text/json", "application/jsonx", "application/graphql", "a/b; charset=x" * 99)
    },
    **{
        f"charset {name}": post(WHO, 415, Content_Type=f"application/json; charset={name}")
        for name in ("utf-7", "utf-16", "iso-2022-jp", "rot13", "zip", "idna", "unicode_escape")
    },
    "no body": post(b"", 400),
    "nulls": post(b"\0" * 1_000, 400),
    "a byte order mark": post(b"\xef\xbb\xbf" + WHO, 400),
    "bytes that are no text": post(b'{"query":"\xff\xfe"}', 400),
    "overlong UTF-8": post(b'{"query":"\xc0\xaf"}', 400),
    "half a surrogate pair": post(b'{"query":"{ tags }","variables":{"a":"\\ud800"}}', 400),
    "UTF-16": post(WHO.decode().encode("utf-16"), 400),
    "keys twice": post(b'{"query":"{","query":"{ store { id } }","query":"{ __typename }"}', 200),
    "not a number": post(b'{"query":"{ tags }","variables":{"a":NaN}}', 400),
    "beyond all numbers": post(b'{"query":"{ tags }","variables":{"a":1e999}}', 200, 400),
    "a number of 1,000,000 digits": post(b'{"query":"{ tags }","variables":{"a":' + b"9" * 1_000_000 + b"}}", 200, 400),
    "brackets to the limit": post(b"[" * 3_900_000, 400),
    "brackets as variables": post(b'{"query":"{ tags }","variables":{"a":' + b"[" * 1_900_000 + b"]" * 1_900_000, 400),
    "braces as variables": post(b'{"query":"{ tags }","variables":' + b'{"a":' * 600_000 + b"1" + b"}" * 600_001, 400),
    "a batch": post(b"[" + b",".join([WHO] * 1_000) + b"]", 400),
    "more than a body may be": post(b" " * 4_100_000 + WHO, 413),
    "a long text": post(json.dumps({"query": "{ tags }", "variables": {"a": "x" * 3_900_000}}).encode(), 200),
    "many keys": post(json.dumps({"query": "{ tags }", "variables": dict.fromkeys(map(str, range(190_000)))}).encode(), 200),
    "keys that collide": post(
        json.dumps({"query": "{ tags }", "variables": {str(n * (2**61 - 1)): 0 for n in range(100_000)}}).encode(), 200
    ),
    "more values than may be": post(b'{"query":"{ tags }","variables":{"a":[' + b"0," * 1_900_000 + b"0]}}", 413),
    "an operation's name of a megabyte": post(json.dumps({"query": "{ tags }", "operationName": "x" * 1_000_000}).encode(), 200, 400),
    "a persisted query": post(b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}', 400),
    "a bomb of gzip": post(gzip.compress(b" " * 300_000_000, 1), 400, 415, Content_Encoding="gzip"),
    "gzip of a request": post(gzip.compress(WHO), 400, 415, Content_Encoding="gzip"),
    "a form": ("POST", "/graphql", {"data": {"query": "{ tags }"}}, (415,)),
    "another's address in Host": post(WHO, 200, Host="evil.example"),
    "Host with a path": post(WHO, 200, Host="evil.example/../x?y#z@w"),
    "another method by header": post(WHO, 200, X_HTTP_Method_Override="DELETE"),
    "another address by header": post(WHO, 200, X_Forwarded_For="127.0.0.1", X_Original_URL="/admin", Forwarded="for=[::1]"),
    "another path by header": get("/", 404, X_Rewrite_URL="/metrics", X_Original_URL="/graphql"),
    "Accept of 60,000 characters": post(WHO, 406, 431, Accept="a/b;q=0.1," * 6_000),
    "Accept with weights that are none": post(WHO, 200, 406, Accept="application/json;q=nan, */*;q=inf, x;q=-1"),
    "a cookie of 60,000 characters": post(WHO, 200, 431, Cookie="a=b;" * 15_000),
    "ranges": get("/healthz", 200, Range="bytes=" + "0-0," * 5_000),
    "a condition of all tags": get("/healthz", 200, If_None_Match='"a",' * 10_000),
    "variables by GET": get("/graphql?query={tags}&variables=" + "[" * 20_000, 400),
    "variables twice by GET": get("/graphql?query={tags}&query={store{id}}&variables={}&variables=[]", 200, 400),
    "a mutation by GET": get('/graphql?query=mutation{segmentDelete(id:"x"){deletedId}}', 405),
    "a batch by GET": get('/graphql?query=["{tags}"]', 200),
    "a query of nothing but percents": get("/graphql?" + "%" * 20_000, 400),
    "20,000 parameters": get("/graphql?" + "a=b&" * 15_000, 400),
}  # fmt: skip

AUTHORIZATIONS = {
    "nothing": "",
    "no scheme": "x",
    "another scheme": "Basic " + "YTpi" * 10,
    "no token": "Bearer",
    "spaces": "Bearer " + " " * 10_000 + "x",
    "a long token": "Bearer muster_" + "x" * 50_000,
    "a store of many digits": "Bearer muster_" + "9" * 5_000 + "_x",
    "a store that is not there": "Bearer muster_2147483647_" + "x" * 49,
    "digits of another script": "Bearer muster_\u0661_x".encode().decode("latin-1"),
    "bytes of no text": "Bearer \xff\xfe",
    "a tab": "Bearer\tx",
    "two": "Bearer a, Bearer b",
    "a statement": "Bearer muster_1_' OR '1'='1",
}

PATHS = [
    "/",
    "//",
    "/..%2f..%2fetc/passwd",
    "/graphql/../metrics/..%00",
    "/graphql/" + "a/" * 20_000,
    "/files/..%2f..%2fmuster.db",
    "/files/%2e%2e/muster.key",
    "/files/" + "A" * 50_000,
    "/files/%00",
    "/files/%ff%fe",
    "/unsubscribe/" + "A" * 50_000,
    "/unsubscribe/..;/healthz",
    "/graphiql/../../../../etc/passwd",
    "/graphiql/..%2f..%2f..%2fpyproject.toml",
    "/graphiql/%2e%2e%2fpage.py",
    "/graphiql/%00",
    "/.env",
    "/.git/config",
    "/muster.db",
    "/%E2%80%AE/x",
    "/healthz%0d%0aX-Injected:%20yes",
    "/admin",
    "/metrics/x",
    "/x?next=//evil.example",
    "//evil.example/%2e%2e",
]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_or_refused(target_server: Target, name: str) -> None:
    method, path, options, statuses = REQUESTS[name]
    answer = target_server.kept(lambda: target_server.doors.request(method, path, **options))
    assert answer.status in statuses, answer
    assert set(answer.codes) <= {"BAD_REQUEST", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}, answer


@pytest.mark.parametrize("name", AUTHORIZATIONS)
def test_whoever_shows_no_token_is_told_to(target_server: Target, name: str) -> None:
    headers = {**JSON, "Authorization": AUTHORIZATIONS[name].encode("latin-1")}
    answer = target_server.kept(lambda: target_server.doors.request("POST", content=WHO, headers=headers))
    # Who has tried too often is told to wait.
    assert (answer.status, answer.codes) in ((401, ["UNAUTHENTICATED"]), (429, ["RATE_LIMITED"]))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_a_path_leads_nowhere_else(target_server: Target, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    answer = target_server.kept(lambda: target_server.doors.raw(request))
    assert answer.status in {307, 400, 404, 414, 431}, answer
    location = next((line for line in answer.body.splitlines() if line.lower().startswith("location:")), "")
    assert "evil" not in location.split("/")[2:3], answer
    assert "X-Injected" not in answer.body.partition("\r\n\r\n")[0], answer


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/graphql", "/files/x", "/unsubscribe/x"])
def test_what_is_sent_along_is_not_reflected(target_server: Target, path: str) -> None:
    mark = "<script>reflected</script>"
    headers = {"X-Mark": mark, "User-Agent": mark, "Referer": mark, "Origin": "https://reflected.example"}

    def send() -> Answer:
        return target_server.doors.request("GET", path, params={"query": mark, "x": mark}, headers=headers)

    answer = target_server.kept(send)
    assert mark not in answer.headers.values()
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert mark not in answer.body
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers
