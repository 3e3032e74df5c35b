"""Faults that people plant into channels, one in each: `FAULTS` says which test of the contract finds it."""

import asyncio
import hmac
import logging
import socket
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast
from uuid import UUID, uuid4

from muster_sdk import (
    Accepted,
    AccountRefused,
    AccountReport,
    Ambiguous,
    Composer,
    Host,
    HttpAnswer,
    Message,
    NoAnswer,
    NotConnected,
    Outcome,
    Receipt,
    Receipts,
    Recipient,
    Rejected,
    Report,
    Templates,
    Transport,
    Unreachable,
    WebhookRequest,
)
from muster_sdk.testing import ChannelContract
from pydantic import BaseModel, ConfigDict

from tests.plugins.sdk.loft import PigeonSubject
from tests.plugins.sdk.pigeon_post import (
    NoteComposer,
    PigeonContent,
    PigeonPost,
    PigeonSettings,
    PigeonTransport,
    asked,
    compiled,
    signature,
)

log = logging.getLogger(__name__)
_NUMBERS = count()


class EndsBeforeItSends(PigeonTransport):
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        begun = [message for message in messages if report.begin(message)]
        for message in begun:
            report.end(message, Accepted("id-1"))
        if begun:
            await self.post(begun)


class BeginsAfterItSent(PigeonTransport):
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        outcomes = await self.post(messages)
        for message in messages:
            if report.begin(message):
                report.end(message, outcomes[message.key])


class TakesSilenceForRefusal(PigeonTransport):
    async def post(self, messages: Sequence[Message]) -> Mapping[UUID, Outcome]:
        outcomes = await super().post(messages)
        return {
            key: Rejected(outcome.reason) if isinstance(outcome, Ambiguous) else outcome
            for key, outcome in outcomes.items()
        }


class RetriesByItself(PigeonTransport):
    async def ask(self, messages: Sequence[Message]) -> HttpAnswer:
        answer = await super().ask(messages)
        return await super().ask(messages) if answer.status == 500 else answer


class IgnoresFalse(PigeonTransport):
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            report.begin(message)
        outcomes = await self.post(messages)
        for message in messages:
            report.end(message, outcomes[message.key])


class LosesTheLast(PigeonTransport):
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        await super().send(messages[:49], report)


class SendsAKeyOfItsOwn(PigeonTransport):
    def key(self, message: Message) -> str:
        return str(uuid4())


class KeysByAddress(PigeonTransport):
    def key(self, message: Message) -> str:
        return message.address


class RepeatsUnderAnotherKey(PigeonTransport):
    def __init__(self, settings: PigeonSettings, host: Host) -> None:
        super().__init__(settings, host)
        self.number = next(_NUMBERS)

    def key(self, message: Message) -> str:
        return f"{message.key}.{self.number}"


class ForgetsToAwait(PigeonTransport):
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            if not report.begin(message):
                return
            report.end(message, cast("Outcome", self.post([message])))


class Sleeps(PigeonTransport):
    async def ask(self, messages: Sequence[Message]) -> HttpAnswer:
        time.sleep(0.3)  # noqa: ASYNC251 - the fault
        return await super().ask(messages)


class TellsTheToken(PigeonTransport):
    def read(self, messages: Sequence[Message], answer: HttpAnswer) -> Mapping[UUID, Outcome]:
        if answer.status == 500:
            reason = f"500 for {self.settings.token.get_secret_value()}"
            return {message.key: Ambiguous(reason) for message in messages}
        return super().read(messages, answer)


class LogsAddresses(PigeonTransport):
    async def ask(self, messages: Sequence[Message]) -> HttpAnswer:
        log.info("sending to %s", ", ".join(message.address for message in messages))
        return await super().ask(messages)


class IgnoresRetryAfter(PigeonTransport):
    def read(self, messages: Sequence[Message], answer: HttpAnswer) -> Mapping[UUID, Outcome]:
        outcomes = super().read(messages, answer)
        return {
            key: replace(outcome, after=None) if isinstance(outcome, AccountRefused) else outcome
            for key, outcome in outcomes.items()
        }


class BlamesTheRecipients(PigeonTransport):
    def read(self, messages: Sequence[Message], answer: HttpAnswer) -> Mapping[UUID, Outcome]:
        if answer.status == 429:
            return {message.key: Rejected("429 Too many requests") for message in messages}
        return super().read(messages, answer)


class EndsTwice(PigeonTransport):
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        for message in messages:
            if not report.begin(message):
                return
            outcome = (await self.post([message]))[message.key]
            report.end(message, Ambiguous("It is on its way"))
            report.end(message, outcome)


class LeavesOutTheId(PigeonTransport):
    def outcome(self, entry: Mapping[str, str]) -> Outcome:
        outcome = super().outcome(entry)
        return Accepted() if isinstance(outcome, Accepted) else outcome


class RaisesWhenThereIsNoAnswer(PigeonTransport):
    async def post(self, messages: Sequence[Message]) -> Mapping[UUID, Outcome]:
        return self.read(messages, await self.ask(messages))


class TrustsAnyAnswer(PigeonTransport):
    def read(self, messages: Sequence[Message], answer: HttpAnswer) -> Mapping[UUID, Outcome]:
        if answer.status == 200:
            return {message.key: Rejected("The loft says nothing") for message in messages}
        return super().read(messages, answer)


class LeavesATaskRunning(PigeonTransport):
    async def send(self, messages: Sequence[Message], report: Report) -> None:
        _TASKS.append(asyncio.create_task(asyncio.sleep(60)))
        await super().send(messages, report)


_TASKS: list[asyncio.Task[None]] = []


@dataclass(frozen=True)
class Faulty(PigeonPost):
    """A pigeon post with another transport."""

    transport: type[PigeonTransport] = PigeonTransport

    @asynccontextmanager
    async def connect(self, settings: PigeonSettings, host: Host) -> AsyncGenerator[Transport]:
        yield self.transport(settings, host)


class AcceptsAnySignature(PigeonPost):
    def verify(self, request: WebhookRequest, settings: PigeonSettings) -> None:
        return None


class HasNoWindow(PigeonPost):
    def verify(self, request: WebhookRequest, settings: PigeonSettings) -> None:
        if hmac.compare_digest(request.headers.get("x-loft-signature", ""), signature(request, settings)):
            return
        super().verify(request, settings)


class StumblesOverUnknownEvents(PigeonPost):
    def receipts(self, events: Sequence[Mapping[str, Any]]) -> list[Receipt]:
        return [self.receipt(event) for event in events]


class TellsWhenItCame(PigeonPost):
    def receipt(self, event: Mapping[str, Any]) -> Receipt:
        return replace(super().receipt(event), at=datetime.now(UTC), id=str(next(_NUMBERS)))


class KeepsTheCursor(PigeonPost):
    async def poll_receipts(self, settings: PigeonSettings, host: Host) -> Receipts:
        answer = await asked(host, settings, "/events", after="0")
        return Receipts(self.receipts(answer.json()["events"]))


class CountsMessages(PigeonPost):
    def prepare(self, content: PigeonContent, settings: PigeonSettings | None, templates: Templates) -> Composer:
        composer = super().prepare(content, settings, templates)
        numbers = count()

        class Counting(NoteComposer):
            def compose(self, recipient: Recipient) -> Message:
                message = super().compose(recipient)
                return replace(message, size=message.size + next(numbers))

        assert isinstance(composer, NoteComposer)
        return Counting(composer.text, composer.html)


class AsksInPrepare(PigeonPost):
    def prepare(self, content: PigeonContent, settings: PigeonSettings | None, templates: Templates) -> Composer:
        with socket.socket() as connection:
            connection.connect_ex(("127.0.0.1", 9))
        return super().prepare(content, settings, templates)


class RendersNames(PigeonPost):
    def prepare(self, content: PigeonContent, settings: PigeonSettings | None, templates: Templates) -> Composer:
        composer = super().prepare(content, settings, templates)

        class Twice(NoteComposer):
            def compose(self, recipient: Recipient) -> Message:
                message = super().compose(recipient)
                text = templates.compile(cast("Any", message.body).text).render(recipient.variables)
                return replace(message, body=replace(cast("Any", message.body), text=text))

        assert isinstance(composer, NoteComposer)
        return Twice(composer.text, composer.html)


class EscapesNothing(PigeonPost):
    def prepare(self, content: PigeonContent, settings: PigeonSettings | None, templates: Templates) -> Composer:
        html = None if content.html is None else compiled(templates, "html", content.html)
        return NoteComposer(compiled(templates, "text", content.text), html)


class NeedsSettings(PigeonPost):
    def prepare(self, content: PigeonContent, settings: PigeonSettings | None, templates: Templates) -> Composer:
        assert cast("Any", settings).loft
        return super().prepare(content, settings, templates)


class ChecksNothing(PigeonPost):
    async def check(self, settings: PigeonSettings, host: Host) -> AccountReport:
        try:
            await host.http.request("GET", f"{settings.api_base_url}/me")
        except (NotConnected, NoAnswer) as error:
            raise Unreachable(str(error)) from error
        return AccountReport("Somebody's loft")


class OpenSettings(PigeonSettings):
    model_config = ConfigDict(extra="ignore")


class ReadableSettings(PigeonSettings):
    webhook_secret: str  # type: ignore[assignment]  # the fault


@dataclass(frozen=True)
class Described(PigeonPost):
    """A pigeon post with other settings."""

    settings: type[BaseModel] = field(default=OpenSettings)


class ReadableSecret(Described):
    def verify(self, request: WebhookRequest, settings: PigeonSettings) -> None:
        return None


def batches(size: int) -> PigeonPost:
    return replace(PigeonPost(), capabilities=replace(PigeonPost().capabilities, max_batch=size))


def declaring(**changes: Any) -> PigeonPost:
    return replace(PigeonPost(), capabilities=replace(PigeonPost().capabilities, **changes))


FAULTS: dict[str, tuple[PigeonPost, str]] = {
    "ends before it sends": (Faulty(transport=EndsBeforeItSends), "test_messages_end_behind_their_answers"),
    "begins after it sent": (Faulty(transport=BeginsAfterItSent), "test_messages_begin_before_they_leave"),
    "takes silence for refusal": (
        Faulty(transport=TakesSilenceForRefusal),
        "test_a_time_out_after_the_bytes_leaves_doubt",
    ),
    "retries by itself": (Faulty(transport=RetriesByItself), "test_send_tries_once"),
    "ignores False": (Faulty(transport=IgnoresFalse), "test_false_lets_nothing_leave"),
    "loses one of a batch": (Faulty(transport=LosesTheLast), "test_a_whole_batch_is_sent"),
    "sends a key of its own": (Faulty(transport=SendsAKeyOfItsOwn), "test_keys_are_the_messages"),
    "keys by address": (Faulty(transport=KeysByAddress), "test_keys_are_the_messages"),
    "repeats under another key": (Faulty(transport=RepeatsUnderAnotherKey), "test_a_repeat_is_delivered_once"),
    "forgets to await": (Faulty(transport=ForgetsToAwait), "test_the_rules_of_reports_are_kept"),
    "sleeps in send": (Faulty(transport=Sleeps), "test_the_event_loop_is_never_held_up"),
    "tells the token": (Faulty(transport=TellsTheToken), "test_no_secret_is_told"),
    "logs addresses": (Faulty(transport=LogsAddresses), "test_no_address_is_told"),
    "ignores Retry-After": (Faulty(transport=IgnoresRetryAfter), "test_a_refused_account_waits_as_long_as_asked"),
    "blames the recipients": (Faulty(transport=BlamesTheRecipients), "test_a_refused_account_is_no_recipients_fault"),
    "ends twice": (Faulty(transport=EndsTwice), "test_the_rules_of_reports_are_kept"),
    "leaves out the ID": (Faulty(transport=LeavesOutTheId), "test_accepted_has_the_providers_id"),
    "raises without an answer": (
        Faulty(transport=RaisesWhenThereIsNoAnswer),
        "test_a_reset_after_the_message_leaves_doubt",
    ),
    "trusts any answer": (Faulty(transport=TrustsAnyAnswer), "test_an_answer_without_sense_leaves_doubt"),
    "leaves a task running": (Faulty(transport=LeavesATaskRunning), "test_nothing_is_left_open"),
    "accepts any signature": (AcceptsAnySignature(), "test_webhooks_without_their_signature_are_refused"),
    "has no window": (HasNoWindow(), "test_replayed_webhooks_are_refused"),
    "stumbles over unknown events": (StumblesOverUnknownEvents(), "test_unknown_events_are_passed_over"),
    "tells when receipts came": (TellsWhenItCame(), "test_receipts_keep_their_identity"),
    "polls from the beginning": (KeepsTheCursor(), "test_polls_bring_receipts_once"),
    "counts messages": (CountsMessages(), "test_composing_is_the_same_each_time"),
    "asks in prepare": (AsksInPrepare(), "test_composing_asks_nobody"),
    "renders names": (RendersNames(), "test_hostile_names_do_no_harm"),
    "escapes nothing": (EscapesNothing(), "test_hostile_names_do_no_harm"),
    "needs settings": (NeedsSettings(), "test_good_content_is_taken"),
    "checks nothing": (ChecksNothing(), "test_check_refuses_wrong_credentials"),
    "exceeds the provider's batch": (batches(80), "test_a_whole_batch_is_sent"),
    "takes unknown settings": (Described(), "test_its_models_are_json_schemas"),
    "shows a secret": (ReadableSecret(settings=ReadableSettings), "test_its_secrets_are_marked"),
    "declares what it has not": (declaring(oauth=True), "test_it_does_what_its_capabilities_declare"),
}


def class_of(fault: str) -> str:
    return "Test" + "".join(word.capitalize() for word in fault.replace("'", "").replace("-", " ").split())


for _fault, (_channel, _) in FAULTS.items():
    _members = {"channel": _channel, "__module__": __name__}
    globals()[class_of(_fault)] = type(class_of(_fault), (PigeonSubject, ChannelContract), _members)
