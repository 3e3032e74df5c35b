"""Fingerprints of filters are stored: they are those of the first release, whatever classes are called by now."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.memberships.model import fingerprint
from domain.segments.compiler.normal_form import normalise
from domain.segments.filters import (
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
)

SHOES = AttributeCondition("category", Operator.EQ, ("Shoes",))
TWO_SHOES = BehaviorCondition("order", (SHOES,), Aggregate.COUNT, None, Operator.GTE, (2,), Window(last_days=90))
SPENT = BehaviorCondition(
    "order",
    aggregate=Aggregate.SUM,
    of="total",
    operator=Operator.GT,
    values=(1.5,),
    window=Window(since=datetime(2026, 1, 1, tzinfo=UTC)),
)


@pytest.mark.parametrize(
    ("definition", "stored"),
    [
        (Definition(None, None), "ed39e6e7797a35ba389f4beb6ee5a222"),
        (Definition(AttributeCondition("tag", Operator.EQ, ("VIP",))), "aa0dcd61ab9eb7a23fed2755bcc2fc70"),
        (
            Definition(
                AnyOf((AttributeCondition("tag", Operator.NEQ, ("VIP", "it's")), TWO_SHOES)),
                MembershipCondition(list_id=UUID(int=7)),
            ),
            "d7bcaa85655f78c52417aa31c6d3b751",
        ),
        (
            Definition(AllOf((SPENT, Not(AttributeCondition("member", Operator.EQ, (True,))))), None),
            "332bbb0540a140b135240527888ba3fc",
        ),
    ],
)
def test_a_stored_fingerprint_stays_that_of_its_filter(definition: Definition, stored: str) -> None:
    assert fingerprint(normalise(definition), "Asia/Taipei") == stored
