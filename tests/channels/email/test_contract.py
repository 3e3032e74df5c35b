"""The e-mail channel passes the contract of channels, against the repository's own sink."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from time import monotonic, sleep
from typing import Any, ClassVar

import pytest
from muster_sdk import Channel, Grade, Host, Transport, TryAgain, grade_of
from muster_sdk.testing import Act, ChannelContract, ProviderDouble, SentMessage

from channels.email.plugin import EmailChannel
from channels.email.settings import EmailSettings
from channels.email.sink.protocol import CLOSE, HANG, SinkBehavior
from channels.email.sink.server import SmtpSink
from channels.email.smtp import transport
from channels.email.smtp.connection import Timeouts

pytestmark = pytest.mark.xdist_group("contract of e-mail")
CREDENTIALS = ("shop", "password-4711")
_CAPABILITIES = EmailChannel().capabilities
# Each of them is a part of silver that a channel declares.
IS_SILVER = _CAPABILITIES.connection_check and (_CAPABILITIES.account_limits or _CAPABILITIES.idempotent)


_SLOW_SECONDS = 0.2
_TIMEOUTS = Timeouts(connect=1.5, reply=3, end_of_data=2)
_EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "AUTH PLAIN")
_AT_RCPT = {
    Act.REFUSE_RECIPIENT: "550 5.1.1 <{}> is unknown",
    Act.DEFER_RECIPIENT: "451 4.2.0 The mailbox of <{}> is being moved",
    Act.RESET_BEFORE: CLOSE,
}
_AT_END_OF_DATA = {
    Act.FAIL: "451 4.3.0 The server failed",
    Act.RESET_AFTER: CLOSE,
    Act.SILENCE: HANG,
    Act.GARBAGE: "<html>",
    Act.FLOOD: "250-" + "x" * 100_000,
}


class MailServer(ProviderDouble):
    """The sink, which refuses at RCPT and does the rest at the end of a message's content."""

    # SMTP has no way to say how long.
    retry_after = None
    # A reply of 4xx or 5xx says that the server has not taken the message (RFC 5321 4.2.5).
    failure_takes = False

    def __init__(self) -> None:
        super().__init__()
        self._sink: SmtpSink | None = None

    def start(self) -> None:
        behavior = SinkBehavior(at_rcpt=self._at_rcpt, at_end_of_data=self._at_end_of_data, extensions=_EXTENSIONS)
        self._sink = SmtpSink(self.port, behavior=replace(behavior, credentials=CREDENTIALS, at_mail=self._at_mail))
        self._sink.__enter__()
        self.port = self._sink.port

    def stop(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.__exit__()

    def _at_mail(self, sender: str) -> str | None:
        assert sender == "shop@example.com"
        return "450 4.7.1 Too many messages: slow down" if self.always is Act.REFUSE_ACCOUNT else None

    def _at_rcpt(self, recipient: str) -> str | None:
        reply = _AT_RCPT.get(self.decide(recipient))
        return None if reply is None else reply.format(recipient)

    def _at_end_of_data(self, recipient: str) -> str | None:
        act = self.decide(recipient)
        attempt = self.note(SentMessage(recipient), act)
        if act is Act.SLOW:
            sleep(_SLOW_SECONDS)
        reply = _AT_END_OF_DATA.get(act, f"250 2.0.0 Ok: queued as {attempt.provider_id}")
        if reply not in {CLOSE, HANG}:
            attempt.answered = monotonic()
        return reply


class TestEmailContract(ChannelContract):
    channel: Channel = EmailChannel()
    provider = MailServer
    records_grade = False
    least_grade = Grade.SILVER if IS_SILVER else Grade.BRONZE
    failure_outcomes = (TryAgain,)
    content: ClassVar = {
        "subject": "News for {{ customer.name }}",
        "preheader": "For {{ customer.name }}",
        "html": "<p>Dear {{ customer.name }}</p>",
    }
    bad_settings: ClassVar = [
        ({"host": "a b", "fromAddress": "shop@example.com"}, ("host",)),
        ({"host": "mail.example.com", "fromAddress": "shop"}, ("fromAddress",)),
        ({"host": "mail.example.com", "fromAddress": "shop@example.com", "port": 0}, ("port",)),
        ({"host": "mail.example.com", "fromAddress": "shop@example.com", "username": "shop"}, ()),
        ({"host": "mail.example.com", "fromAddress": "shop@example.com", "security": "ssl"}, ("security",)),
    ]
    bad_content: ClassVar = [
        ({"subject": "", "text": "Hi"}, ("subject",)),
        ({"subject": "Hi\nBcc: all@example.com", "text": "Hi"}, ("subject",)),
        ({"subject": "Hi {{ customer.name", "text": "Hi"}, ("subject",)),
        ({"subject": "Hi", "html": "{% if %}"}, ("html",)),
        ({"subject": "Hi"}, ()),
    ]

    def good_settings(self, provider: MailServer) -> Mapping[str, Any]:
        username, password = CREDENTIALS
        server = {"host": "127.0.0.1", "port": provider.port, "security": "none"}
        return {**server, "username": username, "password": password, "fromAddress": "shop@example.com"}

    def connect(self, settings: EmailSettings, host: Host) -> AbstractAsyncContextManager[Transport]:
        return transport.connect(settings, timeouts=_TIMEOUTS)

    def test_the_grade_is_written(self) -> None:
        assert grade_of(self.channel) is self.least_grade, "write it into channels/email/muster-contract.json"
