"""Conversations over a WebSocket that break its protocol, flood it, or come from a strange page (S7)."""

import json
from collections.abc import Callable, Sequence

import pytest
from websockets.exceptions import InvalidStatus

from tests.hostile.doors import Answer, Doors
from tests.hostile.target import BEFORE_DATABASES, Target

pytestmark = BEFORE_DATABASES

TAGS = {"id": "a", "type": "subscribe", "payload": {"query": "{ tags }"}}
PING = {"type": "ping"}


def with_id(key: object) -> dict[str, object]:
    return {**TAGS, "id": key}


# What is said after the first message, and the code with which the connection ends.
TALKS: dict[str, tuple[Callable[[Doors], Sequence[object]], Sequence[int]]] = {
    "nothing but a query": (lambda _: [TAGS], (4401,)),
    "nothing but an end": (lambda _: [{"id": "a", "type": "complete"}], (4401,)),
    "a wrong token": (lambda _: [{"type": "connection_init", "payload": {"Authorization": "Bearer x"}}], (4403, 1013)),
    "a token of another type": (lambda _: [{"type": "connection_init", "payload": {"Authorization": ["x"]}}], (4403, 1013)),
    "a token with a line break": (
        lambda doors: [{"type": "connection_init", "payload": {"Authorization": f"Bearer {doors.token}\r\nX: y"}}], (4403, 1013)
    ),
    "a token of a megabyte": (
        lambda _: [{"type": "connection_init", "payload": {"Authorization": "Bearer " + "x" * 900_000}}], (4403, 1013)
    ),
    "a payload that is none": (lambda _: [{"type": "connection_init", "payload": "x"}], (4400,)),
    "a deep payload": (lambda _: ['{"type":"connection_init","payload":' + '{"a":' * 100_000 + "1" + "}" * 100_001], (4400,)),
    "two beginnings": (lambda doors: [doors.hello, doors.hello], (4429,)),
    "one operation twice": (
        lambda doors: [doors.hello, *[{"id": "a", "type": "subscribe", "payload": {"query": SLOW}}] * 20], (4409, 1000)
    ),
    "the protocol of old": (lambda doors: [doors.hello, {"id": "1", "type": "start", "payload": {}}], (4400,)),
    "an ID that is a number": (lambda doors: [doors.hello, with_id(1)], (4400,)),
    "an ID that is nothing": (lambda doors: [doors.hello, with_id("")], (4400,)),
    "no payload": (lambda doors: [doors.hello, {"id": "a", "type": "subscribe"}], (4400,)),
    "a type of nothing": (lambda doors: [doors.hello, {"type": None}], (4400,)),
    "a list": (lambda doors: [doors.hello, [TAGS]], (4400,)),
    "no JSON": (lambda doors: [doors.hello, "tags"], (4400,)),
    "nothing at all": (lambda doors: [doors.hello, ""], (4400,)),
    "bytes": (lambda doors: [doors.hello, json.dumps(TAGS).encode()], (4400,)),
    "a message of 2 MB": (lambda doors: [doors.hello, with_id("x" * 2_000_000)], (1009,)),
    "brackets": (lambda doors: [doors.hello, "[" * 900_000], (4400,)),
    "lone surrogates": (lambda doors: [doors.hello, '{"type":"\\ud800"}'], (4400,)),
    "keys twice": (lambda doors: [doors.hello, '{"type":"ping","type":"x"}'], (4400,)),
}  # fmt: skip
SLOW = 'subscription { operationProgress(id: "x") { id } }'

# What is said a lot, and is allowed.
FLOODS: dict[str, Callable[[Doors], list[object]]] = {
    "1,000 pings": lambda doors: [doors.hello, *[PING] * 1_000],
    "1,000 pongs": lambda doors: [doors.hello, *[{"type": "pong", "payload": {"x": "y" * 100}}] * 1_000],
    "1,000 ends of nothing": lambda doors: [doors.hello, *[{"id": "x", "type": "complete"}] * 1_000],
    "100 queries at once": lambda doors: [doors.hello, *[with_id(f"n{n}") for n in range(100)]],
    "100 broken queries": lambda doors: [
        doors.hello,
        *[{"id": f"n{n}", "type": "subscribe", "payload": {"query": "{"}} for n in range(100)],
    ],
    "a query of nothing": lambda doors: [doors.hello, {"id": "n", "type": "subscribe", "payload": {}}],
    "an ID of a megabyte": lambda doors: [doors.hello, with_id("x" * 900_000)],
    "an ID of strange letters": lambda doors: [doors.hello, with_id("\x00\u202e\u200b\"'<b>")],
    "beginnings and ends in turn": lambda doors: [
        doors.hello,
        *[message for n in range(50) for message in (with_id(f"n{n}"), {"id": f"n{n}", "type": "complete"})],
    ],
}


@pytest.mark.parametrize("name", TALKS)
def test_a_conversation_that_breaks_the_protocol_ends(target_server: Target, name: str) -> None:
    messages, codes = TALKS[name]
    answer = target_server.kept(lambda: target_server.doors.converse(*messages(target_server.doors)))
    assert answer.status in codes, answer


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_answered_and_others_after_it(target_server: Target, name: str) -> None:
    doors = target_server.doors

    def send() -> Sequence[Answer]:
        # A second beginning ends the conversation.
        answers = doors.converse(*FLOODS[name](doors), doors.hello)
        assert answers[-1].status == 4429
        return [*answers, doors.ask("{ store { id } }")]

    assert target_server.kept(send).status == 200


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("graphql-transport-ws2", "soap"), ("x" * 5_000,)])
def test_another_protocol_is_not_spoken(target_server: Target, protocols: Sequence[str]) -> None:
    answer = target_server.kept(lambda: target_server.doors.converse(target_server.doors.hello, protocols=protocols))
    assert answer.status == 4406


ORIGINS = [
    "https://evil.example", "null", "https://spa.example.evil.example", "https://evil.example/https://spa.example",
    "http://spa.example", "https://spa.example:444", "https://SPA.example@evil.example", "file://", "https://[",
    "https://sub.spa.example", "x", "https://spa.example\u00ad", "chrome-extension://x",
]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_strange_page_gets_no_socket(target_server: Target, origin: str) -> None:
    def send() -> Answer:
        try:
            target_server.doors.converse(target_server.doors.hello, origin=origin, until="connection_ack")
        except InvalidStatus as refused:
            return Answer(refused.response.status_code, "")
        return Answer(101, "")

    assert target_server.kept(send).status == 403


@pytest.mark.parametrize("origin", ["https://spa.example", "https://SPA.example", "https://spa.example:443"])
def test_the_page_that_is_allowed_does(target_server: Target, origin: str) -> None:
    doors = target_server.doors
    answer = target_server.kept(lambda: doors.converse(doors.hello, origin=origin, until="connection_ack"))
    assert answer.json == {"type": "connection_ack"}


def test_frames_of_every_broken_kind(target_server: Target) -> None:
    handshake = (
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    frames = {
        "not masked": b"\x81\x02{}",
        "reserved bits": b"\xf1\x82\x00\x00\x00\x00{}",
        "an unknown kind": b"\x83\x82\x00\x00\x00\x00{}",
        "a ping of 60,000 bytes": b"\x89\xfe\xea\x60" + b"\x00" * 60_004,
        "a ping in parts": b"\x09\x80\x00\x00\x00\x00",
        "a continuation of nothing": b"\x80\x82\x00\x00\x00\x00{}",
        "no UTF-8": b"\x81\x82\x00\x00\x00\x00\xff\xfe",
        "a length beyond all": b"\x81\xff" + b"\xff" * 8 + b"\x00" * 4,
        "a length in eight bytes": b"\x81\xff" + b"\x00" * 7 + b"\x02" + b"\x00" * 4 + b"{}",
        "a close of one byte": b"\x88\x81\x00\x00\x00\x00\x00",
        "a close of a code that is none": b"\x88\x82\x00\x00\x00\x00\xff\xff",
        "10,000 empty parts": b"\x01\x80\x00\x00\x00\x00" + b"\x00\x80\x00\x00\x00\x00" * 10_000,
    }
    for name, frame in frames.items():
        answer = target_server.kept(lambda frame=frame: target_server.doors.raw(handshake, frame, seconds=0.2))  # type: ignore[misc]
        assert answer.status == 101, name
