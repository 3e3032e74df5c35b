"""What a page on a strange site can have a browser send, and read (S7)."""

import json
from itertools import product
from typing import Any

import pytest

from tests.hostile.doors import Answer
from tests.hostile.target import BEFORE_DATABASES, Target

pytestmark = BEFORE_DATABASES

CHANGE = 'mutation { customerUpsert(input: {externalId: "forged"}) { customer { id } } }'
FORGED = '{ customer(externalId: "forged") { id } }'
BODY = json.dumps({"query": CHANGE})
# What needs no preflight: a form's methods and content types.
SIMPLE = [
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "text/plain; application/json",
    "",
]
STRANGE = [
    "https://evil.example",
    "null",
    "http://spa.example",
    "https://spa.example.evil.example",
    "https://evilspa.example",
]
ALLOWED = "https://spa.example"


def forms() -> dict[str, dict[str, Any]]:
    """Requests that a form or a script may send anywhere without asking."""
    requests: dict[str, dict[str, Any]] = {
        f"{method} {kind}": {"method": method, "content": BODY, "headers": {"Content-Type": kind}}
        for method, kind in product(("POST", "GET", "HEAD"), SIMPLE)
    }
    requests["a form's field"] = {"method": "POST", "data": {"query": CHANGE}}
    requests["a file"] = {"method": "POST", "files": {"operations": (None, BODY), "map": (None, "{}")}}
    requests["an address"] = {"method": "GET", "params": {"query": CHANGE}}
    requests["a picture"] = {"method": "GET", "params": {"query": CHANGE}, "headers": {"Accept": "image/*"}}
    requests["an event source"] = {
        "method": "GET",
        "params": {"query": CHANGE},
        "headers": {"Accept": "text/event-stream"},
    }
    return requests


@pytest.mark.parametrize("origin", [STRANGE[0], STRANGE[1], ALLOWED, None])
@pytest.mark.parametrize("name", forms())
def test_nothing_changes_without_a_preflight(target_server: Target, name: str, origin: str | None) -> None:
    """Not even where a proxy would sign the browser in: the token comes along, as a cookie would."""
    request = forms()[name]
    method = str(request.pop("method"))
    headers = dict(request.pop("headers", {})) | ({"Origin": origin} if origin else {})
    if name == "a file":
        headers["Authorization"] = ""  # of which a preflight would ask

    def send() -> Answer:
        return target_server.doors.request(method, headers=headers, **request)

    answer = target_server.kept(send)
    assert answer.status in {400, 401, 405, 406, 415}, answer
    assert target_server.doors.get(FORGED) == {"customer": None}


@pytest.mark.parametrize("origin", STRANGE)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE", "X"])
@pytest.mark.parametrize("path", ["/graphql", "/metrics", "/files/x", "/unsubscribe/x"])
def test_a_preflight_of_a_strange_page_is_refused(target_server: Target, origin: str, method: str, path: str) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, x-requested-with",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = target_server.kept(lambda: target_server.doors.request("OPTIONS", path, headers=headers))
    assert answer.status == 400
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", [*STRANGE, ALLOWED])
def test_only_the_page_that_is_allowed_reads_answers(target_server: Target, origin: str) -> None:
    def send() -> Answer:
        headers = {"Origin": origin, "Content-Type": "application/json"}
        return target_server.doors.request("POST", content=b'{"query":"{ tags }"}', headers=headers)

    answer = target_server.kept(send)
    assert answer.status == 200
    assert answer.headers.get("access-control-allow-origin") == (origin if origin == ALLOWED else None)
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


def test_the_page_that_is_allowed_may_ask(target_server: Target) -> None:
    headers = {
        "Origin": ALLOWED,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = target_server.kept(lambda: target_server.doors.request("OPTIONS", headers=headers))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, ALLOWED)
    refused = headers | {"Access-Control-Request-Headers": "x-evil"}
    assert target_server.kept(lambda: target_server.doors.request("OPTIONS", headers=refused)).status == 400


@pytest.mark.parametrize("content", [b"{", b'{"query":"{"}', b"x" * 4_100_000])
def test_the_page_that_is_allowed_reads_refusals_too(target_server: Target, content: bytes) -> None:
    headers = {"Origin": ALLOWED, "Content-Type": "application/json"}
    answer = target_server.kept(lambda: target_server.doors.request("POST", content=content, headers=headers))
    assert answer.headers["access-control-allow-origin"] == ALLOWED


HARDENED = ["/graphql", "/healthz", "/readyz", "/files/x", "/unsubscribe/x", "/nothing"]


@pytest.mark.parametrize("path", HARDENED)
def test_every_answer_is_hardened(target_server: Target, path: str) -> None:
    answer = target_server.kept(lambda: target_server.doors.request("GET", path))
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in answer.headers["cache-control"]
    assert "server" not in answer.headers
