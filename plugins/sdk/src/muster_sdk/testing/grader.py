"""Grades what a run of pytest has seen of the contract, prints the grade, and writes it beside the channel's module."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import cast

import pytest

from muster_sdk.channel import Channel
from muster_sdk.grades import Grade, GradeRecord, grade_file, read_grades, write_grade
from muster_sdk.testing.failure import NOT_DECLARED
from muster_sdk.testing.subject import ContractSubject

__all__ = ["Grader", "Judgement", "tests_of"]

_NAME = "muster-contract-grader"
_SANDBOX = "test_the_providers_sandbox_takes_a_message"
_SILVER = {
    "a refused account that waits as long as it was asked to": ("test_a_refused_account_is_no_recipients_fault",),
    "a connection check": (
        "test_check_says_who_the_account_is",
        "test_check_of_a_provider_that_is_away_says_so",
    ),
    "idempotency or limits of the account": ("test_a_repeat_is_delivered_once", "test_limits_name_the_account"),
}
_GOLD = {
    "receipts whose origin is verified": ("test_signed_webhooks_are_read", "test_polls_bring_receipts_once"),
    "a review or an estimate of messages": ("test_reviews_warn", "test_estimates_count"),
    "a message that the provider's own sandbox takes": (_SANDBOX,),
}
_ANY_OF = {"idempotency or limits of the account", *_GOLD}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A grade that was reached, None if none was; and what keeps the channel from the next one.

    `complete` is false if not all tests of the contract have run: nothing is known then.
    """

    grade: Grade | None
    missing: tuple[str, ...] = ()
    complete: bool = True


@dataclass(slots=True)
class _Results:
    """The names of tests, without their parameters, by what came of them."""

    passed: set[str] = field(default_factory=set[str])
    failed: set[str] = field(default_factory=set[str])
    undeclared: set[str] = field(default_factory=set[str])


class Grader:
    """A plugin of pytest, which the first test of a contract registers."""

    def __init__(self) -> None:
        self._results: dict[type[ContractSubject], _Results] = {}
        self._subjects: dict[str, type[ContractSubject]] = {}

    @classmethod
    def of(cls, config: pytest.Config) -> "Grader":
        """Return the run's grader."""
        found = config.pluginmanager.get_plugin(_NAME)
        if found is None:
            found = cls()
            config.pluginmanager.register(found, _NAME)
        return cast("Grader", found)

    def note(self, item: pytest.Item, subject: type[ContractSubject]) -> None:
        """Note that this test is one of the subject's contract."""
        self._results.setdefault(subject, _Results())
        self._subjects[item.nodeid] = subject

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        subject = self._subjects.get(report.nodeid)
        if subject is None or (report.when != "call" and report.passed):
            return
        results = self._results[subject]
        name = report.nodeid.rpartition("::")[2].partition("[")[0]
        if report.failed:
            results.failed.add(name)
        elif report.passed:
            results.passed.add(name)
        elif NOT_DECLARED in str(report.longrepr):
            results.undeclared.add(name)
        else:
            # Left out by the author: nothing is known of it.
            results.failed.add(name)

    def judge(self, subject: type[ContractSubject]) -> Judgement:
        """Return the grade that the tests which have run so far allow."""
        results = self._results.get(subject)
        wanted = tests_of(subject)
        changed = {name for name in wanted if not _is_own(subject, name)}
        if results is None or not wanted - changed <= results.passed | results.failed | results.undeclared:
            return Judgement(None, complete=False)
        failed = sorted((results.failed & wanted) | changed)
        if failed:
            return Judgement(None, tuple(f"{name}, which failed or is not the contract's own" for name in failed))
        grade, missing = Grade.BRONZE, tuple(_lacking(_SILVER, results))
        if not missing:
            grade, missing = Grade.SILVER, tuple(_lacking(_GOLD, results))
        return Judgement(Grade.GOLD if not missing else grade, missing)

    def pytest_sessionfinish(self) -> None:
        for subject in self._results:
            judgement = self.judge(subject)
            if subject.records_grade and judgement.complete:
                _record(subject.channel, judgement)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("Muster's contract of channels")
        for subject in self._results:
            channel, judgement = subject.channel, self.judge(subject)
            if not judgement.complete:
                terminalreporter.line(f"{channel.key}: not graded, as not all tests of the contract have run")
                continue
            grade = "no grade" if judgement.grade is None else judgement.grade.value
            terminalreporter.line(f"{channel.key} {channel.version}: {grade}")
            for lack in judgement.missing:
                terminalreporter.line(f"  the next grade asks for {lack}")


def tests_of(subject: type[ContractSubject]) -> set[str]:
    """Return the names of the contract's tests."""
    names: set[str] = set()
    for base in subject.__mro__:
        if base.__module__.startswith("muster_sdk.testing."):
            names |= {name for name in vars(base) if name.startswith("test_")}
    return names - {"test_the_least_grade_is_reached"}


def _is_own(subject: type[ContractSubject], name: str) -> bool:
    """Return whether the test is the contract's, unchanged."""
    owner = next(base for base in subject.__mro__ if name in vars(base))
    return owner.__module__.startswith("muster_sdk.testing.")


def _lacking(wanted: dict[str, tuple[str, ...]], results: _Results) -> Iterator[str]:
    for what, names in wanted.items():
        found = [name in results.passed for name in names]
        if not (any(found) if what in _ANY_OF else all(found)):
            yield what


def _record(channel: Channel, judgement: Judgement) -> None:
    path = grade_file(channel)
    if path is None:
        return
    before = read_grades(path).get(channel.key)
    try:
        sdk = version("muster-sdk")
    except PackageNotFoundError:
        sdk = "unknown"
    if before is not None and (before.version, before.sdk) == (channel.version, sdk):
        if before.grade is judgement.grade:
            return
        # Without the secrets of the CI, nothing is known against a gold that was reached there.
        if before.grade is Grade.GOLD and judgement.missing == ("a message that the provider's own sandbox takes",):
            return
    if before is None and judgement.grade is None:
        return
    day = datetime.now(UTC).date().isoformat()
    record = None if judgement.grade is None else GradeRecord(judgement.grade, channel.version, sdk, day)
    try:
        write_grade(path, channel.key, record)
    except OSError:
        # An installed package may belong to another user: the grade is printed all the same.
        return
