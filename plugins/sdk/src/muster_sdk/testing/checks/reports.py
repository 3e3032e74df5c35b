"""The rules of reports: begin before the bytes, end once, nothing behind False, nothing untrue, nothing twice."""

from collections import Counter
from collections.abc import Iterator

from muster_sdk.channel import Message, MessageReference
from muster_sdk.errors import Unreachable
from muster_sdk.outcomes import Accepted, AccountRefused, NotSent, Rejected, TryAgain
from muster_sdk.testing.acts import Act, Attempt
from muster_sdk.testing.failure import expect, leave_out
from muster_sdk.testing.rehearsal import rehearsals_of
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.trial import Sending, Trial, TrialPlan, compose, composer_of

# The clocks of two threads are read one behind the other.
_MOMENT = 0.002


class ReportChecks(ContractSubject):
    """Tests of what is reported, and when."""

    def test_the_rules_of_reports_are_kept(self) -> None:
        faults = {
            fault: None for sending in rehearsals_of(self).all() for one in sending.reports for fault in one.faults
        }
        expect(not faults, "; ".join(faults), "See muster_sdk.Report: begin, send, end, once each")

    def test_messages_begin_before_they_leave(self) -> None:
        for sending, message, attempt in _attempts(self):
            begun = sending.report.begun.get(message.key)
            expect(
                begun is not None and begun <= attempt.arrived + _MOMENT,
                "A message was with the provider before it had begun",
                "Call report.begin before the bytes leave: what a dying process had begun is in doubt, the rest is not",
            )

    def test_messages_end_behind_their_answers(self) -> None:
        for sending, message, attempt in _attempts(self):
            outcome = sending.report.outcomes.get(message.key)
            if isinstance(outcome, Accepted | Rejected | TryAgain | AccountRefused) and attempt.answered is not None:
                expect(
                    sending.report.ended[message.key] >= attempt.answered - _MOMENT,
                    f"A message ended as {type(outcome).__name__} before the provider had answered",
                    "Call report.end when the answer is there, with what it says",
                )

    def test_every_message_ends(self) -> None:
        for sending in rehearsals_of(self).all():
            if isinstance(sending.error, Unreachable) or sending.plan.allowed == 1:
                continue
            began = set(sending.report.begun)
            # Behind a refused account, those that did not begin are sent later.
            keys = began if sending.report.account_refused else {message.key for message in sending.messages}
            unended = keys - set(sending.report.outcomes)
            expect(
                not unended,
                f"{len(unended)} of {len(sending.messages)} messages have no outcome ({sending.plan.act})",
                "Report an end of each message that was handed over: what is left out stays in doubt",
            )

    def test_outcomes_are_true(self) -> None:
        for sending in rehearsals_of(self).all():
            delivered = {attempt.message.address for attempt in sending.double.attempts if attempt.delivered}
            for message, outcome in zip(sending.messages, sending.outcomes(), strict=True):
                expect(
                    not isinstance(outcome, Accepted) or message.address in delivered,
                    f"A message is reported as Accepted that the provider has not taken ({sending.plan.act})",
                    "Accepted is what the provider says of this very message",
                )
                name = type(outcome).__name__
                expect(
                    not isinstance(outcome, Rejected | TryAgain | AccountRefused | NotSent)
                    or message.address not in delivered,
                    f"A message is reported as {name} that the provider has sent ({sending.plan.act})",
                    "Where the provider may have it, the outcome is Ambiguous",
                )

    def test_send_tries_once(self) -> None:
        for sending in rehearsals_of(self).all():
            counts = Counter(attempt.message.address for attempt in sending.double.attempts)
            most = max(counts.values(), default=0)
            expect(
                most <= sending.plan.times,
                f"A message went to the provider {most} times in {sending.plan.times} of send ({sending.plan.act})",
                "send tries once and reports what came of it: the host retries, with the same key",
            )

    def test_false_lets_nothing_leave(self) -> None:
        sending = rehearsals_of(self).denied()
        begun = set(sending.report.begun)
        left = {attempt.message.address for attempt in sending.double.attempts}
        forbidden = {message.address for message in sending.messages if message.key not in begun} & left
        expect(
            not forbidden,
            f"{len(forbidden)} messages left although begin had answered False, or was not asked",
            "False forbids this message and all behind it: return, and the host sends them later",
        )
        expect(
            sending.error is None,
            f"send raised {type(sending.error).__name__} when begin answered False",
            "It returns: nothing is wrong",
        )

    def test_keys_are_the_messages(self) -> None:
        """A message's key is the same on each attempt, and another's is another, also at the same address."""
        capabilities = self.channel.capabilities
        if not capabilities.idempotent and capabilities.reference not in {MessageReference.KEY, MessageReference.BOTH}:
            leave_out("the provider knows no keys of messages")
        keys: dict[str, set[str | None]] = {}
        for sending in rehearsals_of(self).all():
            for attempt in sending.double.attempts:
                keys.setdefault(attempt.message.address, set()).add(attempt.message.key)
        changing = [found for found in keys.values() if len(found) > 1 or None in found]
        expect(
            not changing,
            "A message went to the provider with another key each time, or without one",
            "Derive the key from Message.key and nothing else: a repeat is known by it",
        )
        with Trial(self).opened() as trial:
            composer = composer_of(self, trial.settings)
            messages = compose(composer, [self.recipient(1), self.recipient(1, generation=1), self.recipient(2)])
            sending = trial.send(messages)
        found = {attempt.message.key for attempt in sending.double.attempts}
        expect(
            len(found) == len(messages),
            f"{len(messages)} messages went to the provider with {len(found)} keys",
            "Derive the key from Message.key: another message to the same address is no repeat",
        )

    def test_a_repeat_is_delivered_once(self) -> None:
        if not self.channel.capabilities.idempotent:
            leave_out("idempotency")
        for plan in (TrialPlan(times=2), TrialPlan(Act.RESET_AFTER, times=2)):
            recipients = rehearsals_of(self).recipients()
            sending = rehearsals_of(self).of(f"repeat {plan.act}", plan, recipients)
            came = Counter(attempt.message.address for attempt in sending.double.attempts if attempt.delivered)
            twice = [address for address, times in came.items() if times > 1]
            expect(
                not twice,
                f"{len(twice)} messages were delivered twice when they were sent twice",
                "Send the key that the provider knows repeats by, on the first attempt already",
            )
            expect(
                plan.act is not Act.ACCEPT or all(isinstance(one, Accepted) for one in sending.outcomes(1)),
                "A repeat of an accepted message was not accepted",
                "What the provider has already is Accepted, with the ID that it had",
            )


def _attempts(subject: ContractSubject) -> Iterator[tuple[Sending, Message, Attempt]]:
    """Return each message that came to the double, of all sendings of one time."""
    for sending in rehearsals_of(subject).all():
        if sending.plan.times == 1:
            by_address = {message.address: message for message in sending.messages}
            for attempt in sending.double.attempts:
                if (message := by_address.get(attempt.message.address)) is not None:
                    yield sending, message, attempt
