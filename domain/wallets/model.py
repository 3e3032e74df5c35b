"""What is left of each lot, when changes are taken in the order in which they happened."""

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
        """The type of the events that change it."""
        return f"{self.value}.changed"


COUPON_RECEIVED, COUPON_USED = "coupon.received", "coupon.used"


@dataclass(frozen=True, slots=True)
class WalletChange:
    """`amount` is signed; `expires_on` is the last day on which what came in can be spent, None for ever."""

    id: str
    at: datetime
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
    """What is left of each lot, those of which nothing is left aside.

    A spending takes of what expires first, and of nothing that has expired. More spent than there was stays
    as a lot below zero, which the next earnings fill.
    """
    lots: list[Lot] = []
    for change in sorted(changes, key=lambda each: (each.at, each.id)):
        lots = _earn(lots, change) if change.amount > 0 else _spend(lots, change)
    return [lot for lot in lots if lot.remaining]


def _earn(lots: list[Lot], change: WalletChange) -> list[Lot]:
    """First fills what was overspent."""
    amount, kept = change.amount, list[Lot]()
    for lot in lots:
        filled = min(amount, max(Decimal(0), -lot.remaining))
        amount -= filled
        kept.append(Lot(lot.id, lot.remaining + filled, lot.expires_on))
    return [*kept, Lot(change.id, amount, change.expires_on)]


def _spend(lots: list[Lot], change: WalletChange) -> list[Lot]:
    wanted = -change.amount
    taken: dict[str, Decimal] = {}
    usable = [
        each for each in lots if each.remaining > 0 and (each.expires_on is None or each.expires_on >= change.day)
    ]
    for lot in sorted(usable, key=lambda each: (each.expires_on is None, each.expires_on or change.day)):
        taken[lot.id] = min(wanted, lot.remaining)
        wanted -= taken[lot.id]
    kept = [Lot(lot.id, lot.remaining - taken.get(lot.id, Decimal(0)), lot.expires_on) for lot in lots]
    return [*kept, Lot(change.id, -wanted, None)] if wanted else kept


@dataclass(frozen=True, slots=True)
class CouponChange:
    """A coupon was received, or used; `code` is the coupon's own key where all share one."""

    at: datetime
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
    """Each code once: received and used for the first time, and until the last day that was said of it."""
    found: dict[str, HeldCoupon] = {}
    for change in sorted(changes, key=lambda each: (each.at, each.used)):
        had = found.get(change.code, HeldCoupon(change.coupon, change.code, None, None, None))
        found[change.code] = replace(
            had,
            received_at=had.received_at if change.used else had.received_at or change.at,
            used_at=had.used_at or change.at if change.used else had.used_at,
            expires_on=change.expires_on or had.expires_on,
        )
    return list(found.values())
