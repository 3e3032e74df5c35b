"""When a list may be made by hand."""

from datetime import UTC, datetime, timedelta

from domain.kit.errors import ErrorCode
from domain.lists.model import RefreshState, refresh_blocked_by

TAIPEI = "Asia/Taipei"
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)  # in Taipei


def test_not_on_the_day_it_was_made() -> None:
    """SL-10; the day is the store's (A3): 23:59 and 0:01 in Taipei."""
    made = datetime(2026, 7, 1, 15, 59, tzinfo=UTC)
    assert refresh_blocked_by(RefreshState(made, None), made, TAIPEI) is ErrorCode.ALREADY_REFRESHED_TODAY
    assert refresh_blocked_by(RefreshState(made, None), made + timedelta(minutes=2), TAIPEI) is None


def test_once_a_day() -> None:
    """SL-09 and SL-11: whatever became of the list since."""
    spent = RefreshState(NOON - timedelta(days=5), last_refreshed_at=NOON)
    assert refresh_blocked_by(spent, NOON + timedelta(hours=1), TAIPEI) is ErrorCode.ALREADY_REFRESHED_TODAY
    assert refresh_blocked_by(spent, NOON + timedelta(days=1), TAIPEI) is None


def test_a_failed_list_does_not_spend_the_day_once_it_is_deleted() -> None:
    """SL-12."""
    made = NOON - timedelta(days=5)
    failed = RefreshState(made, None, failed_at=[NOON])
    assert refresh_blocked_by(failed, NOON, TAIPEI) is ErrorCode.INVALID_STATE
    assert refresh_blocked_by(RefreshState(made, None), NOON, TAIPEI) is None
    assert refresh_blocked_by(failed, NOON + timedelta(days=1), TAIPEI) is None


def test_one_at_a_time() -> None:
    generating = RefreshState(NOON - timedelta(days=5), None, generating_since=[NOON - timedelta(days=1)])
    assert refresh_blocked_by(generating, NOON, TAIPEI) is ErrorCode.INVALID_STATE
