"""The sink by itself."""

import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from channels.email.sink.server import SinkBehavior, SmtpSink

ROOT = Path(__file__).parents[4]


def test_another_client_s_message_arrives() -> None:
    with SmtpSink(store_messages=True) as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail("a@example.com", ["b@example.com", "c@example.com"], "Subject: Hi\r\n\r\n.dot\r\n")
        client.noop()
        assert client.docmd("VRFY")[0] == 502
    content = b"Subject: Hi\r\n\r\n.dot\r\n"
    assert sink.messages == [("b@example.com", content), ("c@example.com", content)]
    assert sink.count == 2


def test_a_message_in_small_pieces_arrives() -> None:
    commands = (
        b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nx\r\n.\r\n"
        b"MAIL FROM:<a@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n.\r\nQUIT\r\n"
    )
    with SmtpSink(store_messages=True) as sink, socket.create_connection(("127.0.0.1", sink.port)) as client:
        for position in range(len(commands)):
            client.sendall(commands[position : position + 1])
        while client.recv(4_096):
            pass
    assert sink.messages == [("b@x", b"x\r\n"), ("c@x", b"")]


def test_a_port_that_is_taken() -> None:
    with SmtpSink() as sink, pytest.raises(OSError, match="in use"), SmtpSink(sink.port):
        pass


def test_refusing_all() -> None:
    with (
        SmtpSink(behavior=SinkBehavior(at_rcpt=lambda _: "550 no")) as sink,
        smtplib.SMTP("127.0.0.1", sink.port) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused),
    ):
        client.sendmail("a@example.com", "b@example.com", "x")


def test_a_slow_server_has_the_message_before_it_answers() -> None:
    commands = b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n"
    with (
        SmtpSink(behavior=SinkBehavior(delay=0.3)) as sink,
        socket.create_connection(("127.0.0.1", sink.port)) as client,
    ):
        client.sendall(commands)
        replies = b""
        while b"354 " not in replies:
            replies += client.recv(4_096)
        while not sink.count:
            time.sleep(0.01)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(4_096)
        client.setblocking(True)
        replies = b""
        while received := client.recv(4_096):
            replies += received
    assert [line[:3] for line in replies.splitlines()] == [b"250", b"250", b"221"]


def test_alone_it_logs_before_it_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    log = tmp_path / "log"
    command = [sys.executable, "-m", "channels.email.sink.server", "--port", str(port), "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            client = connected_client(port)
            client.sendmail("a@example.com", "b@example.com", "Message-ID: <1@x>\r\n\r\nx")
            assert log.read_text() == "b@example.com <1@x>\n"
            client.close()
        finally:
            process.terminate()


def connected_client(port: int) -> smtplib.SMTP:
    for _ in range(200):
        try:
            return smtplib.SMTP("127.0.0.1", port)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("the sink does not answer")
