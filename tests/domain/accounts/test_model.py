"""Permits, refusals and turns: rules without a database."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muster_sdk import AccountLimits

from domain.accounts.model import PROBE, Account, Rate, permit, queued, recovered, refused
from tests.factories import NOW

SECOND = timedelta(seconds=1)


def later(account: Account, seconds: float) -> Account:
    return replace(account, now=account.now + timedelta(seconds=seconds))


@given(
    per_second=st.sampled_from([0.5, 1, 7, 50, 400]),
    burst=st.sampled_from([0, 2, 10, 60]),
    asked=st.lists(st.tuples(st.floats(0, 0.7), st.integers(1, 300), st.floats(0, 1)), max_size=60),
)
def test_no_second_has_more_than_the_rate_and_the_burst(
    per_second: float, burst: int, asked: list[tuple[float, int, float]]
) -> None:
    """Wherever in its spread each window's messages begin."""
    rate = Rate.of(AccountLimits("a", per_second=per_second, burst=burst))
    assert rate is not None
    account, began = Account(NOW), list[float]()
    for pause, wanted, part in asked:
        account = later(account, pause)
        permits = permit(account, rate, wanted)
        account = permits.account
        moment = (account.now - NOW).total_seconds()
        began += [moment + rate.spread * part] * permits.count
    most = per_second + (burst or max(per_second, 1))
    for moment in began:
        assert sum(moment <= other < moment + 0.999 for other in began) <= most


@pytest.mark.parametrize(("per_second", "burst"), [(1, 0), (7, 3), (50, 0), (50, 10), (400, 0)])
def test_what_begins_late_and_what_begins_at_once_keep_to_it_together(per_second: float, burst: int) -> None:
    rate = Rate.of(AccountLimits("a", per_second=per_second, burst=burst))
    assert rate is not None
    first = permit(Account(NOW), rate, 10_000)
    account, began = first.account, first.count
    for moment in range(int((rate.spread + 0.999) * 1_000)):
        permits = permit(replace(account, now=NOW + timedelta(milliseconds=moment)), rate, 10_000)
        account = permits.account
        # What is permitted within the spread may begin at its end, and the rest at once: all within one second.
        began += permits.count
    assert began <= per_second + (burst or max(per_second, 1))


@pytest.mark.parametrize("per_second", [0.1, 1, 30, 2_000])
def test_an_account_that_is_used_all_the_time_has_its_rate(per_second: float) -> None:
    rate = Rate.of(AccountLimits("a", per_second=per_second))
    account, sent, end = Account(NOW), 0, NOW + timedelta(seconds=100)
    while account.now < end:
        permits = permit(account, rate, 500)
        account, sent = permits.account, sent + permits.count
        account = later(account, 0.01 if permits.wait is None else permits.wait.seconds)
    assert per_second * 99 <= sent <= per_second * 101 + max(per_second, 1)


def test_an_account_without_a_rate_has_permits_for_all() -> None:
    assert Rate.of(AccountLimits("a")) is None
    assert permit(Account(NOW), None, 500).count == 500


def test_refusals_in_a_row_wait_ever_longer() -> None:
    account, waits = Account(NOW), list[float]()
    for _ in range(9):
        account = refused(account, "429", None, probe=False)
        assert account.wait is not None
        waits.append(account.wait.seconds)
        account = later(account, account.wait.seconds)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert refused(recovered(account), "429", None, probe=False).refusals == 1


@pytest.mark.parametrize(("after", "seconds"), [(30, 30), (0, 1), (-5, 1), (10**8, 86_400)])
def test_the_providers_own_time_is_kept(after: int, seconds: float) -> None:
    account = refused(Account(NOW), "429", timedelta(seconds=after), probe=False)
    assert account.refused_until == NOW + timedelta(seconds=seconds)


def test_windows_that_were_under_way_are_no_further_refusals() -> None:
    account = refused(Account(NOW), "429", 30 * SECOND, probe=False)
    account = refused(later(account, 0.2), "429", None, probe=False)
    assert (account.refusals, account.refused_until) == (1, NOW + 30 * SECOND)
    account = refused(later(account, 0.2), "429", 60 * SECOND, probe=False)
    assert (account.refusals, account.wait and account.wait.seconds) == (1, 60)


def test_one_worker_tries_one_message_when_the_wait_is_over() -> None:
    account = later(refused(Account(NOW), "429", 3 * SECOND, probe=False), 3)
    first = permit(account, None, 100)
    assert (first.count, first.probe) == (1, True)
    assert permit(later(first.account, 1), None, 100).count == 0, "another one tries already"
    second = permit(later(first.account, PROBE.total_seconds()), None, 100)
    assert (second.count, second.probe) == (1, True), "nothing was heard of the first"
    again = refused(first.account, "429", None, probe=True)
    assert (again.refusals, again.wait and again.wait.seconds) == (2, 10)
    assert permit(recovered(first.account), None, 100).count == 100


def test_jobs_that_wait_look_again_one_after_the_other() -> None:
    account, delays = Account(NOW), list[float]()
    for _ in range(1_000):
        delay, account = queued(account, 2)
        delays.append(delay)
    assert delays[:3] == [2, 2.2, 2.4]
    assert max(delays) == 62
    assert queued(Account(NOW), 86_400)[0] == 360, "the store may have connected another account meanwhile"


@pytest.mark.parametrize(
    "values",
    [
        {"account": ""},
        {"account": "a" * 201},
        {"account": "a", "per_second": 0},
        {"account": "a", "per_second": float("nan")},
        {"account": "a", "burst": -1},
        {"account": "a", "concurrency": 0},
    ],
)
def test_limits_that_are_none_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"account's name|per_second|burst|concurrency"):
        AccountLimits(**values)  # type: ignore[arg-type]
