"""Composing messages: the same each time, without a network, whatever people are called."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, TypeVar

import pytest
from pydantic import ValidationError

from muster_sdk.channel import Composer, Message, Recipient, Shown
from muster_sdk.errors import ContentInvalid, TemplateInvalid
from muster_sdk.outcomes import Accepted, Ambiguous, Rejected
from muster_sdk.testing.failure import expect, fail
from muster_sdk.testing.secrecy import leaks, secrets_of
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.traces import network_calls
from muster_sdk.testing.trial import Trial, composer_of

__all__ = ["HOSTILE_ADDRESSES", "HOSTILE_TEXTS", "CompositionChecks"]

T = TypeVar("T")
_PRODUCT = "51732969"

HOSTILE_TEXTS: dict[str, str] = {
    "line breaks": "Ann\r\nBcc: all@example.com\r\n\r\n.\r\nX: y",
    "NUL": "Ann\0Lee\x07",
    "emoji": "👩‍👩‍👧‍👦 \U0001f1f9\U0001f1fc é",
    "marks that turn text": "Ann\u202eeeL\u2066\u200f",
    "a megabyte": "A" * 1_000_000,
    "a template": "{{ 7191 * 7194 + 915 }}{% for a in 'xx' %}{{ a }}{% endfor %}",
    "HTML": "<script>alert('51732')</script><b a=\"1\">&amp;",
    "JSON": '"},{"to":"all","x":"\\u0000\\',
    "a path": "../../admin?x=1&y=2#z;'\"--",
}
"""Texts that people have as names, or write into a campaign."""

HOSTILE_ADDRESSES: dict[str, str] = {
    "none": "",
    "line breaks": "a@example.com\r\nRCPT TO:<b@example.com>",
    "NUL": "a\0b@example.com",
    "a path": "../../admin?to=all&x=1#",
    "long": "a" * 10_000,
    "emoji": "👩‍👧@example.com",
    "JSON": '"},{"to":"all',
}
"""Addresses that an earlier release of the host may have stored."""


class CompositionChecks(ContractSubject):
    """Tests of `prepare`, `compose` and `show`."""

    hostile_content_parts: ClassVar[str] = "{{ customer.name }}"

    def test_messages_are_their_recipients(self) -> None:
        with Trial(self).opened() as trial:
            recipient = self.recipient(1)
            message = self._composed(composer_of(self, trial.settings), recipient)
        expect(
            message.key == recipient.key,
            f"compose gave the message the key {message.key} for the recipient {recipient.key}",
            "A message has its recipient's key, the same on each attempt: a repeat is known by it",
        )
        expect(
            message.address == recipient.address,
            "compose gave the message another address than its recipient's",
            "A message has its recipient's address",
        )
        expect(
            type(message.size) is int and message.size > 0,
            f"The message's size is {message.size!r}",
            "It is the bytes of memory that the message takes, about: more than none",
        )

    def test_messages_are_personal(self) -> None:
        with Trial(self).opened() as trial:
            composer = composer_of(self, trial.settings)
            ann, bea = (self._shown(composer, self.recipient(1, name)) for name in ("Ann-51", "Bea-52"))
        expect(
            "Ann-51" in _seen(ann) and "Bea-52" in _seen(bea),
            "The message that show returns does not have the recipient's name in it",
            "Give content that uses {{ customer.name }}, render it for each recipient, and show it as it is sent",
        )

    def test_composing_is_the_same_each_time(self) -> None:
        with Trial(self).opened() as trial:
            composer = composer_of(self, trial.settings)
            ann, bea = self.recipient(1, "Ann"), self.recipient(2, "Bea")
            first = self._appearance(composer, ann)
            self._appearance(composer, bea)
            again = self._appearance(composer, ann)
            with ThreadPoolExecutor(2) as threads:
                beside = list(threads.map(self._appearance, [composer] * 8, [ann, bea] * 4))
        expect(
            first == again and all(one == first for one in beside[::2]),
            "compose returned another message for the same recipient the next time, or on another thread",
            "A message follows from the content and its recipient alone: keep no state between messages",
        )

    def test_composing_asks_nobody(self) -> None:
        with Trial(self).opened() as trial, network_calls() as calls:
            composer = composer_of(self, trial.settings)
            self._shown(composer, self.recipient(1))
        expect(
            not calls,
            f"prepare, compose or show used the network: {', '.join(calls)}",
            "They work from what they are given: what the provider knows is asked for in send, check or work",
        )

    def test_show_is_plain_data(self) -> None:
        with Trial(self).opened() as trial:
            shown: Any = self._shown(composer_of(self, trial.settings), self.recipient(1))
            secrets = secrets_of(trial.settings)
        expect(isinstance(shown, Shown), f"show returned a {type(shown).__name__}", "It returns a muster_sdk.Shown")
        try:
            payload = json.dumps(shown.payload)
        except (TypeError, ValueError) as error:
            fail(f"The payload of show is no JSON: {error}", "It has the values that JSON has")
        expect(
            all(part is None or isinstance(part, str) for part in (shown.subject, shown.html, shown.text)),
            "A part of what show returned is no text",
            "subject, html and text are texts, and None for those that the channel does not have",
        )
        told = [payload, shown.subject or "", shown.html or "", shown.text or ""]
        expect(not leaks(secrets, told), "show tells a secret of the settings", "The payload leaves credentials out")

    @pytest.mark.parametrize("what", HOSTILE_TEXTS)
    def test_hostile_names_do_no_harm(self, what: str) -> None:
        text = HOSTILE_TEXTS[what]
        with Trial(self).opened() as trial:
            composer = composer_of(self, trial.settings)
            message = self._maybe_composed(composer, self.recipient(2, text), f"a name with {what}")
            if message is not None:
                self._expect_harmless(composer, message, text, f"a name with {what}")
            self._expect_only_sent(trial, composer, message, f"a name with {what}")

    @pytest.mark.parametrize("what", [what for what in HOSTILE_TEXTS if what not in {"a template", "HTML"}])
    def test_hostile_content_does_no_harm(self, what: str) -> None:
        content = _with_text(self.content, self.hostile_content_parts, HOSTILE_TEXTS[what])
        with Trial(self).opened() as trial:
            try:
                composer = composer_of(self, trial.settings, content)
            except (ValidationError, ContentInvalid):
                return
            except Exception as error:  # noqa: BLE001 - whatever else it raises is wrong
                fail(
                    f"Content with {what} made prepare raise {type(error).__name__}: {str(error)[:200]}",
                    "Content that cannot be sent is refused by ContentInvalid, with the path to it",
                )
            message = self._maybe_composed(composer, self.recipient(2), f"content with {what}")
            self._expect_only_sent(trial, composer, message, f"content with {what}")

    @pytest.mark.parametrize("what", HOSTILE_ADDRESSES)
    def test_hostile_addresses_do_no_harm(self, what: str) -> None:
        with Trial(self).opened() as trial:
            composer = composer_of(self, trial.settings)
            recipient = self.recipient(2, address=HOSTILE_ADDRESSES[what])
            message = self._maybe_composed(composer, recipient, f"an address with {what}")
            self._expect_only_sent(trial, composer, message, f"an address with {what}", is_wrong=True)

    def _expect_only_sent(
        self, trial: Trial, composer: Composer, message: Message | None, what: str, *, is_wrong: bool = False
    ) -> None:
        """Send the message between two good ones: each of those is delivered once, and nothing else comes of it."""
        good = [self._composed(composer, self.recipient(number)) for number in (1, 3)] if is_wrong else []
        messages = [*good[:1], *([] if message is None else [message]), *good[1:]]
        if not messages:
            return
        sending = trial.send(messages)
        expect(
            sending.error is None,
            f"send raised {type(sending.error).__name__} for {what}: {str(sending.error)[:200]}",
            "A message that cannot be sent ends as Rejected, and the others go on",
        )
        came = [attempt.message.address for attempt in trial.double.attempts if attempt.delivered]
        expected = {one.address for one in messages}
        expect(
            len(came) <= len(messages) and (is_wrong or set(came) <= expected),
            f"The provider was handed messages to {len(came)} addresses for {what}",
            "What people are called, or write, stays within the one message: encode it as the protocol says",
        )
        for one, outcome in zip(messages, sending.outcomes(), strict=True):
            allowed = (Accepted,) if one in good else (Accepted, Rejected, Ambiguous)
            expect(
                isinstance(outcome, allowed),
                f"A message ended as {outcome!r} beside one with {what}",
                "It is Accepted when the provider takes it, and Rejected when it cannot be said in the protocol",
            )

    def _expect_harmless(self, composer: Composer, message: Message, text: str, what: str) -> None:
        shown = _author_code(lambda: composer.show(message), f"show raised for {what}")
        seen = _seen(shown)
        expect(
            _PRODUCT not in seen,
            "A name with a template in it was computed",
            "Compile templates of the content alone: a variable's value is text, whatever is in it",
        )
        if shown.html is not None and "<script" in text:
            expect(
                "<script>alert('51732')" not in shown.html,
                "A name's HTML is in the message's HTML as it is",
                "Compile templates of HTML with html=True, which escapes the values of variables",
            )

    def _composed(self, composer: Composer, recipient: Recipient) -> Message:
        return _author_code(lambda: composer.compose(recipient), "compose raised")

    def _shown(self, composer: Composer, recipient: Recipient) -> Shown:
        return _author_code(lambda: composer.show(composer.compose(recipient)), "compose or show raised")

    def _appearance(self, composer: Composer, recipient: Recipient) -> str:
        message = composer.compose(recipient)
        shown = composer.show(message)
        return f"{message.key} {message.address} {message.size} {_seen(shown)} {_plain(message.body)}"

    def _maybe_composed(self, composer: Composer, recipient: Recipient, what: str) -> Message | None:
        try:
            return composer.compose(recipient)
        except (ContentInvalid, TemplateInvalid):
            return None
        except Exception as error:  # noqa: BLE001 - whatever else it raises is wrong
            fail(
                f"compose raised {type(error).__name__} for {what}: {str(error)[:200]}",
                "It returns a message, or raises ContentInvalid or TemplateInvalid: this delivery alone fails then",
            )


def _seen(shown: Shown) -> str:
    return f"{shown.subject} {shown.html} {shown.text} {json.dumps(shown.payload, sort_keys=True, ensure_ascii=False)}"


def _plain(body: object) -> str:
    """Return the body as text, without what only this object has: where it is in memory."""
    text = repr(body)
    return "" if " at 0x" in text else text


def _author_code(work: Callable[[], T], what: str) -> T:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - an author's code: the test says so
        fail(f"{what}: {type(error).__name__}: {str(error)[:200]}", "It returns a value for every recipient")


def _with_text(content: Mapping[str, Any], part: str, text: str) -> dict[str, Any]:
    """Return the content with the text behind each part, wherever that is in it."""

    def changed(value: Any) -> Any:
        match value:
            case str():
                return value.replace(part, f"{part} {text}")
            case Mapping():
                return {key: changed(entry) for key, entry in value.items()}  # pyright: ignore[reportUnknownVariableType]
            case list():
                return [changed(entry) for entry in value]  # pyright: ignore[reportUnknownVariableType]
            case _:
                return value

    return {key: changed(value) for key, value in content.items()}
