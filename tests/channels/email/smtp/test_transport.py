"""Every message gets its outcome, over real sockets."""

import asyncio
import re
import socket
from collections.abc import Callable
from queue import SimpleQueue

import pytest
import uvloop
from muster_sdk import Accepted, AccountRefused, Message, NotSent, Outcome, Rejected, TryAgain, Unreachable

from channels.email.settings import EmailSettings
from channels.email.sink.server import CLOSE, HANG, SinkBehavior, SmtpSink
from channels.email.smtp import transport as smtp
from channels.email.smtp.connection import Timeouts
from tests.channels.email.servers import reading, saying
from tests.channels.email.support import Outcomes, batch, compose, data, large, recipient, send_all, settings

SHORT_TIMEOUTS = Timeouts(connect=2, reply=0.3, end_of_data=0.3)
NO_PIPELINING = ("8BITMIME",)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def send(request: pytest.FixtureRequest) -> Callable[..., list[Outcome]]:
    """Sends on either loop: the server runs on uvloop, tests and commands on the standard one."""

    def run(
        email_settings: EmailSettings, *batches: list[Message], timeouts: Timeouts = SHORT_TIMEOUTS
    ) -> list[Outcome]:
        async def deliver() -> list[Outcome]:
            async with smtp.connect(email_settings, timeouts=timeouts) as transport:
                return [outcome for messages in batches for outcome in await send_all(transport, messages)]

        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(deliver())

    return run


Send = Callable[..., list[Outcome]]


def only(recipient: str, answer: str) -> Callable[[str], str | None]:
    return lambda address: answer if address == recipient else None


@pytest.fixture(params=[("PIPELINING", "8BITMIME"), NO_PIPELINING], ids=["pipelining", "step by step"])
def extensions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    keywords: tuple[str, ...] = request.param
    return keywords


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def test_every_message_arrives_once_as_it_was(send: Send, extensions: tuple[str, ...]) -> None:
    messages = batch(120, ".\n..\n.hidden\n\n.")
    with SmtpSink(store_messages=True, behavior=SinkBehavior(extensions=extensions)) as sink:
        outcomes = send(settings(sink.port), messages)
    assert kinds(outcomes) == ["Accepted"] * 120
    assert sorted(sink.messages) == sorted((message.address, data(message)) for message in messages)


def test_the_queue_id_is_kept(send: Send) -> None:
    with SmtpSink() as sink:
        assert send(settings(sink.port), batch(2)) == [Accepted("1"), Accepted("2")]
    with SmtpSink(behavior=SinkBehavior(at_end_of_data=lambda _: "250 Thanks")) as sink:
        assert send(settings(sink.port), batch(1)) == [Accepted(None)]


@pytest.mark.parametrize("step", ["at_rcpt", "at_data", "at_end_of_data"])
@pytest.mark.parametrize(("reply", "outcome"), [("450 4.2.0 busy", TryAgain), ("550 5.1.1 no such user", Rejected)])
def test_a_refusal_is_one_message_s_own(
    send: Send, extensions: tuple[str, ...], step: str, reply: str, outcome: type[TryAgain | Rejected]
) -> None:
    behavior = {step: only("c3@example.com", reply)}
    with SmtpSink(behavior=SinkBehavior(extensions=extensions, **behavior)) as sink:  # type: ignore[arg-type]  # named in parameters
        outcomes = send(settings(sink.port), batch(8))
    assert outcomes[3] == outcome(reply)
    assert kinds(outcomes[:3] + outcomes[4:]) == ["Accepted"] * 7
    assert (sink.count, sink.connections) == (7, 1)


def test_a_reason_does_not_hold_the_address(send: Send) -> None:
    with SmtpSink(behavior=SinkBehavior(at_rcpt=lambda address: f"550 <{address}>: unknown")) as sink:
        assert send(settings(sink.port), batch(1)) == [Rejected("550 <the recipient>: unknown")]


@pytest.mark.parametrize("fault", [CLOSE, HANG])
def test_what_fails_before_its_content_is_not_sent(send: Send, extensions: tuple[str, ...], fault: str) -> None:
    with SmtpSink(behavior=SinkBehavior(extensions=extensions, at_data=only("c2@example.com", fault))) as sink:
        outcomes = send(settings(sink.port), batch(5))
    assert kinds(outcomes[:3]) == ["Accepted", "Accepted", "NotSent"]
    assert "Ambiguous" not in kinds(outcomes)
    assert kinds(outcomes).count("Accepted") == sink.count


@pytest.mark.parametrize("fault", [CLOSE, HANG])
def test_what_fails_after_its_dot_is_in_doubt(send: Send, extensions: tuple[str, ...], fault: str) -> None:
    with SmtpSink(behavior=SinkBehavior(extensions=extensions, at_end_of_data=only("c2@example.com", fault))) as sink:
        outcomes = send(settings(sink.port), batch(5))
    assert kinds(outcomes[:3]) == ["Accepted", "Accepted", "Ambiguous"]
    assert kinds(outcomes).count("Ambiguous") == 1
    assert kinds(outcomes).count("Accepted") == sink.count


def test_an_answer_that_is_neither_yes_nor_no_leaves_its_message_in_doubt(
    send: Send, extensions: tuple[str, ...]
) -> None:
    with SmtpSink(
        behavior=SinkBehavior(extensions=extensions, at_end_of_data=only("c2@example.com", "354 go on"))
    ) as sink:
        outcomes = send(settings(sink.port), batch(4))
    assert kinds(outcomes) == ["Accepted", "Accepted", "Ambiguous", "Accepted"]


def test_a_server_that_closes_in_a_large_message_has_not_got_it(send: Send) -> None:
    with reading(200_000) as port:
        assert kinds(send(settings(port), [large(4_000_000)])) == ["NotSent"]


@pytest.mark.parametrize("size", [100, 300_000])
def test_a_large_message_is_accepted_too(send: Send, extensions: tuple[str, ...], size: int) -> None:
    with SmtpSink(store_messages=True, behavior=SinkBehavior(extensions=extensions)) as sink:
        messages = [large(size, f"c{number}@example.com") for number in range(3)]
        assert kinds(send(settings(sink.port), messages, timeouts=Timeouts())) == ["Accepted"] * 3
        assert sink.messages == [(message.address, data(message)) for message in messages]


def test_a_server_that_bounds_its_sessions_gets_further_ones(send: Send, extensions: tuple[str, ...]) -> None:
    with SmtpSink(behavior=SinkBehavior(extensions=extensions, messages_per_session=3)) as sink:
        assert kinds(send(settings(sink.port), batch(9))) == ["Accepted"] * 9
        assert (sink.count, sink.connections) == (9, 3)


def test_421_ends_the_session_and_not_the_batch(send: Send, extensions: tuple[str, ...]) -> None:
    with SmtpSink(behavior=SinkBehavior(extensions=extensions, at_rcpt=only("c2@example.com", "421 enough"))) as sink:
        outcomes = send(settings(sink.port), batch(5))
    assert outcomes[2] == TryAgain("421 enough")
    assert kinds(outcomes[:2] + outcomes[3:]) == ["Accepted"] * 4
    assert sink.connections == 2


@pytest.mark.parametrize("reply", ["450 4.7.1 slow down", "421 4.7.0 slow down", "550 5.7.1 the sender is blocked"])
def test_a_refused_sender_is_no_recipients_fault(extensions: tuple[str, ...], reply: str) -> None:
    report = Outcomes()
    messages = batch(30)

    async def deliver(port: int) -> None:
        async with smtp.connect(settings(port), timeouts=SHORT_TIMEOUTS) as transport:
            await transport.send(messages, report)

    with SmtpSink(behavior=SinkBehavior(extensions=extensions, at_mail=lambda _: reply)) as sink:
        asyncio.run(deliver(sink.port))
        assert sink.count == 0
    # At most one a session: the others are sent later.
    assert 1 <= len(report.ended) <= 4
    assert set(report.ended.values()) == {AccountRefused(reply)}
    assert report.begun == []


def test_a_sender_who_is_refused_in_the_middle_keeps_what_was_sent(extensions: tuple[str, ...]) -> None:
    report = Outcomes()
    messages = batch(40)
    accepted = iter(["ok"] * 10)

    async def deliver(port: int) -> None:
        async with smtp.connect(settings(port), timeouts=SHORT_TIMEOUTS) as transport:
            await transport.send(messages, report)

    slow_down = SinkBehavior(extensions=extensions, at_mail=lambda _: None if next(accepted, None) else "451 slow down")
    with SmtpSink(behavior=slow_down) as sink:
        asyncio.run(deliver(sink.port))
        sent = [outcome for outcome in report.ended.values() if isinstance(outcome, Accepted)]
        assert len(sent) == sink.count
    assert AccountRefused("451 slow down") in report.ended.values()
    assert {type(outcome) for outcome in report.ended.values()} <= {Accepted, AccountRefused, NotSent}


def test_sessions_stay_open_between_batches(send: Send) -> None:
    with SmtpSink() as sink:
        assert kinds(send(settings(sink.port), *[batch(40)] * 3)) == ["Accepted"] * 120
        assert sink.connections <= 4


async def test_a_session_that_died_at_rest_is_opened_again() -> None:
    with SmtpSink() as first:
        port = first.port
        connection = smtp.connect(settings(port), timeouts=SHORT_TIMEOUTS)
        transport = await connection.__aenter__()
        assert kinds(await send_all(transport, batch(2))) == ["Accepted"] * 2
    with SmtpSink(port) as second:
        assert kinds(await send_all(transport, batch(2))) == ["Accepted"] * 2
        assert second.count == 2
        await connection.__aexit__(None, None, None)


async def test_a_server_that_is_gone_gets_nothing() -> None:
    with SmtpSink() as sink:
        connection = smtp.connect(settings(sink.port), timeouts=SHORT_TIMEOUTS)
        transport = await connection.__aenter__()
    assert kinds(await send_all(transport, batch(2))) == ["NotSent"] * 2
    await connection.__aexit__(None, None, None)


def test_a_name_outside_ascii_needs_smtputf8(send: Send) -> None:
    messages = [compose(recipient("甲@example.com")), *batch(1), compose(recipient("乙@example.com"))]
    with SmtpSink() as sink:
        assert kinds(send(settings(sink.port), messages)) == ["Rejected", "Accepted", "Rejected"]
    with SmtpSink(store_messages=True, behavior=SinkBehavior(extensions=("PIPELINING", "SMTPUTF8"))) as sink:
        assert kinds(send(settings(sink.port), messages)) == ["Accepted"] * 3
        assert [address for address, _ in sink.messages] == [message.address for message in messages]


def test_one_message_a_session_at_most_is_past_its_dot_unanswered(send: Send) -> None:
    read = SimpleQueue[bytes]()
    with reading(None, read) as port:
        outcomes = send(settings(port), batch(12))
        contents = [read.get(timeout=5) for _ in range(4)]
    assert sorted(kinds(outcomes)) == ["Ambiguous"] * 4 + ["NotSent"] * 8
    for content in contents:
        assert content.count(b"\r\n.\r\n") == 1
        assert re.search(rb"\r\n\.\r\nMAIL FROM:<shop@example.com>\r\nRCPT TO:<c\d+@example.com>\r\nDATA\r\n$", content)


def test_a_server_that_does_not_exist_is_unreachable(send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match="cannot be reached"):
        send(settings(port))
    with pytest.raises(Unreachable, match="cannot be reached"):
        send(settings(port, host="no.such.host.invalid"))


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"", "in time"),
        (b"554 go away\r\n", "refuses service"),
        (b"HTTP/1.1 400 Bad\r\n", "does not speak SMTP"),
        (b"x" * 20_000, "more than SMTP allows"),
        (b"220-\r\n" * 500, "does not speak SMTP"),
        (None, "closed|broke"),
    ],
)
def test_a_greeting_that_is_not_smtp_s(send: Send, greeting: bytes | None, reason: str) -> None:
    with saying(greeting) as port, pytest.raises(Unreachable, match=reason):
        send(settings(port))


async def test_a_message_begins_before_its_end_of_data_and_what_may_not_begin_is_not_sent(
    extensions: tuple[str, ...],
) -> None:
    messages = batch(30)
    report = Outcomes(allowed=7)
    with SmtpSink(store_messages=True, behavior=SinkBehavior(extensions=extensions)) as sink:
        async with smtp.connect(settings(sink.port), timeouts=SHORT_TIMEOUTS) as transport:
            await transport.send(messages, report)
            assert sorted(address for address, _ in sink.messages) == sorted(m.address for m in report.begun)
            assert kinds(list(report.ended.values())) == ["Accepted"] * 7
            later = Outcomes()
            await transport.send([message for message in messages if message not in report.begun], later)
    assert kinds(list(later.ended.values())) == ["Accepted"] * 23
    assert sorted(address for address, _ in sink.messages) == sorted(message.address for message in messages)


async def test_a_slow_server_gets_a_few_messages_over_all_sessions() -> None:
    class AtFirstEnd(Outcomes):
        def end(self, message: Message, outcome: Outcome) -> None:
            in_flight.append(len(self.begun))
            super().end(message, outcome)

    in_flight: list[int] = []
    outcomes = AtFirstEnd()
    with SmtpSink(behavior=SinkBehavior(delay=0.5)) as sink:
        async with smtp.connect(settings(sink.port), timeouts=Timeouts()) as transport:
            await transport.send(batch(4), outcomes)
        assert sink.connections == 4
    assert kinds(list(outcomes.ended.values())) == ["Accepted"] * 4
    assert in_flight[0] == 4, "none waits for another"
