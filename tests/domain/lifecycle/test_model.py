"""The rules of scores and stages, without a database."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kit.errors import DomainErrors
from domain.lifecycle.model import (
    FALLBACK_CYCLE,
    GROUPS,
    ChosenThresholds,
    Cuts,
    RfmGroup,
    check_chosen,
    high_places,
    low_places,
    ready_days,
    recent_days,
    thresholds_of,
)

NOTHING = Cuts((), (), ())


def test_every_score_has_a_group_and_every_group_a_score() -> None:
    groups = {
        next(row[r - 1] for least, row in GROUPS.items() if f + m >= least)
        for r, f, m in product(range(1, 6), repeat=3)
    }
    assert groups == set(RfmGroup) - {RfmGroup.PROSPECTS}


@settings(deadline=None)
@given(st.integers(1, 1_000))
def test_fifths_are_as_even_as_can_be(count: int) -> None:
    places = low_places(count)
    sizes = [len([at for at in range(1, count + 1) if sum(at > cut for cut in places) == fifth]) for fifth in range(5)]
    assert max(sizes) - min(sizes) <= 1
    upper = high_places(count)
    sizes = [len([at for at in range(1, count + 1) if sum(at >= cut for cut in upper) == fifth]) for fifth in range(5)]
    assert max(sizes) - min(sizes) <= 1
    assert all(1 <= place <= count for place in (*places, *upper))


def test_thresholds_come_from_the_orders_unless_they_were_chosen() -> None:
    cuts = Cuts((), (1, 1, 2, 4), tuple(Decimal(amount) for amount in (10, 20, 30, 99)))
    thresholds = thresholds_of(ChosenThresholds(), cuts, 8.0)
    assert (thresholds.active_days, thresholds.lost_days, thresholds.introduce_days) == (16, 32, 32)
    assert (thresholds.loyal_orders, thresholds.high_spend, thresholds.cycle) == (4, Decimal(99), 8.0)
    assert (recent_days(thresholds), ready_days(thresholds)) == (7, 16)
    chosen = ChosenThresholds(20, 30, 5, 3, Decimal(0), 10)
    thresholds = thresholds_of(chosen, cuts, 8.0)
    assert (thresholds.active_days, thresholds.lost_days, thresholds.introduce_days) == (20, 30, 5)
    assert (thresholds.loyal_orders, thresholds.high_spend, thresholds.cycle) == (3, Decimal(0), 10.0)


def test_a_store_whose_orders_do_not_tell_goes_by_what_is_usual() -> None:
    thresholds = thresholds_of(ChosenThresholds(), NOTHING, None)
    assert thresholds.cycle == FALLBACK_CYCLE
    assert (thresholds.active_days, thresholds.lost_days, thresholds.loyal_orders) == (130, 260, 2)
    assert thresholds_of(ChosenThresholds(active_days=400), NOTHING, None).lost_days == 401
    assert thresholds_of(ChosenThresholds(), NOTHING, 0.5).active_days == 2
    half = thresholds_of(ChosenThresholds(), NOTHING, 8.5)
    assert (recent_days(half), ready_days(half)) == (8, 17)


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        (ChosenThresholds(active_days=0, lost_days=1), ["activeDays", "lostDays"]),
        (ChosenThresholds(introduce_days=3_651, loyal_orders=0), ["introduceDays", "loyalOrders"]),
        (ChosenThresholds(high_spend=Decimal(-1), repurchase_days=0), ["highSpend", "repurchaseDays"]),
        (ChosenThresholds(active_days=30, lost_days=30), ["lostDays"]),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(wrong: ChosenThresholds, fields: list[str]) -> None:
    with pytest.raises(DomainErrors) as caught:
        check_chosen(wrong)
    assert [error.field for error in caught.value.errors] == [(field,) for field in fields]
