"""When lists are made, and what a segment may be called."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.kit.errors import DomainError
from domain.segments.model import (
    PolicyInput,
    UpdateMode,
    UpdatePolicy,
    check_name,
    check_policy,
    next_refresh,
)

TAIPEI = "Asia/Taipei"
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)  # in Taipei


def test_the_worked_example() -> None:
    """SL-08: made 1 July every 7 days, 14 from 10 July: lists on 8 and 24 July, none on the 15th."""
    weekly = check_policy(PolicyInput(UpdateMode.AUTO, 7), NOON, TAIPEI)
    assert next_refresh(weekly, NOON, TAIPEI) == datetime(2026, 7, 7, 16, tzinfo=UTC)
    fortnightly = check_policy(PolicyInput(UpdateMode.AUTO, 14), NOON + timedelta(days=9), TAIPEI)
    assert fortnightly.started_on == date(2026, 7, 10)
    assert next_refresh(fortnightly, NOON + timedelta(days=9), TAIPEI) == datetime(2026, 7, 23, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "next_day"),
    [
        (date(2026, 7, 1), date(2026, 7, 8)),
        (date(2026, 7, 8), date(2026, 7, 15)),
        (date(2026, 7, 14), date(2026, 7, 15)),
    ],
)
def test_a_cycle_counts_from_its_first_day(today: date, next_day: date) -> None:
    assert UpdatePolicy(UpdateMode.AUTO, 7, date(2026, 7, 1)).next_day(today) == next_day


def test_a_list_made_by_hand_is_never_due() -> None:
    assert next_refresh(check_policy(PolicyInput(UpdateMode.MANUAL), NOON, TAIPEI), NOON, TAIPEI) is None


@pytest.mark.parametrize("days", [None, 0, 1, 8, -7])
def test_only_the_cycles_that_there_are(days: int | None) -> None:
    """SL-13."""
    with pytest.raises(DomainError) as caught:
        check_policy(PolicyInput(UpdateMode.AUTO, days), NOON, TAIPEI)
    assert caught.value.field == ("update", "everyDays")


def test_a_name_of_50_characters_is_taken_and_of_51_refused() -> None:
    """SL-49, and vector 11."""
    assert check_name("x" * 50) == "x" * 50
    assert check_name(" 👩‍👩‍👧 Ünïcode ") == "👩‍👩‍👧 Ünïcode"
    for name in ("x" * 51, "", "  ", None, "a\0b", "a\nb", "\ud800"):
        with pytest.raises(DomainError):
            check_name(name)
