from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.wallets.model import CouponChange, Lot, WalletChange, held_coupons, remaining_lots

START = date(2026, 1, 1)


def change(number: int, day: int, amount: int, lasts: int | None) -> WalletChange:
    on = START + timedelta(days=day)
    noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    return WalletChange(
        f"{number:03}", noon, on, Decimal(amount), None, None if lasts is None else on + timedelta(days=lasts)
    )


changes = st.lists(
    st.tuples(st.integers(0, 30), st.integers(-6, 6).filter(bool), st.one_of(st.none(), st.integers(0, 20))),
    max_size=12,
).map(lambda rows: [change(number, *row) for number, row in enumerate(rows)])


def point_by_point(history: list[WalletChange]) -> dict[str, int]:
    """Return what remains of each change when every point is spent and expires by itself."""
    points: list[tuple[str, date | None]] = []
    debts: list[str] = []
    for entry in sorted(history, key=lambda entry: (entry.occurred_at, entry.id)):
        for _ in range(int(entry.amount)):
            if debts:
                debts.pop(0)
            else:
                points.append((entry.id, entry.expires_on))
        for _ in range(int(-entry.amount)):
            usable = [point for point in points if point[1] is None or point[1] >= entry.day]
            if usable:
                points.remove(min(usable, key=lambda point: point[1] or date.max))
            else:
                debts.append(entry.id)
    remaining: dict[str, int] = {}
    for name, _ in points:
        remaining[name] = remaining.get(name, 0) + 1
    for name in debts:
        remaining[name] = remaining.get(name, 0) - 1
    return remaining


@given(changes, st.randoms())
def test_lots_are_what_counting_every_point_gives(history: list[WalletChange], chance: "st.randoms") -> None:  # type: ignore[valid-type]
    shuffled = sorted(history, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert {lot.id: int(lot.remaining) for lot in remaining_lots(shuffled)} == point_by_point(history)


def test_what_expires_first_is_spent_first() -> None:
    history = [change(1, 0, 5, None), change(2, 1, 5, 30), change(3, 2, 5, 10), change(4, 3, -7, None)]
    day = START + timedelta(days=31)
    assert remaining_lots(history) == [Lot("001", Decimal(5), None), Lot("002", Decimal(3), day)]


def test_a_coupon_used_before_its_receipt_came_in_is_used() -> None:
    received_at = datetime(2026, 7, 1, tzinfo=UTC)
    used_at = received_at + timedelta(days=2)
    used = CouponChange(used_at, "TEN", "TEN-1", used=True)
    received = CouponChange(received_at, "TEN", "TEN-1", used=False, expires_on=date(2026, 8, 1))
    (coupon,) = held_coupons([used, received])
    assert (coupon.received_at, coupon.used_at) == (received_at, used_at)
    assert coupon.expires_on == date(2026, 8, 1)
