"""What is left of each lot, when changes are taken in the order in which they happened."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Wallet(StrEnum):
    POINTS = "points"
    CREDITS = "credits"
    GIFT_CARD = "gift_card"


@dataclass(frozen=True, slots=True)
class Change:
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


def left(changes: Iterable[Change]) -> list[Lot]:
    """What is left of each lot, those of which nothing is left aside.

    A spending takes of what expires first, and of nothing that has expired. More spent than there was stays
    as a lot below zero, which the next earnings fill.
    """
    lots: list[Lot] = []
    for change in sorted(changes, key=lambda each: (each.at, each.id)):
        lots = _earn(lots, change) if change.amount > 0 else _spend(lots, change)
    return [lot for lot in lots if lot.remaining]


def _earn(lots: list[Lot], change: Change) -> list[Lot]:
    """First fills what was overspent."""
    amount, kept = change.amount, list[Lot]()
    for lot in lots:
        filled = min(amount, max(Decimal(0), -lot.remaining))
        amount -= filled
        kept.append(Lot(lot.id, lot.remaining + filled, lot.expires_on))
    return [*kept, Lot(change.id, amount, change.expires_on)]


def _spend(lots: list[Lot], change: Change) -> list[Lot]:
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
