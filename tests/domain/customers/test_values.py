from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import partial

import pytest

from domain.customers import values
from domain.customers.model import Consent, Gender, imported_consent
from domain.kit.errors import DomainError
from domain.kit.values import ValueType
from tests.factories import NOW


def test_what_is_right_is_brought_into_one_form() -> None:
    assert values.email(" Ann@Shop.Example ") == "ann@shop.example"
    assert values.email("jörg@bücher.de") == "jörg@bücher.de"
    assert values.phone("0912 345 678", "TW") == "+886912345678"
    assert values.phone("+886912345678", None) == "+886912345678"
    assert values.country("tw") == "TW"
    assert values.locale("zh_hant_tw") == "zh-Hant-TW"
    assert values.choice("female", Gender) is Gender.FEMALE
    assert values.tags([" VIP ", "new", "VIP", " "]) == ["VIP", "new"]
    assert values.day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize("wrong", ["ann", "ann@", "@shop.example", "a b@shop.example", "a@shop", "a@shop.example\nb"])
def test_a_wrong_address_is_refused(wrong: str) -> None:
    with pytest.raises(DomainError):
        values.email(wrong)


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (values.country, "Taiwan"),
        (values.locale, "english please"),
        (partial(values.choice, choices=Gender), "girl"),
        (values.day, "2023-02-29"),
        (values.day, "20230228"),
        (values.instant, "2023-02-28"),
        (values.instant, "0001-01-01T00:00:00+14:00"),
        (values.in_utc, NOW.replace(tzinfo=None)),
        (values.in_utc, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        # Which not every zone could show.
        (values.in_utc, NOW.replace(year=1)),
        (values.instant, "9999-06-01T00:00:00Z"),
        (values.number, "1e999"),
        (values.number, "nan"),
        (values.boolean, "maybe"),
        (values.string, "a\0b"),
        (values.string, "\ud800"),
        (partial(values.phone, country=None), "0912345678"),
    ],
)
def test_what_is_wrong_is_refused(check: Callable[[object], object], wrong: object) -> None:
    with pytest.raises(DomainError):
        check(wrong)


def test_a_property_takes_values_of_its_type_alone() -> None:
    assert values.property_value(12, ValueType.NUMBER) == 12.0
    for value, kind in (
        (True, ValueType.NUMBER),
        ("1", ValueType.NUMBER),
        (1, ValueType.STRING),
        (1, ValueType.BOOLEAN),
    ):
        with pytest.raises(DomainError):
            values.property_value(value, kind)


def test_a_file_never_gives_back_what_the_customer_took_away() -> None:
    assert imported_consent(Consent.UNSUBSCRIBED, Consent.SUBSCRIBED) is Consent.UNSUBSCRIBED
    assert imported_consent(Consent.SUBSCRIBED, Consent.NOT_SUBSCRIBED) is Consent.SUBSCRIBED
    assert imported_consent(Consent.NOT_SUBSCRIBED, Consent.SUBSCRIBED) is Consent.SUBSCRIBED
    assert imported_consent(Consent.SUBSCRIBED, Consent.UNSUBSCRIBED) is Consent.UNSUBSCRIBED
