"""Accounts: who am I, may I send, how fast; estimates and reviews of messages; the provider's own sandbox."""

import asyncio
from decimal import Decimal
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from muster_sdk.accounts import AccountLimits, AccountReport
from muster_sdk.aiohttp_client import open_client
from muster_sdk.errors import Unreachable
from muster_sdk.outcomes import Accepted
from muster_sdk.review import ContentWarning, Estimate
from muster_sdk.testing.failure import expect, fail, leave_out
from muster_sdk.testing.host import KitHost
from muster_sdk.testing.report import KitReport
from muster_sdk.testing.secrecy import leaks, secrets_of
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.traces import network_calls
from muster_sdk.testing.trial import Trial, TrialPlan, composer_of

_ACCOUNT_LENGTH = 200


class AccountChecks(ContractSubject):
    """Tests of a channel's account at its provider."""

    def test_check_says_who_the_account_is(self) -> None:
        answer, trial = self._checked(TrialPlan())
        if not isinstance(answer, AccountReport):
            fail(f"check came to {answer!r} with good settings", "It returns a muster_sdk.AccountReport")
        expect(
            isinstance(cast("object", answer.account), str) and answer.account.strip(),
            "check does not say whose the account is",
            "AccountReport.account names it for people",
        )
        expect(
            not answer.problems,
            f"check finds problems with good settings: {'; '.join(answer.problems)}",
            "The double's answers, or what check reads of them, should say that all is well",
        )
        told = [answer.account, *answer.problems, *trial.traces.logs, trial.traces.output]
        expect(not leaks(secrets_of(trial.settings), told), "check tells a secret", "Name accounts by what is public")
        expect(not trial.double.attempts, "check sent a message", "It asks who the account is; nobody gets a message")

    def test_check_refuses_wrong_credentials(self) -> None:
        if self.bad_credentials(self.provider()) is None:
            leave_out("its provider takes no credentials")
        answer, _ = self._checked(TrialPlan(credentials=False))
        expect(
            isinstance(answer, Unreachable) or (isinstance(answer, AccountReport) and answer.problems),
            f"check came to {answer!r} with wrong credentials",
            "It raises Unreachable, or reports the problem",
        )

    def test_check_of_a_provider_that_is_away_says_so(self) -> None:
        answer, _ = self._checked(TrialPlan(reach="away"))
        expect(
            isinstance(answer, Unreachable),
            f"check came to {answer!r} when nobody listened at the provider's address",
            "It raises Unreachable",
        )

    def test_limits_name_the_account(self) -> None:
        if not self.channel.capabilities.account_limits:
            leave_out("account_limits")
        with Trial(self).opened() as trial:
            limits: object = cast("Any", self.channel).account_limits(trial.settings)
            again: object = cast("Any", self.channel).account_limits(trial.settings)
            secrets = secrets_of(trial.settings)
        if not isinstance(limits, AccountLimits):
            fail(f"account_limits returned a {type(limits).__name__}", "It returns muster_sdk.AccountLimits")
        expect(
            limits == again and 0 < len(limits.account) <= _ACCOUNT_LENGTH and not leaks(secrets, [limits.account]),
            f"The account's name has {len(limits.account)} characters, holds a secret, or changes",
            "It is the same for the same settings, has 200 characters at most, and is no secret: workers share it",
        )
        expect(
            (limits.per_second is None or limits.per_second > 0)
            and limits.burst >= 0
            and (limits.concurrency is None or limits.concurrency >= 1),
            f"The limits are {limits}",
            "per_second is more than 0, burst 0 or more, concurrency 1 or more; None is no limit",
        )

    def test_reviews_warn(self) -> None:
        if not self.channel.capabilities.content_review:
            leave_out("content_review")
        for values in self._both_sides("review"):
            expect(
                isinstance(values, list)
                and all(
                    isinstance(one, ContentWarning) and one.code == one.code.upper() and one.message
                    for one in cast("list[object]", values)
                ),
                f"review returned {values!r}",
                "It returns a list of ContentWarning, each with a code in capitals and a message",
            )

    def test_estimates_count(self) -> None:
        if not self.channel.capabilities.estimates:
            leave_out("estimates")
        for value in self._both_sides("estimate"):
            expect(
                isinstance(value, Estimate)
                and value.parts >= 1
                and (value.cost is None) == (value.currency is None)
                and (value.cost is None or isinstance(cast("object", value.cost), Decimal)),
                f"estimate returned {value!r}",
                "It returns an Estimate: 1 part or more, and a cost (a Decimal) and its currency, or neither",
            )

    def test_authorization_leads_to_the_provider(self) -> None:
        if not self.channel.capabilities.oauth:
            leave_out("oauth")
        redirect, state = "https://muster.example/oauth/callback", "state-4711"
        with Trial(self).opened() as trial, network_calls() as calls:
            values = dict(self.good_settings(trial.double))
            url: str = cast("Any", self.channel).authorization_url(values, redirect, state)
        query = parse_qs(urlsplit(url).query)
        expect(
            query.get("state") == [state] and query.get("redirect_uri") == [redirect] and not calls,
            f"authorization_url returned {url.partition('?')[0]} with {', '.join(query) or 'nothing'}",
            "It returns the provider's page, with redirect_uri and state as given, and asks nobody (RFC 6749 4.1.1)",
        )

    def test_the_providers_sandbox_takes_a_message(self) -> None:
        """The one test that leaves this machine: gold asks for it."""
        sandbox = self.sandbox()
        if sandbox is None:
            leave_out("sandbox settings")
        settings = self.channel.settings.model_validate(sandbox[0])
        message = composer_of(self, settings).compose(sandbox[1])
        report = KitReport([message])

        async def send() -> None:
            async with open_client() as client, self.channel.connect(settings, KitHost(client)) as transport:
                await transport.send([message], report)

        asyncio.run(send())
        outcome = report.outcomes.get(message.key)
        expect(isinstance(outcome, Accepted), f"The message to the sandbox ended as {outcome!r}", "It is Accepted")

    def _checked(self, plan: TrialPlan) -> tuple[object, Trial]:
        if not self.channel.capabilities.connection_check:
            leave_out("connection_check")
        trial = Trial(self, plan)
        with trial.opened():
            try:
                answer: object = trial.run(lambda host: cast("Any", self.channel).check(trial.settings, host))
            except Exception as error:  # noqa: BLE001 - what it raises is what is looked at
                answer = error
        return answer, trial

    def _both_sides(self, method: str) -> list[object]:
        """Return what the composer's method says of a message, with settings and in the sandbox. Fail without one."""
        values: list[object] = []
        with Trial(self).opened() as trial, network_calls() as calls:
            for settings in (trial.settings, None):
                composer = composer_of(self, settings)
                look = getattr(composer, method, None)
                if not callable(look):
                    fail(
                        f"The composer has no method {method}",
                        "Its capability is declared: prepare returns one that does",
                    )
                message = composer.compose(self.recipient(1))
                first = look(message)
                expect(
                    first == look(message), f"{method} says another thing the next time", "It follows from the message"
                )
                values.append(first)
        expect(not calls, f"{method} used the network: {', '.join(calls)}", "It works from the message alone")
        return values
