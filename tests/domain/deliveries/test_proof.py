"""What receipts prove follows from their set: not from their order, nor from how often each comes."""

from datetime import timedelta
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muster_sdk import ReceiptKind as Kind

from domain.deliveries.model import DeliveryStatus
from domain.deliveries.proof import Proof
from tests.factories import NOW

Told = tuple[Kind, int, str | None]
told = st.tuples(st.sampled_from(Kind), st.integers(0, 3), st.sampled_from([None, "a", "b"]))


def fold(receipts: list[Told] | tuple[Told, ...]) -> Proof:
    return reduce(
        lambda proof, receipt: proof.with_receipt(receipt[0], NOW + timedelta(seconds=receipt[1]), receipt[2]),
        receipts,
        Proof(),
    )


@given(st.lists(told, max_size=5))
def test_every_order_proves_the_same(receipts: list[Told]) -> None:
    assert len({fold(order) for order in permutations(receipts)}) <= 1


@given(st.lists(told, max_size=8), st.data())
def test_what_comes_again_changes_nothing(receipts: list[Told], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(receipts), max_size=10)) if receipts else []
    assert fold(receipts + again) == fold(receipts)


@pytest.mark.parametrize(
    ("receipts", "status", "reason"),
    [
        ([], None, None),
        ([(Kind.ACCEPTED, 1, None)], DeliveryStatus.SENT, None),
        ([(Kind.DELIVERED, 1, None)], DeliveryStatus.DELIVERED, None),
        ([(Kind.OPENED, 1, None)], DeliveryStatus.DELIVERED, None),
        ([(Kind.COMPLAINED, 1, None)], DeliveryStatus.DELIVERED, None),
        ([(Kind.ACCEPTED, 2, None), (Kind.FAILED, 1, "30003")], DeliveryStatus.FAILED, "30003"),
        ([(Kind.FAILED, 1, "busy"), (Kind.BOUNCED, 2, "no mailbox")], DeliveryStatus.FAILED, "no mailbox"),
        ([(Kind.BOUNCED, 1, None)], DeliveryStatus.FAILED, "The address does not exist"),
        # The later word counts, and at one moment the delivery.
        ([(Kind.FAILED, 1, "busy"), (Kind.DELIVERED, 2, None)], DeliveryStatus.DELIVERED, "busy"),
        ([(Kind.DELIVERED, 1, None), (Kind.BOUNCED, 2, "full")], DeliveryStatus.FAILED, "full"),
        ([(Kind.DELIVERED, 1, None), (Kind.FAILED, 1, "full")], DeliveryStatus.DELIVERED, "full"),
        # Who has read it has got it.
        ([(Kind.CLICKED, 1, None), (Kind.BOUNCED, 3, "full")], DeliveryStatus.DELIVERED, "full"),
    ],
)
def test_what_a_message_has_become(receipts: list[Told], status: DeliveryStatus | None, reason: str | None) -> None:
    proof = fold(receipts)
    assert (proof.status, proof.reason) == (status, reason)
