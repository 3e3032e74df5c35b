"""What a report shows of days and ages is what segments compare."""

from datetime import date

import pytest

from domain.segments.sql.columns.times import age, last_birthday, written_day


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(2000, 2, 29), date(2026, 2, 28), 26),
        (date(2000, 2, 29), date(2024, 2, 28), 23),
        (date(2000, 2, 29), date(2024, 2, 29), 24),
        (date(2000, 7, 2), date(2026, 7, 1), 25),
        (date(2027, 1, 1), date(2026, 7, 1), None),
    ],
)
def test_an_age_is_what_segments_take_it_for(born: date, today: date, years: int | None) -> None:
    assert age(born, today) == years
    if years is not None:
        assert born <= last_birthday(years, today)
        assert born > last_birthday(years + 1, today)


def test_a_day_that_an_event_wrote_is_a_day_and_anything_else_stays_text() -> None:
    assert written_day("2026-02-28") == date(2026, 2, 28)
    for text in ("soon", "2026-02-30", "20260228", "2026-W09-6", ""):
        assert written_day(text) == text
