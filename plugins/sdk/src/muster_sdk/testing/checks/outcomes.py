"""Outcomes: each is what the provider's double has really done."""

from collections.abc import Sequence

from muster_sdk.channel import MessageReference
from muster_sdk.errors import Unreachable
from muster_sdk.outcomes import Accepted, AccountRefused, Ambiguous, NotSent, Outcome, Rejected, TryAgain
from muster_sdk.testing.acts import Act
from muster_sdk.testing.failure import expect, leave_out
from muster_sdk.testing.rehearsal import rehearsals_of
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.trial import Sending, TrialPlan

__all__ = ["OutcomeChecks", "has_ids"]

_MOST_OF_A_BATCH = 500


class OutcomeChecks(ContractSubject):
    """Tests of each outcome class, and of faults of the network."""

    def test_what_the_provider_takes_is_accepted(self) -> None:
        sending = rehearsals_of(self).act(Act.ACCEPT)
        _expect_outcomes(sending, (Accepted,), "the provider took the message and said so")

    def test_a_whole_batch_is_sent(self) -> None:
        count = min(self.channel.capabilities.max_batch, _MOST_OF_A_BATCH)
        sending = rehearsals_of(self).of(
            "batch", TrialPlan(), [self.recipient(100 + number) for number in range(count)]
        )
        _expect_outcomes(sending, (Accepted,), f"the provider takes all of {count} messages, the declared max_batch")
        came = [attempt.message.address for attempt in sending.double.attempts if attempt.delivered]
        lost = {message.address for message in sending.messages} - set(came)
        expect(
            not lost and len(came) == len(sending.messages),
            f"Of {count} messages the provider got {len(came)}, and none for {len(lost)} of the recipients",
            "Each message of a batch reaches the provider once",
        )

    def test_accepted_has_the_providers_id(self) -> None:
        if self.channel.capabilities.reference not in {MessageReference.PROVIDER_ID, MessageReference.BOTH}:
            leave_out("receipts name no message by the provider's ID")
        sending = rehearsals_of(self).act(Act.ACCEPT)
        given = {attempt.message.address: attempt.provider_id for attempt in sending.double.attempts}
        for message, outcome in zip(sending.messages, sending.outcomes(), strict=True):
            expect(
                isinstance(outcome, Accepted) and outcome.provider_id == given.get(message.address),
                f"A message that the provider named {given.get(message.address)!r} ended as {outcome!r}",
                "Accepted has the provider's ID of the message: receipts find it by that",
            )

    def test_a_refused_recipient_is_rejected(self) -> None:
        sending = rehearsals_of(self).act(Act.REFUSE_RECIPIENT)
        _expect_one(sending, (Rejected,), "the provider refused the recipient for good")

    def test_a_deferred_recipient_is_tried_again(self) -> None:
        sending = rehearsals_of(self).act(Act.DEFER_RECIPIENT)
        _expect_one(sending, (TryAgain,), "the provider refused the recipient for now")

    def test_a_refused_account_is_no_recipients_fault(self) -> None:
        sending = rehearsals_of(self).act(Act.REFUSE_ACCOUNT)
        outcomes = [outcome for outcome in sending.outcomes() if outcome is not None]
        expect(
            any(isinstance(outcome, AccountRefused) for outcome in outcomes)
            and all(isinstance(outcome, AccountRefused | NotSent) for outcome in outcomes),
            f"Messages of an account that has to wait ended as {_names(outcomes) or 'nothing'}",
            "AccountRefused has the whole account wait; another outcome blames the recipients",
        )

    def test_a_refused_account_waits_as_long_as_asked(self) -> None:
        if (asked := self.provider().retry_after) is None:
            leave_out("the protocol has no way to say how long to wait")
        sending = rehearsals_of(self).act(Act.REFUSE_ACCOUNT)
        found = {outcome.after for outcome in sending.outcomes() if isinstance(outcome, AccountRefused)}
        said = " and ".join(map(str, found)) or "nothing"
        expect(
            found == {asked},
            f"The provider asked to wait for {asked}, and AccountRefused says {said}",
            "Give AccountRefused the time of Retry-After, as HttpAnswer.retry_after has it",
        )

    def test_wrong_credentials_are_no_recipients_fault(self) -> None:
        if self.bad_credentials(self.provider()) is None:
            leave_out("its provider takes no credentials")
        sending = rehearsals_of(self).unauthorized()
        if isinstance(sending.error, Unreachable):
            return
        _expect_no_error(sending, "the provider refused the credentials")
        outcomes = [outcome for outcome in sending.outcomes() if outcome is not None]
        expect(
            outcomes and all(isinstance(outcome, AccountRefused | TryAgain | NotSent) for outcome in outcomes),
            f"Messages ended as {_names(outcomes) or 'nothing'} when the provider refused the credentials",
            "connect raises Unreachable, or they end as AccountRefused: with new credentials all of them can be sent",
        )

    def test_a_failure_leaves_doubt(self) -> None:
        sending = rehearsals_of(self).act(Act.FAIL)
        _expect_outcomes(sending, self.failure_outcomes, "the provider answered that it failed")

    def test_without_a_connection_nothing_is_sent(self) -> None:
        _expect_unsent(rehearsals_of(self).away(), "nobody listened at the provider's address")

    def test_a_time_out_before_the_bytes_sends_nothing(self) -> None:
        sending = rehearsals_of(self).silent()
        _expect_in_time(self, sending)
        _expect_unsent(sending, "the connection was not completed in time")

    def test_a_reset_before_the_message_is_no_refusal(self) -> None:
        sending = rehearsals_of(self).act(Act.RESET_BEFORE)
        if not isinstance(sending.error, Unreachable):
            _expect_outcomes(
                sending, (NotSent, Ambiguous), "the connection was closed before the provider had read the message"
            )

    def test_a_reset_after_the_message_leaves_doubt(self) -> None:
        sending = rehearsals_of(self).act(Act.RESET_AFTER)
        _expect_doubt(sending, "the connection was closed after the provider had read the message")

    def test_a_time_out_after_the_bytes_leaves_doubt(self) -> None:
        sending = rehearsals_of(self).act(Act.SILENCE)
        _expect_in_time(self, sending)
        _expect_doubt(sending, "the provider did not answer in time")

    def test_a_slow_answer_is_waited_for(self) -> None:
        sending = rehearsals_of(self).act(Act.SLOW)
        _expect_outcomes(sending, (Accepted,), "the provider took the message and said so a fifth of a second later")

    def test_an_answer_without_sense_leaves_doubt(self) -> None:
        sending = rehearsals_of(self).act(Act.GARBAGE)
        _expect_unclear(self, sending, "the answer made no sense")

    def test_an_endless_answer_leaves_doubt(self) -> None:
        sending = rehearsals_of(self).act(Act.FLOOD)
        _expect_unclear(self, sending, "the answer was larger than it may be")

    def test_the_double_reads_every_request(self) -> None:
        faults = [fault for sending in rehearsals_of(self).all() for fault in sending.double.faults]
        expect(not faults, "; ".join(faults[:3]), "The channel sends what the provider's protocol allows")


def has_ids(subject: ContractSubject) -> bool:
    """Return whether an accepted message needs the provider's ID."""
    return subject.channel.capabilities.reference is MessageReference.PROVIDER_ID


def _expect_outcomes(sending: Sending, kinds: tuple[type[Outcome], ...], when: str) -> None:
    _expect_no_error(sending, when)
    wrong = [outcome for outcome in sending.outcomes() if not isinstance(outcome, kinds)]
    right = " or ".join(kind.__name__ for kind in kinds)
    expect(not wrong, f"{len(wrong)} of {len(sending.messages)} messages ended as {_names(wrong)} when {when}", right)


def _expect_one(sending: Sending, kinds: tuple[type[Outcome], ...], when: str) -> None:
    """Check the second message, and that the others of its batch were sent."""
    _expect_no_error(sending, when)
    first, second, third = sending.outcomes()
    right = " or ".join(kind.__name__ for kind in kinds)
    expect(isinstance(second, kinds), f"A message ended as {_names([second])} when {when}", right)
    expect(
        isinstance(first, Accepted) and isinstance(third, Accepted),
        f"The messages beside it ended as {_names([first, third])} when {when}",
        "Accepted: one recipient's refusal takes no other message along",
    )


def _expect_unsent(sending: Sending, when: str) -> None:
    if isinstance(sending.error, Unreachable):
        return
    _expect_no_error(sending, when)
    outcomes = sending.outcomes()
    expect(
        isinstance(outcomes[0], NotSent) and all(isinstance(one, NotSent | None) for one in outcomes),
        f"Messages ended as {_names(outcomes)} when {when}",
        "connect raises Unreachable, or they end as NotSent: the host sends them later",
    )


def _expect_doubt(sending: Sending, when: str) -> None:
    _expect_no_error(sending, when)
    began = [message.key for message in sending.messages if message.key in sending.report.begun]
    outcomes = [sending.report.outcomes.get(key) for key in began]
    expect(
        began and all(isinstance(outcome, Ambiguous) for outcome in outcomes),
        f"Messages that had begun ended as {_names(outcomes) or 'nothing'} when {when}",
        "Ambiguous: the message may have been sent, and nobody knows",
    )


def _expect_unclear(subject: ContractSubject, sending: Sending, when: str) -> None:
    kinds = (Ambiguous,) if has_ids(subject) else (Ambiguous, Accepted)
    _expect_no_error(sending, when)
    began = [outcome for key in sending.report.begun for outcome in [sending.report.outcomes.get(key)]]
    expect(
        began and all(isinstance(outcome, kinds) for outcome in began),
        f"Messages ended as {_names(began) or 'nothing'} when {when}",
        "Ambiguous: the message may have been sent, and nobody knows",
    )


def _expect_in_time(subject: ContractSubject, sending: Sending) -> None:
    expect(
        sending.seconds <= subject.patience and not isinstance(sending.error, TimeoutError),
        f"send took {sending.seconds:.0f} seconds with a provider that is silent",
        f"Every wait for the provider has a timeout: {subject.patience:g} seconds at most",
    )


def _expect_no_error(sending: Sending, when: str) -> None:
    error = sending.error
    where = "send" if sending.connected else "connect"
    expect(
        error is None,
        f"{where} raised {type(error).__name__}: {str(error)[:200]}, when {when}",
        "What the provider does is reported as outcomes; connect alone may raise, Unreachable",
    )


def _names(outcomes: Sequence[Outcome | None]) -> str:
    names = dict.fromkeys("nothing at all" if one is None else type(one).__name__ for one in outcomes)
    return " and ".join(names)
