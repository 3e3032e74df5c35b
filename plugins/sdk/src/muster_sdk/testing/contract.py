"""The contract of channels, as a suite of tests that an author subclasses."""

import pytest

from muster_sdk.testing.checks.accounts import AccountChecks
from muster_sdk.testing.checks.composition import CompositionChecks
from muster_sdk.testing.checks.description import DescriptionChecks
from muster_sdk.testing.checks.isolation import IsolationChecks
from muster_sdk.testing.checks.outcomes import OutcomeChecks
from muster_sdk.testing.checks.receipts import ReceiptChecks
from muster_sdk.testing.checks.reports import ReportChecks
from muster_sdk.testing.failure import expect, leave_out
from muster_sdk.testing.grader import Grader

__all__ = ["ChannelContract"]


# Tests run from the last of these to the first.
class ChannelContract(
    IsolationChecks,
    ReceiptChecks,
    AccountChecks,
    ReportChecks,
    OutcomeChecks,
    CompositionChecks,
    DescriptionChecks,
):
    """Tests of a channel against a double of its provider: subclass it, and say what `ContractSubject` asks for.

    Run it in one process of pytest. The grade that is reached is printed, and written into `muster-contract.json`
    beside the channel's module: `records_grade`. Tests of what the channel does not declare are skipped.

        class TestPigeons(ChannelContract):
            channel = Pigeons()
            provider = LoftDouble
            content: ClassVar = {"text": "Hi {{ customer.name }}"}
            bad_settings: ClassVar = [({"token": "t"}, ("apiBaseUrl",))]
            bad_content: ClassVar = [({"text": ""}, ("text",))]

            def good_settings(self, provider):
                return {"apiBaseUrl": provider.url, "token": "token-4711"}
    """

    @pytest.fixture(autouse=True)
    def graded(self, request: pytest.FixtureRequest) -> None:
        """Have the grader know this test."""
        Grader.of(request.config).note(request.node, type(self))

    def test_the_least_grade_is_reached(self, request: pytest.FixtureRequest) -> None:
        judgement = Grader.of(request.config).judge(type(self))
        if self.least_grade is None or not judgement.complete:
            leave_out("least_grade, or not all tests have run")
        reached = judgement.grade
        expect(
            reached is not None and reached.rank >= self.least_grade.rank,
            f"The channel reaches {reached.value if reached else 'no grade'}: {self.least_grade.value} is asked for",
            f"It needs {' and '.join(judgement.missing)}",
        )
