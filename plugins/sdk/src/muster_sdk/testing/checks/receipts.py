"""Receipts: read when the provider has signed them, refused otherwise, and the same however often they come."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from muster_sdk.channel import MessageReference
from muster_sdk.errors import Unreachable
from muster_sdk.receipts import Receipt, ReceiptKind, Receipts, WebhookAnswer, WebhookRefused, WebhookRequest
from muster_sdk.testing.failure import expect, fail, leave_out
from muster_sdk.testing.secrecy import leaks, secrets_of
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.trial import Trial, TrialPlan

__all__ = ["ReceiptChecks"]

_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_URL = "https://muster.example/webhooks/kit/1-kit"
_KEPT_HEADERS = {"content-type", "content-length", "host", "user-agent"}
_STATE_BYTES = 65_536
_NONSENSE = {
    "nothing": b"",
    "no JSON": b'{"events": [',
    "bytes": b"\xff\xfe\0",
    "a number": b"7",
    "a list": b"[[null]]",
}


class ReceiptChecks(ContractSubject):
    """Tests of webhooks and of polling."""

    def test_signed_webhooks_are_read(self) -> None:
        with self._webhooks() as reader:
            receipts = self._receipts(3)
            answer = reader.read(reader.signed(self.webhook_body(receipts)))
        _expect_same(answer.receipts, receipts, "A webhook")
        expect(200 <= answer.status < 300, f"A good webhook is answered with {answer.status}", "Answer with 200")

    @pytest.mark.parametrize("what", ["missing", "wrong", "another account's"])
    def test_webhooks_without_their_signature_are_refused(self, what: str) -> None:
        with self._webhooks() as reader:
            body = self.webhook_body(self._receipts(1))
            request = reader.signed(body)
            if what == "missing":
                headers = {name: value for name, value in request.headers.items() if name in _KEPT_HEADERS}
                request = replace(request, headers=headers, query={}, url=request.url.partition("?")[0])
            elif what == "wrong":
                if not self.webhook_signs_body:
                    leave_out("the provider signs nothing of the body")
                request = replace(request, body=self.webhook_body(self._receipts(2)))
            else:
                request = reader.signed(body, other=True)
            outcome = reader.attempt(request)
        expect(
            isinstance(outcome, WebhookRefused),
            f"A webhook whose signature is {what} came to {_what(outcome)}",
            "It raises WebhookRefused before anything of the body is believed",
        )

    def test_replayed_webhooks_are_refused(self) -> None:
        window = self.webhook_window
        with self._webhooks() as reader:
            if window is None:
                leave_out("the provider signs no time (webhook_window)")
            request = reader.signed(self.webhook_body(self._receipts(1)))
            early = reader.attempt(replace(request, received_at=_AT + window * 0.9))
            late = reader.attempt(replace(request, received_at=_AT + window + timedelta(minutes=1)))
        expect(
            isinstance(late, WebhookRefused),
            f"A webhook that was signed longer ago than {window} came to {_what(late)}",
            "It raises WebhookRefused: compare the signed time with received_at, and nothing with this machine's clock",
        )
        expect(
            isinstance(early, WebhookAnswer),
            f"A webhook within {window} came to {_what(early)}",
            "It is read: providers deliver late",
        )

    def test_handshakes_are_answered(self) -> None:
        with self._webhooks() as reader:
            handshake = self.handshake(reader.trial.settings, _URL)
            if handshake is None:
                leave_out("the provider has no handshake")
            request, expected = handshake
            outcome = reader.attempt(request)
        expect(
            outcome == expected,
            f"The provider's handshake came to {_what(outcome)}",
            f"It is answered with {_what(expected)}",
        )

    def test_receipts_keep_their_identity(self) -> None:
        """They come late, twice and in any order: what names the message and the event stays the same."""
        with self._webhooks() as reader:
            receipts = self._receipts(3)
            first = [reader.read(reader.signed(self.webhook_body([one]))).receipts for one in receipts]
            later = _AT + timedelta(days=2)
            again = [reader.read(reader.signed(self.webhook_body([one]), at=later)).receipts for one in receipts[::-1]]
            together = reader.read(reader.signed(self.webhook_body(receipts[::-1]))).receipts
        flat = [receipt for read in first for receipt in read]
        _expect_same([receipt for read in again[::-1] for receipt in read], flat, "A webhook that came again, later,")
        _expect_same(list(together)[::-1], flat, "A webhook in another order")

    def test_unknown_events_are_passed_over(self) -> None:
        with self._webhooks() as reader:
            outcome = reader.attempt(reader.signed(self.unknown_webhook_body()))
        expect(
            isinstance(outcome, WebhookAnswer) and not outcome.receipts and 200 <= outcome.status < 300,
            f"An event that the channel does not know came to {_what(outcome)}",
            "It is answered with an empty WebhookAnswer: a refused one comes again for days",
        )

    @pytest.mark.parametrize("what", _NONSENSE)
    def test_signed_nonsense_does_no_harm(self, what: str) -> None:
        with self._webhooks() as reader:
            outcome = reader.attempt(reader.signed(_NONSENSE[what]))
        expect(
            isinstance(outcome, WebhookRefused) or (isinstance(outcome, WebhookAnswer) and not outcome.receipts),
            f"A signed webhook with {what} came to {_what(outcome)}",
            "It raises WebhookRefused, or is answered without receipts",
        )

    def test_webhooks_tell_no_secret(self) -> None:
        with self._webhooks() as reader:
            request = reader.signed(self.webhook_body(self._receipts(1)))
            outcomes = [reader.attempt(request), reader.attempt(replace(request, headers={}, query={}))]
            secrets = secrets_of(reader.trial.settings)
        told = [*map(str, outcomes), *reader.told]
        expect(not leaks(secrets, told), "read_webhook tells a secret", "Leave secrets out of errors, answers and logs")

    def test_polls_bring_receipts_once(self) -> None:
        """The cursor is in the state: what was brought does not come again, and what is new does."""
        with self._polls() as trial:
            first, second = self._receipts(3)[:2], self._receipts(3)[2:]
            self.offer_receipts(trial.double, first)
            _expect_same(_polled(self, trial), first, "A poll")
            repeated = _polled(self, trial)
            self.offer_receipts(trial.double, second)
            _expect_same(_polled(self, trial), second, "A poll of what came since")
            size = len(json.dumps(trial.state.values).encode())
        expect(
            not repeated,
            f"A second poll brought {len(repeated)} receipts again",
            "Put the cursor into host.state, and ask for what is behind it",
        )
        expect(size <= _STATE_BYTES, f"The state has {size:,} bytes", "A cursor is enough")

    def test_polls_of_a_provider_that_is_away_say_so(self) -> None:
        with self._polls(TrialPlan(reach="away")) as trial:
            try:
                outcome: object = trial.run(lambda host: cast("Any", self.channel).poll_receipts(trial.settings, host))
            except Exception as error:  # noqa: BLE001 - what it raises is what is looked at
                outcome = error
        expect(
            isinstance(outcome, Unreachable),
            f"poll_receipts came to {outcome!r} when nobody listened at the provider's address",
            "It raises Unreachable, and leaves the state as it was",
        )
        expect(not trial.state.values, "A poll that failed has moved the cursor", "Put it when the page has been read")

    def _receipts(self, count: int) -> list[Receipt]:
        """Return receipts of different messages and kinds, as the channel's provider names messages."""
        declared = self.channel.capabilities
        kinds = [ReceiptKind.DELIVERED, ReceiptKind.FAILED]
        kinds += [ReceiptKind.OPENED] if declared.open_tracking else [ReceiptKind.DELIVERED]
        by_key = declared.reference in {MessageReference.KEY, MessageReference.BOTH}
        by_id = declared.reference in {MessageReference.PROVIDER_ID, MessageReference.BOTH}
        return [
            Receipt(
                kind,
                _AT - timedelta(minutes=number),
                key=self.recipient(number).key if by_key else None,
                provider_id=f"id-{number}" if by_id else None,
                id=f"event-{number}",
                reason="30003 no such loft" if kind is ReceiptKind.FAILED else None,
            )
            for number, kind in enumerate(kinds[:count], 1)
        ]

    def _webhooks(self) -> "_Reader":
        if not self.channel.capabilities.webhooks:
            leave_out("webhooks")
        return _Reader(self)

    def _polls(self, plan: TrialPlan | None = None) -> AbstractContextManager[Trial]:
        if self.channel.capabilities.polling is None:
            leave_out("polling")
        return Trial(self, plan).opened()


class _Reader:
    """Reads webhooks by the channel, with the settings of a double that is not asked."""

    def __init__(self, subject: ContractSubject) -> None:
        self.subject = subject
        self.trial = Trial(subject)
        self._opened = self.trial.opened()
        self.told: list[str] = []

    def __enter__(self) -> "_Reader":
        self._opened.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._opened.__exit__(*error)

    def signed(self, body: bytes, *, at: datetime = _AT, other: bool = False) -> WebhookRequest:
        settings = self.trial.settings
        if other:
            values = self.subject.bad_credentials(self.trial.double)
            if values is None:
                fail("bad_credentials are None, and webhooks are signed", "Return settings with another secret")
            settings = self.subject.channel.settings.model_validate(values)
        return self.subject.sign_webhook(body, at, settings, _URL)

    def attempt(self, request: WebhookRequest) -> object:
        """Return the answer, or what was raised."""
        reader = cast("Any", self.subject.channel)
        try:
            answer: object = self.trial.run(lambda host: reader.read_webhook(request, self.trial.settings, host))
        except Exception as error:  # noqa: BLE001 - what it raises is what is looked at
            answer = error
        self.told += [*self.trial.traces.logs, self.trial.traces.output]
        return answer

    def read(self, request: WebhookRequest) -> WebhookAnswer:
        answer = self.attempt(request)
        if not isinstance(answer, WebhookAnswer):
            fail(f"A webhook that the provider signed came to {_what(answer)}", "read_webhook returns a WebhookAnswer")
        return answer


def _polled(subject: ContractSubject, trial: Trial) -> Sequence[Receipt]:
    found: list[Receipt] = []
    for _ in range(10):
        answer: object = trial.run(lambda host: cast("Any", subject.channel).poll_receipts(trial.settings, host))
        if not isinstance(answer, Receipts):
            fail(f"poll_receipts returned a {type(answer).__name__}", "It returns muster_sdk.Receipts")
        found += answer.receipts
        if not answer.more:
            break
    else:
        fail("poll_receipts said ten times that there is more", "more is False when the page was the last")
    return found


def _expect_same(found: Sequence[Receipt], expected: Sequence[Receipt], what: str) -> None:
    expect(
        len(found) == len(expected),
        f"{what} with {len(expected)} receipts came to {len(found)}",
        "Each event of the provider that the channel knows is one receipt",
    )
    for one, other in zip(found, expected, strict=True):
        expect(
            one.at.tzinfo is not None,
            f"{what} came to a receipt whose moment has no time zone",
            "Receipt.at is an aware datetime: providers' clocks are in UTC where they do not say otherwise",
        )
        expect(
            (one.kind, one.key, one.provider_id) == (other.kind, other.key, other.provider_id),
            f"{what} came to {_identity(one)}, and the provider told {_identity(other)}",
            "A receipt has the kind that it is, and names its message as Capabilities.reference says",
        )
        expect(
            one.id == other.id and one.at == other.at,
            f"{what} came to the event {one.id!r} at {one.at}, and the provider told {other.id!r} at {other.at}",
            "Take the event's own ID and moment, not those of its arrival: by them a repeat is known",
        )


def _identity(receipt: Receipt) -> Mapping[str, object]:
    return {"kind": receipt.kind.value, "key": receipt.key, "provider_id": receipt.provider_id}


def _what(outcome: object) -> str:
    match outcome:
        case WebhookAnswer():
            return f"an answer {outcome.status} {outcome.body!r} with {len(outcome.receipts)} receipts"
        case WebhookRefused():
            return "WebhookRefused"
        case _:
            return f"{type(outcome).__name__}: {str(outcome)[:200]}"
