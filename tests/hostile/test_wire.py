"""Bytes that are hardly HTTP: requests that two servers would read differently, and those that do not end (S16)."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import monotonic, sleep

import pytest

from tests.hostile.doors import Answer
from tests.hostile.target import BEFORE_DATABASES, Target

pytestmark = BEFORE_DATABASES

BODY = b'{"query":"{ store { id } }"}'
# Behind a request that two servers could read differently: its answer would be an eighth of a kilobyte of metrics.
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def post(*lines: bytes, body: bytes = BODY) -> bytes:
    return b"\r\n".join((b"POST /graphql HTTP/1.1", b"Host: x", b"Content-Type: application/json", *lines, b"", body))


def chunked(body: bytes, *lines: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", *lines, body=body)


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)
END = b"0\r\n\r\n"

WIRES: dict[str, bytes] = {
    "two lengths": post(LENGTH, b"Content-Length: 3", body=BODY + SMUGGLED),
    "two lengths in one": post(b"Content-Length: 3, %d" % len(BODY), body=BODY + SMUGGLED),
    "a length with a sign": post(b"Content-Length: +%d" % len(BODY)),
    "a negative length": post(b"Content-Length: -1"),
    "a length in hexadecimal": post(b"Content-Length: 0x1c"),
    "a length of other digits": post("Content-Length: \u0662\u0668".encode()),
    "a length beyond all numbers": post(b"Content-Length: " + b"9" * 400),
    "a length and chunks": chunked(CHUNK + END + SMUGGLED, LENGTH),
    "chunks and a length": post(LENGTH, b"Transfer-Encoding: chunked", body=CHUNK + END + SMUGGLED),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", LENGTH),
    "two codings": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNK + END + SMUGGLED),
    "a coding behind a tab": post(b"Transfer-Encoding:\tchunked", LENGTH, body=CHUNK + END + SMUGGLED),
    "a coding before a colon": post(b"Transfer-Encoding : chunked", LENGTH, body=CHUNK + END + SMUGGLED),
    "a coding after a vertical tab": post(b"Transfer-Encoding: \x0bchunked", LENGTH, body=CHUNK + END + SMUGGLED),
    "a coding in quotes": post(b'Transfer-Encoding: "chunked"', LENGTH, body=CHUNK + END + SMUGGLED),
    "a coding folded": post(b"Transfer-Encoding:\r\n chunked", LENGTH, body=CHUNK + END + SMUGGLED),
    "a coding in HTTP/1.0": chunked(CHUNK + END).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a chunk beyond all numbers": chunked(b"F" * 40 + b"\r\n" + BODY),
    "a chunk with a sign": chunked(b"-1\r\n" + BODY + END),
    "a chunk that is no number": chunked(b"xyz\r\n" + BODY + END),
    "a chunk with a long remark": chunked(b"1;" + b"a" * 1_000_000 + b"\r\nx\r\n" + END),
    "chunks of one byte": chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + END),
    "chunks without end lines": chunked(b"%x\n%s\n" % (len(BODY), BODY) + b"0\n\n"),
    "trailers": chunked(CHUNK + b"0\r\nContent-Length: 5\r\nAuthorization: Bearer x\r\n\r\n"),
    "trailers of a megabyte": chunked(CHUNK + b"0\r\n" + b"A: b\r\n" * 170_000 + b"\r\n"),
    "lines that end in LF": post(LENGTH).replace(b"\r\n", b"\n"),
    "lines that end in CR": post(LENGTH).replace(b"\r\n", b"\r"),
    "a NUL in a header": post(LENGTH, b"X: a\0b"),
    "a header of no name": post(LENGTH, b": a"),
    "a header of no colon": post(LENGTH, b"nothing"),
    "a header folded": post(LENGTH, b"X: a", b" b"),
    "a header's name of bytes": post(LENGTH, b"\xff\xfe: a"),
    "a header of a megabyte": post(LENGTH, b"X: " + b"a" * 1_000_000),
    "20,000 headers": post(LENGTH, *[b"X-%d: a" % number for number in range(20_000)]),
    "no Host": post(LENGTH).replace(b"Host: x\r\n", b""),
    "two Hosts": post(LENGTH, b"Host: evil.example"),
    "two Authorizations": post(LENGTH, b"Authorization: Bearer a", b"Authorization: Bearer b"),
    "two content types": post(LENGTH, b"Content-Type: text/plain"),
    "a whole address": post(LENGTH).replace(b"/graphql", b"http://evil.example/graphql"),
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "version 3": b"GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n",
    "version 1.999999": b"GET /healthz HTTP/1.999999\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9,
    "an upgrade to HTTP/2": b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    b"Connection: Upgrade, HTTP2-Settings, close\r\n\r\n",
    "a WebSocket without a key": b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "a WebSocket elsewhere": b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "a WebSocket of another version": b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 500,
    "SSH": b"SSH-2.0-OpenSSH_9.9\r\n",
    "SMTP": b"EHLO x\r\nMAIL FROM:<a@b>\r\n",
    "NULs": b"\0" * 100_000,
    "spaces": b" " * 100_000,
    "empty lines": b"\r\n" * 50_000,
    "a line without end": b"GET /" + b"a" * 1_000_000,
    "a hundred at once": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 100,
    "a body where none belongs": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + LENGTH + b"\r\n\r\n" + SMUGGLED,
    "a body that is awaited": post(LENGTH, b"Expect: 100-continue"),
    "an expectation of nonsense": post(LENGTH, b"Expect: 200-ok"),
}


def notice(target: Target) -> None:
    """Return once the server has noticed who hung up: it answers others meanwhile, one after another."""
    for _ in range(5):
        target.doors.request("GET", "/healthz")
    target.promises.settle()


@pytest.mark.parametrize("name", WIRES)
def test_bytes_that_are_hardly_http(target_server: Target, name: str) -> None:
    answer = target_server.kept(lambda: target_server.doors.raw(WIRES[name], seconds=0.3))
    # Without a token, nothing is answered with data; nothing at all is a right answer, too.
    assert answer.status in {0, 100, 101, 200, 400, 401, 403, 404, 405, 406, 413, 414, 415, 426, 429, 431, 505}, answer
    if b"/graphql" in WIRES[name]:
        assert '"data"' not in answer.body, answer


@pytest.mark.parametrize("name", [name for name, wire in WIRES.items() if SMUGGLED in wire])
def test_what_is_hidden_in_a_body_is_no_request_of_its_own(target_server: Target, name: str) -> None:
    """A proxy that reads the other header would take the second answer for another client's."""
    answer = target_server.kept(lambda: target_server.doors.raw(WIRES[name], seconds=0.3))
    if answer.status != 400:
        assert b"Content-Length" not in WIRES[name] or b"Transfer-Encoding" not in WIRES[name], answer
        assert answer.body.count("HTTP/1.1 ") == 1, answer


def test_a_client_that_hangs_up_halfway_is_no_failure(target_server: Target) -> None:
    head = post(b"Content-Length: 1000", b"Authorization: Bearer " + target_server.doors.token.encode())

    def send() -> list[Answer]:
        answers = [target_server.doors.raw(data, seconds=0.05) for data in (head, head[:20], head[:-60], b"P")]
        notice(target_server)
        return answers

    assert target_server.kept(send).status == 0


def test_clients_that_are_slow_keep_no_other_waiting(target_server: Target) -> None:
    head = post(b"Content-Length: 1000", b"Authorization: Bearer " + target_server.doors.token.encode())

    def send() -> Answer:
        with ExitStack() as stack:
            host, _, port = target_server.doors.authority.partition(":")
            for _ in range(200):
                slow = stack.enter_context(socket.create_connection((host, int(port)), timeout=5))
                slow.sendall(head)
            # Each is looked up once, and then waited for beside the others.
            sleep(1)
            answer = target_server.doors.ask("{ store { id } }")
        notice(target_server)
        return answer

    assert target_server.kept(send, cpu=1).status == 200


@pytest.mark.slow
def test_a_request_that_does_not_come_is_given_up(target_server: Target) -> None:
    head = post(b"Content-Length: 1000", b"Authorization: Bearer " + target_server.doors.token.encode())

    def send() -> list[Answer]:
        # Neither its head nor its body; they are waited for beside each other.
        with ThreadPoolExecutor() as pool:
            waiting = [pool.submit(target_server.doors.raw, part, seconds=40) for part in (head[:30], head)]
            return [answered.result() for answered in waiting]

    began = monotonic()
    answers = target_server.promises.kept(send)
    assert monotonic() - began < 35
    assert {answer.status for answer in answers} <= {0, 408}
