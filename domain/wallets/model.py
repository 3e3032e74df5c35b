"""Points, store credits, gift cards and coupons: the changes to them, and what remains after all changes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Wallet(StrEnum):
    POINTS = "points"
    CREDITS = "credits"
    GIFT_CARD = "gift_card"

    @property
    def event(self) -> str:
        """The type of the events that change this wallet."""
        return f"{self.value}.changed"


COUPON_RECEIVED, COUPON_USED = "coupon.received", "coupon.used"


@dataclass(frozen=True, slots=True)
class WalletChange:
    """An earning or, with a negative amount, a spending; `expires_on` is the last day on which it can be spent."""

    id: str
    occurred_at: datetime
    day: date
    amount: Decimal
    reason: str | None = None
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    id: str
    remaining: Decimal
    expires_on: date | None


def remaining_lots(changes: Iterable[WalletChange]) -> list[Lot]:
    """Return the lots of which something remains, when the changes are applied in the order of their times.

    A spending uses what expires first, and nothing that has expired. Overspending stays as a lot below zero, which
    the next earnings fill.
    """
    lots: list[Lot] = []
    for change in sorted(changes, key=lambda change: (change.occurred_at, change.id)):
        if change.amount > 0:
            amount, filled_lots = change.amount, list[Lot]()
            for lot in lots:
                filled = min(amount, max(Decimal(0), -lot.remaining))
                amount -= filled
                filled_lots.append(Lot(lot.id, lot.remaining + filled, lot.expires_on))
            lots = [*filled_lots, Lot(change.id, amount, change.expires_on)]
        else:
            lots = _spend(lots, change)
    return [lot for lot in lots if lot.remaining]


def _spend(lots: list[Lot], change: WalletChange) -> list[Lot]:
    unspent = -change.amount
    spent: dict[str, Decimal] = {}
    usable = [lot for lot in lots if lot.remaining > 0 and (lot.expires_on is None or lot.expires_on >= change.day)]
    for lot in sorted(usable, key=lambda lot: (lot.expires_on is None, lot.expires_on or change.day)):
        spent[lot.id] = min(unspent, lot.remaining)
        unspent -= spent[lot.id]
    lots = [Lot(lot.id, lot.remaining - spent.get(lot.id, Decimal(0)), lot.expires_on) for lot in lots]
    return [*lots, Lot(change.id, -unspent, None)] if unspent else lots


@dataclass(frozen=True, slots=True)
class CouponChange:
    """A coupon was received or used; `code` is the coupon's key where all customers share one."""

    occurred_at: datetime
    coupon: str
    code: str
    used: bool
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class HeldCoupon:
    coupon: str
    code: str
    received_at: datetime | None
    expires_on: date | None
    used_at: datetime | None


def held_coupons(changes: Iterable[CouponChange]) -> list[HeldCoupon]:
    """Return each code once, with its first receipt, its first use, and the expiry that the last change names."""
    coupons: dict[str, HeldCoupon] = {}
    for change in sorted(changes, key=lambda change: (change.occurred_at, change.used)):
        coupon = coupons.get(change.code, HeldCoupon(change.coupon, change.code, None, None, None))
        coupons[change.code] = replace(
            coupon,
            received_at=coupon.received_at if change.used else coupon.received_at or change.occurred_at,
            used_at=coupon.used_at or change.occurred_at if change.used else coupon.used_at,
            expires_on=change.expires_on or coupon.expires_on,
        )
    return list(coupons.values())
