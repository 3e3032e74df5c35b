"""Values as people write them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customers import values
from domain.customers.model import Consent, Gender
from domain.imports.model import DateOrder
from domain.imports.values import countries, dates, numbers, phones, words
from domain.imports.values.dates import DateStyle, OrderUnknown
from domain.imports.values.text import identifier, joined_tags, tags
from domain.kit.errors import DomainError
from domain.kit.formulas import protected, starts_formula, unprotected

TAIPEI = ZoneInfo("Asia/Taipei")
BERLIN = ZoneInfo("Europe/Berlin")
UNTOLD = DateStyle(TAIPEI, 2046, examined=True)


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01", "2026/7/1", "2026.07.01", "1 Jul 2026", "01-Jul-2026", "Jul 1, 2026", "July 1st, 2026",
        "Wed, 1 July 2026", "2026年7月1日", "2026 年 07 月 01 日", " 2026-07-01 09:00:00 ", "2026-07-01T00:00:00Z",
    ],
)  # fmt: skip
def test_a_day_that_can_be_read_in_one_way(text: str) -> None:
    assert dates.day(text, UNTOLD) == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("31/12/1990", None, date(1990, 12, 31)),
        ("12/31/1990", None, date(1990, 12, 31)),
        ("5.5.2026", None, date(2026, 5, 5)),
        ("1/2/2026", DateOrder.DMY, date(2026, 2, 1)),
        ("1/2/2026", DateOrder.MDY, date(2026, 1, 2)),
        ("01.02.03", DateOrder.DMY, date(2003, 2, 1)),
        ("01.02.03", DateOrder.YMD, date(2001, 2, 3)),
        ("1/2/46", DateOrder.DMY, date(2046, 2, 1)),
        ("1/2/47", DateOrder.DMY, date(1947, 2, 1)),
        ("2026/3/4", DateOrder.DMY, date(2026, 3, 4)),
    ],
)
def test_numbers_of_a_date_stand_in_the_order_that_was_said(text: str, order: DateOrder | None, day: date) -> None:
    assert dates.day(text, DateStyle(TAIPEI, 2046, order, examined=True)) == day


def test_a_day_that_could_be_two_is_asked_for_and_then_refused() -> None:
    with pytest.raises(OrderUnknown):
        dates.day("1/2/2026", DateStyle(TAIPEI, 2046))
    with pytest.raises(DomainError, match="can be two days"):
        dates.day("1/2/2026", UNTOLD)


def test_a_column_tells_its_order_unless_it_has_both() -> None:
    both = {DateOrder.DMY, DateOrder.MDY}
    assert dates.possible_orders(["1/2/2026", "2026-07-01", ""], both) == both
    assert dates.possible_orders(["1/2/2026", "31/12/1990"], both) == {DateOrder.DMY}
    assert dates.possible_orders(["12/31/1990 8:26"], both) == {DateOrder.MDY}
    assert dates.possible_orders(["12/31/1990", "31/12/1990"], both) == set()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-01T09:00:00Z", "2026-07-01T09:00"),
        ("2026-07-01T09:00:00+08:00", "2026-07-01T01:00"),
        ("2026-07-01 09:00:00", "2026-07-01T01:00"),
        ("2026-07-01", "2026-06-30T16:00"),
        ("2026-07-01 09:00:00 UTC", "2026-07-01T09:00"),
        ("2026-07-01 09:00:00 +0800", "2026-07-01T01:00"),
        ("2026/7/1 9:00 PM", "2026-07-01T13:00"),
        ("2026/7/1 下午 9:00", "2026-07-01T13:00"),
        ("2026/7/1 午前 0:30", "2026-06-30T16:30"),
        ("Jul 1, 2026 at 12:05 am", "2026-06-30T16:05"),
        ("Wed, 01 Jul 2026 09:00:00 +0000", "2026-07-01T09:00"),
        ("31/12/2025 23:59", "2025-12-31T15:59"),
        ("2026年7月1日 09:00", "2026-07-01T01:00"),
    ],
)
def test_a_time_without_a_zone_is_the_stores(text: str, utc: str) -> None:
    assert dates.moment(text, UNTOLD) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        # Skipped in spring: as if the clock had not been changed. Repeated in autumn: the first of the two.
        ("2026-03-29 02:30", "2026-03-29T01:30"),
        ("2026-10-25 02:30", "2026-10-25T00:30"),
    ],
)
def test_a_time_that_a_clock_change_skips_or_repeats(text: str, utc: str) -> None:
    assert dates.moment(text, DateStyle(BERLIN, 2046)) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["x", "13/13/2026", "30 Feb 2026", "2026-13-01", "0000-01-01", "2026-07-01 25:00", "2026-07-01 9 o'clock",
     "45296", "1/2", "2026-07-01 09:00 PST", "9999-12-31 23:59"],
)  # fmt: skip
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(DomainError):
        dates.moment(text, UNTOLD)


def test_the_day_of_an_instant_is_not_guessed() -> None:
    with pytest.raises(DomainError, match="a day without a time"):
        dates.day("1990-12-30T16:00:00Z", UNTOLD)


@given(
    st.text(max_size=20)
    | st.from_regex(r"[0-9]{1,4}[-/.][0-9]{1,3}[-/.][0-9]{1,5}( [0-9]{1,2}:[0-9]{2})?", fullmatch=True)
)
def test_any_text_is_a_day_an_amount_a_phone_and_a_country_or_none(text: str) -> None:
    readers: list[Callable[[], object]] = [
        lambda: dates.day(text, UNTOLD),
        lambda: dates.moment(text, UNTOLD),
        lambda: numbers.amount(text),
        lambda: phones.phone(text, "TW", None),
        lambda: phones.phone(text, None, "TW"),
        lambda: countries.country(text),
        lambda: words.consent(text),
        lambda: tags(text),
    ]
    for read in readers:
        with suppress(DomainError):
            read()


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("1234.5", "1234.5", None), ("1,234.50", "1234.50", None), ("1.234,50", "1234.50", None),
        ("1 234,56", "1234.56", None), ("1\u202f234,56", "1234.56", None), ("1'234.50", "1234.50", None),
        ("1,234", "1234", None), ("12,5", "12.5", None), ("0,125", "0.125", None), ("1.234", "1.234", None),
        ("1,234,567", "1234567", None), ("1.234.567", "1234567", None), ("12,34,567.50", "1234567.50", None),
        ("$12.00", "12.00", None), ("NT$1,200", "1200", "TWD"), ("US$ 5", "5", "USD"), ("€ 1.234,50", "1234.50", "EUR"),
        ("5 EUR", "5", "EUR"), ("TWD 300", "300", "TWD"), ("300元", "300", None), ("¥1,200", "1200", None),
        ("(5.00)", "-5.00", None), ("($12)", "-12", None), ("-$5", "-5", None), ("$-5", "-5", None),
        ("\uff11\uff12", "12", None),
    ],
)  # fmt: skip
def test_an_amount(text: str, value: str, currency: str | None) -> None:
    read = numbers.amount(text)
    assert read is not None
    assert (str(read.value), read.currency) == (value, currency)


@pytest.mark.parametrize("text", ["abc", "1.2.3", "1,23,4", "--5", "5-", "5 %", "nan", "1.234.50", "12 apples", "+-1"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(DomainError, match="is no number"):
        numbers.amount(text)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("TW", "TW"), ("tw", "TW"), ("UK", "GB"), ("XK", "XK"), ("Taiwan", "TW"), ("台灣", "TW"), ("臺灣", "TW"),
        ("TWN", "TW"), ("usa", "US"), ("U.S.A.", "US"), ("United States of America", "US"), ("Deutschland", "DE"),
        ("日本", "JP"), ("Hong Kong", "HK"), ("香港", "HK"), ("Côte d\u2019Ivoire", "CI"), ("KOREA, REPUBLIC OF", "KR"),
    ],
)  # fmt: skip
def test_a_country_by_its_code_or_name(text: str, country: str) -> None:
    assert countries.country(text) == country


@pytest.mark.parametrize("text", ["Atlantis", "EN", "Kongo", "?"])
def test_what_is_no_country(text: str) -> None:
    with pytest.raises(DomainError, match="is no country"):
        countries.country(text)


@pytest.mark.parametrize(
    ("text", "country", "store_country"),
    [
        ("+886912345678", None, None), ("+8860912345678", None, None), ("00886912345678", "TW", None),
        ("00886 912 345 678", None, None), ("886912345678", None, None), ("886912345678", "TW", None),
        ("0912-345-678", "TW", None), ("0912-345-678", None, "TW"), ("'0912345678", None, "TW"),
        ("'+886912345678", None, None), ("\uff10912345678", "TW", None), ("(0912) 345678", "TW", "JP"),
    ],
)  # fmt: skip
def test_a_phone_number_is_repaired(text: str, country: str | None, store_country: str | None) -> None:
    assert phones.phone(text, country, store_country) == "+886912345678"


def test_an_italian_number_keeps_its_zero() -> None:
    assert phones.phone("+390612345678", None) == "+390612345678"


@pytest.mark.parametrize(
    ("text", "country"),
    [("6.23E+12", "TW"), ("8,86912E+11", None), ("n/a", "TW"), ("0912345678 / 0223456789", "TW"), ("2125551234", None)],
)
def test_what_is_no_phone_number(text: str, country: str | None) -> None:
    with pytest.raises(DomainError):
        phones.phone(text, country, "TW")


def test_a_store_is_in_the_country_of_its_zone() -> None:
    zones = ("Asia/Taipei", "Europe/Berlin", "UTC")
    assert [phones.country_of_zone(zone) for zone in zones] == ["TW", "DE", None]


@pytest.mark.parametrize("text", ["6.23457E+12", "6,23457e+12", "5E+15", "-6.2E+11"])
def test_a_rounded_id_is_told(text: str) -> None:
    with pytest.raises(DomainError, match="rounded by a spreadsheet"):
        identifier(text)


@pytest.mark.parametrize("text", ["1E5", "12e4", "6.23E+12x", "+886912345678", "a+b"])
def test_an_id_that_only_looks_like_it_stays(text: str) -> None:
    assert identifier(text) == text


@pytest.mark.parametrize("text", ["yes", "Y", "TRUE", "1", "on", "是", "はい", "ja", "oui"])
def test_yes(text: str) -> None:
    assert words.boolean(text) is True
    assert words.consent(text) is Consent.SUBSCRIBED


@pytest.mark.parametrize("text", ["no", "N", "FALSE", "0", "off", "否", "いいえ", "nein", "non"])
def test_no(text: str) -> None:
    assert words.boolean(text) is False
    assert words.consent(text) is Consent.NOT_SUBSCRIBED


@pytest.mark.parametrize(
    ("text", "consent"),
    [
        ("subscribed", Consent.SUBSCRIBED), ("Never Subscribed", Consent.NOT_SUBSCRIBED),
        ("pending", Consent.NOT_SUBSCRIBED), ("unsubscribe", Consent.UNSUBSCRIBED),
        ("Unsubscribed", Consent.UNSUBSCRIBED), ("cleaned", Consent.UNSUBSCRIBED),
        ("opt-out", Consent.UNSUBSCRIBED), ("已取消訂閱", Consent.UNSUBSCRIBED),
    ],
)  # fmt: skip
def test_a_consent(text: str, consent: Consent) -> None:
    assert words.consent(text) is consent


@pytest.mark.parametrize(
    ("text", "gender"),
    [("F", Gender.FEMALE), ("女", Gender.FEMALE), ("male", Gender.MALE), ("Prefer not to say", Gender.UNDISCLOSED)],
)
def test_a_gender(text: str, gender: Gender) -> None:
    assert words.gender(text) is gender


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("VIP;newsletter", ["VIP", "newsletter"]), ("VIP, newsletter", ["VIP", "newsletter"]), ("vip", ["vip"]),
        ("Lee, Ann; VIP", ["Lee, Ann", "VIP"]), ('"a;b";c', ["a;b", "c"]), ('6" pipe;x', ['6" pipe', "x"]),
        ('"open;x', ['"open', "x"]), ("Lee, Ann;", ["Lee, Ann"]),
    ],
)  # fmt: skip
def test_tags_are_separated_by_semicolons_or_else_by_commas(cell: str, read: list[str]) -> None:
    assert tags(cell) == read


TAG = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]) | st.sampled_from("\",;' "), max_size=8
)


@given(st.lists(TAG.map(str.strip).filter(bool), unique=True, min_size=1, max_size=5))
def test_exported_tags_are_read_as_they_were(several: list[str]) -> None:
    stored = values.tags(several)
    assert tags(joined_tags(stored)) == stored


@given(st.text(max_size=6) | st.text(st.sampled_from("'=+-@\t a1"), max_size=6))
def test_a_protected_text_is_no_formula_and_comes_back(text: str) -> None:
    assert not starts_formula(protected(text))
    assert unprotected(protected(text)) == text
