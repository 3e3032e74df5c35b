"""The query language and the tree give each other exactly."""

from uuid import UUID

import pytest
from hypothesis import given

from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.segments.codec import definition as from_json
from domain.segments.codec import to_stored
from domain.segments.filters import (
    BLACKLISTED,
    Aggregate,
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    MembershipCondition,
    Not,
    Operator,
    Window,
    to_input,
)
from domain.segments.language import read, write
from domain.segments.language.describe import summary
from domain.segments.language.filter_parser import FilterParser
from tests.domain.segments.filter_strategies import CATALOGUE, definitions
from tests.domain.segments.stored_people import TIMEZONE
from tests.properties import examples


def parsed(text: str) -> Definition:
    return read(text, CATALOGUE, TIMEZONE, property_conditions=100)


@examples(150)
@given(definitions)
def test_the_text_of_a_tree_reads_as_that_tree(definition: Definition) -> None:
    # By repr, which tells True from 1.
    assert repr(parsed(write(definition))) == repr(definition)


@examples(150)
@given(definitions)
def test_what_the_api_shows_of_a_tree_reads_as_that_tree(definition: Definition) -> None:
    for tree in (definition.include, definition.exclude):
        if tree is not None:
            reader = FilterParser(CATALOGUE, TIMEZONE, 100)
            assert repr(reader.read(to_input(tree), ())) == repr(tree), reader.faults


@examples(150)
@given(definitions)
def test_a_stored_tree_is_read_without_the_catalogue(definition: Definition) -> None:
    assert repr(from_json(to_stored(definition.include), to_stored(definition.exclude))) == repr(definition)


@examples(100)
@given(definitions)
def test_every_tree_can_be_said_in_words(definition: Definition) -> None:
    assert summary(definition, CATALOGUE, {})


def test_the_contracts_own_example() -> None:
    text = 'tag = "VIP" AND order.count(category = "Accessories", last 90 days) >= 2 AND NOT email.opened(last 30 days)'
    opened = BehaviorCondition("email.opened", window=Window(last_days=30))
    where = (AttributeCondition("category", Operator.EQ, ("Accessories",)),)
    bought = BehaviorCondition("order", where, Aggregate.COUNT, None, Operator.GTE, (2,), Window(last_days=90))
    assert parsed(text) == Definition(AllOf((AttributeCondition("tag", Operator.EQ, ("VIP",)), bought, Not(opened))))
    assert write(parsed(text)) == text


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("everyone", Definition()),
        ("EVERYONE EXCLUDE NOBODY", Definition(None, None)),
        ("ANY (has_email = true)", Definition(AnyOf((AttributeCondition("has_email", Operator.EQ, (True,)),)))),
        ("not\n in\tsegment\n" + f'"{UUID(int=9)}"', Definition(MembershipCondition(UUID(int=9), member=False))),
        ("`page.count`()", Definition(BehaviorCondition("page.count"))),
        (
            "`page.count`.sum(`first time`) > 1",
            Definition(BehaviorCondition("page.count", (), Aggregate.SUM, "first time", Operator.GT, (1,))),
        ),
        (
            'country in ("TW", "JP") exclude tag is set',
            Definition(
                AttributeCondition("country", Operator.IN, ("TW", "JP")), AttributeCondition("tag", Operator.IS_SET)
            ),
        ),
    ],
)
def test_what_can_be_said(text: str, definition: Definition) -> None:
    assert parsed(text) == definition
    assert parsed(write(definition)) == definition


def test_a_day_ends_a_window_with_its_last_moment() -> None:
    window = parsed("order(from 1997-06-01 to 1998-05-31)").include
    assert isinstance(window, BehaviorCondition)
    assert write(Definition(window)) == "order(from 1997-05-31T16:00:00Z to 1998-05-31T16:00:00Z)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Line 1, column 1: found the end of the query where"),
        ("tag = ", "Line 1, column 7: found the end of the query where a day such as 2026-07-01, a number"),
        ('tag == "a"', "Line 1, column 6: found '='"),
        ('tag = "a"\n  AND AND', "Line 2, column 7: found 'AND'"),
        ('tagg = "a"', "Line 1, column 1: There is no dimension 'tagg': did you mean tag?"),
        ('tag = "a" AND\n NOT age = "x"', 'Line 2, column 6: "x" is no number'),
        ('order.count(color = "x")', "Line 1, column 1: order has no attribute 'color'"),
        ("order(last 3 days, last 4 days)", "Line 1, column 1: order has more than one window"),
        ('tag = "\\x"', "Line 1, column 7: this text has an escape that JSON does not know"),
        ('tag = "a', "Line 1, column 7: found '\"'"),
        ("order.median(total) > 1", "Line 1, column 1: "),
        ("age > 1e999", "Line 1, column 1: inf is out of range"),
        ("(" * 5_000, "Line 1, column 5001: found the end"),
        ("NOT " * 20_000 + "member = true", "Line 1, column 1: The filter is nested deeper than 10 levels"),
        ("x" * 100_001, "The query has 100001 characters: 100000 at most"),
    ],
)
def test_what_cannot_be_read_is_told_by_line_and_column(text: str, message: str) -> None:
    with pytest.raises((DomainError, DomainErrors)) as caught:
        parsed(text)
    error = caught.value.errors[0] if isinstance(caught.value, DomainErrors) else caught.value
    assert isinstance(error, DomainError)
    assert error.message.startswith(message), error.message
    assert error.field == ("query",)


def test_every_fault_of_a_query_is_told_at_once() -> None:
    with pytest.raises(DomainErrors) as caught:
        parsed('tagg = "a" OR age = "x" EXCLUDE city > 3')
    assert [error.code for error in caught.value.errors] == [ErrorCode.NOT_FOUND, ErrorCode.INVALID, ErrorCode.INVALID]


def test_a_filter_in_words() -> None:
    text = (
        'tag in ("VIP", "new") AND order.count(category = "Accessories", last 90 days) >= 2 '
        'AND NOT `Added to cart`(last 7 days) AND (birthday month in (2, 3) OR gender = "FEMALE")'
    )
    assert summary(parsed(text), CATALOGUE, {}) == (
        "Customers with: Tag is VIP or new "
        "and Order where Category is Accessories at least 2 times in the last 90 days "
        "and not (Added to cart at least 1 times in the last 7 days) "
        "and (Birthday is in February or March or Gender is Female); without blacklisted ones"
    )
    assert summary(Definition(None, BLACKLISTED), CATALOGUE, {}) == "All customers; without blacklisted ones"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("line.interacted(last 24 hours)", "LINE interaction at least 1 times in the last 24 hours"),
        (
            "order.share(hour between 18 and 22, last 90 days) > 50",
            (
                "the share of order where Hour of the day is from 18 to 22 among all of them in the last 90 days "
                "is more than 50 percent"
            ),
        ),
        ('tier >= "Silver"', "Membership tier is at least Silver"),
        ("points.expire_on exactly in 30 days", "Points: expiry is in exactly 30 days"),
        ('near = "25.033,121.5654,10km"', "Near a point is 25.033,121.5654,10km"),
        ("order(weekday in (6, 7))", "Order where Weekday is Saturday or Sunday at least 1 times"),
        ('`order`(facet.Size = "L")', "Order where Size is L at least 1 times"),
        ("cart(abandoned = true)", "Added to cart where Not followed by an order at least 1 times"),
    ],
)
def test_what_the_catalogue_adds_in_words(text: str, words: str) -> None:
    assert summary(parsed(text), CATALOGUE, {}) == f"Customers with: {words}; without blacklisted ones"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order(last 0 hours)", "Line 1, column 1: Write a number of hours from 1 to 876000"),
        ("order(last 2 hours, last 3 days)", "Line 1, column 1: order has more than one window"),
        ("order(last 2 weeks)", "Line 1, column 14: found 'weeks' where days or hours was expected"),
        ('near = "Taipei"', 'Line 1, column 1: "Taipei" is no circle: write latitude, longitude and radius'),
        ('near = "91,0,1km"', 'Line 1, column 1: "91,0,1km" is no circle'),
        ('near contains "1"', "Line 1, column 1: CONTAINS does not go with near"),
        ('phone_country_code = "+0"', 'Line 1, column 1: "+0" is no value of phone_country_code'),
        ("birthday_month = 13", "Line 1, column 1: 13 is no value of birthday_month"),
        ("order.share(total) > 50", "Line 1, column 1: SHARE is of the behavior itself: leave `of` out"),
        ("order(weekday = 8)", "Line 1, column 1: 8 is no value of weekday"),
        ('cart(quantity = "2")', 'Line 1, column 1: "2" is no number'),
    ],
)
def test_what_the_catalogue_adds_is_checked(text: str, message: str) -> None:
    with pytest.raises((DomainError, DomainErrors)) as caught:
        parsed(text)
    error = caught.value.errors[0] if isinstance(caught.value, DomainErrors) else caught.value
    assert isinstance(error, DomainError)
    assert error.message.startswith(message), error.message


def test_what_is_named_by_its_id_in_the_api_is_asked_for_as_events_keep_it() -> None:
    campaign_id = UUID(int=5)

    def read_id(kind: str, text: str) -> UUID | None:
        return campaign_id if (kind, text) == ("Campaign", "Q2FtcGFpZ24") else None

    query = 'email.opened(campaign = "Q2FtcGFpZ24") AND order(campaign in ("Q2FtcGFpZ24", "of another system"))'
    definition = read(query, CATALOGUE, TIMEZONE, property_conditions=5, read_id=read_id)
    text = f'email.opened(campaign = "{campaign_id}") AND order(campaign in ("{campaign_id}", "of another system"))'
    assert write(definition) == text
    assert read(text, CATALOGUE, TIMEZONE, property_conditions=5, read_id=read_id) == definition
