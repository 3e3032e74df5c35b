"""Links that were not signed for what they are opened with, and what a link must not do by being opened (S12)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.hostile.doors import Answer
from tests.hostile.target import BEFORE_DATABASES, Target

KINDS = ("files", "unsubscribe")
REFUSED = (400, 404)
CONSENT = "query ($id: ID!) { customer(id: $id) { contacts { consent } } }"


def token_of(target: Target, kind: str) -> str:
    url = target.ours.file_url if kind == "files" else target.ours.unsubscribe_url
    return url.rpartition("/")[2]


def flipped(token: str) -> Iterator[str]:
    """Every token that differs in one bit."""
    signed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for position in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[position // 8] ^= 1 << position % 8
        yield urlsafe_b64encode(changed).rstrip(b"=").decode()


@BEFORE_DATABASES
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_bit_of_a_link_may_be_another(target_server: Target, kind: str, method: str) -> None:
    tokens = list(flipped(token_of(target_server, kind)))
    assert len(tokens) > 300

    def send() -> Sequence[Answer]:
        return [target_server.doors.request(method, f"/{kind}/{token}") for token in tokens]

    # Hundreds of requests have the time of hundreds.
    answers = target_server.promises.kept(send, cpu=5)
    assert {answer.status for answer in answers} <= {404, 405}


TOKENS: dict[str, Callable[[str], str]] = {
    "more at its end": lambda token: token + "A",
    "less at its end": lambda token: token[:-1],
    "padded": lambda token: token + "=" * (-len(token) % 4 or 4),
    "another alphabet": lambda token: token.replace("-", "+").replace("_", "%2F") + "+",
    "a space before it": lambda token: "%20" + token,
    "a line's end behind it": lambda token: token + "%0A",
    "a NUL behind it": lambda token: token + "%00",
    "a mark without width within it": lambda token: token[:9] + "%E2%80%8B" + token[9:],
    "letters that look alike": lambda token: token[:-4] + "%D0%B0" + token[-3:],
    "letters of full width": lambda token: "".join(f"%EF%BC%{ord(c) + 0x60:02X}" for c in "ABC") + token,
    "all zeros": lambda token: "A" * len(token),
    "nothing": lambda _: "%20",
    "a path": lambda token: f"..%2f{token}",
    "very long": lambda token: token * 500,
    "the other letters": lambda token: token.swapcase(),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_link_is_letter_for_letter_the_one_that_was_signed(target_server: Target, kind: str, name: str) -> None:
    path = f"/{kind}/{TOKENS[name](token_of(target_server, kind))}"
    answer = target_server.kept(lambda: target_server.doors.request("GET", path))
    assert answer.status in REFUSED, answer


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_of_one_kind_opens_nothing_of_another(target_server: Target, kind: str) -> None:
    [other] = set(KINDS) - {kind}
    answer = target_server.kept(lambda: target_server.doors.request("GET", f"/{kind}/{token_of(target_server, other)}"))
    assert answer.status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
def test_to_open_an_unsubscribe_link_changes_nothing(target_server: Target, method: str) -> None:
    url = target_server.ours.unsubscribe_url
    headers = {"X-HTTP-Method-Override": "POST", "Purpose": "prefetch", "List-Unsubscribe": "One-Click"}
    one_click = "?List-Unsubscribe=One-Click&_method=POST"
    target_server.kept(lambda: target_server.doors.request(method, url + one_click, headers=headers))
    answer = target_server.doors.get(CONSENT, id=target_server.ours.customer)
    assert [contact["consent"] for contact in answer["customer"]["contacts"]] == ["SUBSCRIBED"]


def test_a_post_unsubscribes_whom_the_link_names_and_nobody_else(target_server: Target) -> None:
    """However often it is sent again, and whatever its form and its address say besides."""
    url, doors = target_server.ours.unsubscribe_url, target_server.doors
    people = [{"externalId": f"reader{n}", "contacts": [READER | {"address": f"r{n}@shop.example"}]} for n in range(2)]
    doors.get("mutation ($i: [CustomerInput!]!) { customersUpsert(input: $i) { created } }", i=people)
    form = {"List-Unsubscribe": "One-Click", "customer": "2", "channel": "sms", "store": "2", "next": "//evil.example"}
    for _ in range(3):
        answer = target_server.kept(lambda: doors.request("POST", url + "?customer=2&next=//evil.example", data=form))
        assert (answer.status, answer.body) == (200, "Unsubscribed.")
        assert "location" not in answer.headers
    everyone = doors.get("{ customers(first: 250) { nodes { id contacts { consent } } } }")["customers"]["nodes"]
    left = {node["id"] for node in everyone for contact in node["contacts"] if contact["consent"] == "UNSUBSCRIBED"}
    assert left == {target_server.ours.customer}
    theirs = target_server.theirs.doors.get(CONSENT, id=target_server.theirs.customer)
    assert [contact["consent"] for contact in theirs["customer"]["contacts"]] == ["SUBSCRIBED"]
    # As it was, for the tests behind this one.
    again = 'mutation ($id: ID!) { consentUpdate(customerId: $id, channel: "email", consent: SUBSCRIBED) { userErrors { code } } }'
    assert doors.get(again, id=target_server.ours.customer)["consentUpdate"]["userErrors"] == []


READER = {"channel": "email", "consent": "SUBSCRIBED"}


def test_a_file_comes_as_a_file_and_as_no_page(target_server: Target) -> None:
    answer = target_server.kept(lambda: target_server.doors.request("GET", target_server.ours.file_url))
    assert answer.status == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]


RANGES = [
    "bytes=0-",
    "bytes=-1",
    "bytes=5-1",
    "bytes=9999999999-",
    "bytes=" + "0-1," * 5_000 + "0-1",
    "lines=1-",
    "bytes=x",
]


@pytest.mark.parametrize("value", RANGES, ids=lambda value: value[:20])
def test_a_file_in_pieces_of_any_kind(target_server: Target, value: str) -> None:
    def send() -> Answer:
        return target_server.doors.request("GET", target_server.ours.file_url, headers={"Range": value})

    assert target_server.kept(send).status in {200, 206, 400, 416}


PAGES = ["/", "/unsubscribe/x", "/files/x", "/graphql", "/healthz"]
ELSEWHERE = ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "%0d%0aLocation:%20x"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("goal", ELSEWHERE)
def test_nothing_leads_elsewhere(target_server: Target, page: str, goal: str) -> None:
    def send() -> Answer:
        return target_server.doors.request(
            "GET", f"{page}?next={goal}&url={goal}&redirect={goal}&returnTo={goal}", headers={"Referer": goal}
        )

    answer = target_server.kept(send)
    assert answer.status not in range(300, 400)
    assert "location" not in answer.headers
