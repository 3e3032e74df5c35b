"""A channel keeps to itself: no secrets and addresses told, no event loop held up, nothing left open."""

from collections.abc import Iterator

from muster_sdk.outcomes import Accepted
from muster_sdk.testing.failure import expect
from muster_sdk.testing.rehearsal import rehearsals_of
from muster_sdk.testing.secrecy import leaks, secrets_of
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.traces import network_calls
from muster_sdk.testing.trial import Sending, Trial, composer_of

_FORGOTTEN = ("never awaited", "was never retrieved", "was destroyed but it is pending", "unclosed")


class IsolationChecks(ContractSubject):
    """Tests of what a channel does beside sending."""

    def test_no_secret_is_told(self) -> None:
        for sending in _everything(self):
            found = leaks(secrets_of(sending.settings), _told(sending))
            expect(
                not found,
                f"A secret of the settings is in a text ({sending.plan.act}): {_hidden(found, sending)}",
                "Keep secrets out of reasons, errors, logs and repr: pass SecretStr on, and open it in requests",
            )

    def test_no_address_is_told(self) -> None:
        for sending in _everything(self):
            addresses = {message.address for message in sending.messages if len(message.address) > 5}
            texts = [*sending.traces.logs, sending.traces.output, *_reasons(sending)]
            found = [text for text in texts if any(address in text for address in addresses)]
            expect(
                not found,
                f"A recipient's address is in a reason, a log line or the output ({sending.plan.act})",
                "Say 'the recipient': logs and reasons stay when the person has been erased",
            )

    def test_representations_are_discreet(self) -> None:
        with Trial(self).opened() as trial:
            composer = composer_of(self, trial.settings)
            texts = [repr(self.channel), repr(trial.settings), str(trial.settings), repr(composer)]
            texts.append(repr(composer.compose(self.recipient(1))))
            texts.append(trial.settings.model_dump_json())
        expect(
            not leaks(secrets_of(trial.settings), texts),
            "A secret is in the repr of the channel, its settings, composer or message",
            "Hold secrets as SecretStr, and only in the settings",
        )

    def test_the_event_loop_is_never_held_up(self) -> None:
        blocks = {block: None for sending in _everything(self) for block in sending.blocks}
        expect(
            not blocks,
            "; ".join(blocks),
            "Await instead of waiting, and hand what computes for more than 0.1 s to asyncio.to_thread",
        )

    def test_nothing_is_left_open(self) -> None:
        sendings = [*_everything(self), rehearsals_of(self).cancelled()]
        left = {thing: None for sending in sendings for thing in sending.left_open}
        expect(
            not left,
            f"After the connection was closed there still was {'; '.join(list(left)[:3])}",
            "Leaving the block of connect ends tasks and threads and closes sockets, also when send was cancelled",
        )

    def test_nothing_is_forgotten(self) -> None:
        for sending in _everything(self):
            lines = [*sending.traces.warnings, *sending.traces.logs]
            found = [line for line in lines if any(words in line for words in _FORGOTTEN)]
            expect(
                not found,
                f"Python warns: {'; '.join(found)[:300]}",
                "Await every coroutine and task, and close what was opened",
            )

    def test_connections_are_independent(self) -> None:
        """Nothing that one store's settings opened serves another."""
        with Trial(self).opened() as first, Trial(self).opened() as second:
            message = composer_of(self, first.settings).compose(self.recipient(1))
            first.send([message])
            message = composer_of(self, second.settings).compose(self.recipient(2))
            sending = second.send([message])
        expect(
            isinstance(sending.outcomes()[0], Accepted) and len(second.double.attempts) == 1,
            "A message of the second of two stores did not reach its own provider",
            "Keep connections, tokens and settings in the transport, never in the channel or a module",
        )

    def test_limits_and_connecting_ask_nobody_needlessly(self) -> None:
        limits = getattr(self.channel, "account_limits", None)
        with Trial(self).opened() as trial, network_calls() as calls:
            if self.channel.capabilities.account_limits and callable(limits):
                limits(trial.settings)
        expect(not calls, f"account_limits used the network: {', '.join(calls)}", "It reads the settings alone")


def _everything(subject: ContractSubject) -> Iterator[Sending]:
    yield from rehearsals_of(subject).all()
    yield rehearsals_of(subject).silent()


def _reasons(sending: Sending) -> list[str]:
    reasons = [
        outcome.reason
        for report in sending.reports
        for outcome in report.outcomes.values()
        if not isinstance(outcome, Accepted)
    ]
    return [str(reason) for reason in reasons] + ([] if sending.error is None else [str(sending.error)])


def _told(sending: Sending) -> list[str]:
    cause = None if sending.error is None else sending.error.__cause__
    return [
        *_reasons(sending),
        *sending.texts,
        *sending.traces.logs,
        *sending.traces.warnings,
        sending.traces.output,
        repr(cause),
    ]


def _hidden(texts: list[str], sending: Sending) -> str:
    """Return the first text with its secrets struck out: a test's report is read by many."""
    text = texts[0] if texts else ""
    for secret in secrets_of(sending.settings):
        text = text.replace(secret, "********")
    return text[:200]
