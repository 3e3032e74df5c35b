"""A connection test asks the mail server who may send, and sends nobody anything."""

import pytest
from muster_sdk import AccountReport, Unreachable

from channels.email.plugin import EmailChannel
from channels.email.sink.server import CLOSE, HANG, SinkBehavior, SmtpSink
from channels.email.smtp import account
from channels.email.smtp.connection import Timeouts
from domain.sessions.host import CallHost
from tests.channels.email.support import settings

SHORT_TIMEOUTS = Timeouts(connect=2, reply=0.3)
CREDENTIALS = {"username": "shop", "password": "a secret"}
WITH_AUTH = ("PIPELINING", "AUTH PLAIN")


async def test_the_server_says_who_the_settings_are_and_gets_no_message() -> None:
    asked: list[str] = []
    behavior = SinkBehavior(at_mail=asked.append, extensions=WITH_AUTH, credentials=("shop", "a secret"))
    with SmtpSink(behavior=behavior) as sink:
        report = await EmailChannel().check(settings(sink.port, **CREDENTIALS), CallHost())
        assert report == AccountReport(f"shop at 127.0.0.1:{sink.port}", [])
        assert (await account.check(settings(sink.port))).account == f"127.0.0.1:{sink.port}"
        assert (asked, sink.count) == (["shop@example.com", "shop@example.com"], 0)


async def test_a_sender_who_may_not_send_is_a_problem() -> None:
    with SmtpSink(behavior=SinkBehavior(at_mail=lambda _: "553 5.7.1 Not yours")) as sink:
        report = await account.check(settings(sink.port))
    said = "The mail server takes no mail from shop@example.com: 553 5.7.1 Not yours. "
    assert report.problems == [said + "Allow this sender there, or set another fromAddress"]


async def test_wrong_credentials_are_refused_without_repeating_them() -> None:
    behavior = SinkBehavior(extensions=WITH_AUTH, credentials=("shop", "another"))
    with SmtpSink(behavior=behavior) as sink, pytest.raises(Unreachable, match="refuses the username") as refused:
        await account.check(settings(sink.port, **CREDENTIALS))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("fault", [CLOSE, HANG])
async def test_a_server_that_does_not_answer_is_unreachable(fault: str) -> None:
    behavior = SinkBehavior(at_mail=lambda _: fault)
    with SmtpSink(behavior=behavior) as sink, pytest.raises(Unreachable, match="The mail server"):
        await account.check(settings(sink.port), timeouts=SHORT_TIMEOUTS)
