"""The rules of scores and stages; docs/reference/lifecycle.md gives the reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from math import ceil, floor

from domain.kit.errors import DomainError, DomainErrors

# Days between purchases where a store's own orders do not say yet: those of CDNOW's 11,516 repeat customers.
FALLBACK_CYCLE = 65.0
# The orders of a store whose first one is younger do not say.
YOUNG_DAYS = 180
LOOK_BACK_DAYS = 730
_FIFTHS = (1, 2, 3, 4)
_MOST_DAYS = 3_650
_MOST_ORDERS = 1_000_000
_MOST_SPEND = Decimal(10**12)


class RfmGroup(StrEnum):
    CHAMPIONS = "CHAMPIONS"
    LOYAL = "LOYAL"
    ACTIVE = "ACTIVE"
    NEW = "NEW"
    PROMISING = "PROMISING"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"
    AT_RISK = "AT_RISK"
    PREVIOUSLY_LOYAL = "PREVIOUSLY_LOYAL"
    ALMOST_LOST = "ALMOST_LOST"
    DORMANT = "DORMANT"
    PROSPECTS = "PROSPECTS"


class LifecycleStage(StrEnum):
    LOYALISTS = "LOYALISTS"
    HIGH_POTENTIAL = "HIGH_POTENTIAL"
    NEED_NURTURING = "NEED_NURTURING"
    NEED_INTRODUCE = "NEED_INTRODUCE"
    SILENT = "SILENT"
    CANT_LOSE = "CANT_LOSE"
    LOST = "LOST"


class ShopperType(StrEnum):
    LOYAL = "LOYAL"
    NORMAL = "NORMAL"
    INACTIVE = "INACTIVE"


class RepurchasePosition(StrEnum):
    RECENTLY_PURCHASED = "RECENTLY_PURCHASED"
    READY_TO_REPURCHASE = "READY_TO_REPURCHASE"
    LAPSED = "LAPSED"


# By recency, from 1 to 5, for the least sum of frequency and monetary score that each row begins with.
GROUPS: Mapping[int, tuple[RfmGroup, RfmGroup, RfmGroup, RfmGroup, RfmGroup]] = {
    8: (
        RfmGroup.PREVIOUSLY_LOYAL,
        RfmGroup.PREVIOUSLY_LOYAL,
        RfmGroup.LOYAL,
        RfmGroup.LOYAL,
        RfmGroup.CHAMPIONS,
    ),
    5: (
        RfmGroup.AT_RISK,
        RfmGroup.AT_RISK,
        RfmGroup.NEEDS_ATTENTION,
        RfmGroup.ACTIVE,
        RfmGroup.ACTIVE,
    ),
    2: (
        RfmGroup.DORMANT,
        RfmGroup.ALMOST_LOST,
        RfmGroup.PROMISING,
        RfmGroup.PROMISING,
        RfmGroup.NEW,
    ),
}


@dataclass(frozen=True, slots=True)
class Cuts:
    """The values at which one fifth of the customers who have ordered ends and the next begins, four of each."""

    recency: Sequence[datetime]
    frequency: Sequence[int]
    monetary: Sequence[Decimal]


@dataclass(frozen=True, slots=True)
class ChosenThresholds:
    """The thresholds that a store has set by hand; None: found from its orders."""

    active_days: int | None = None
    lost_days: int | None = None
    introduce_days: int | None = None
    loyal_orders: int | None = None
    high_spend: Decimal | None = None
    repurchase_days: int | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The five indicators that stages go by, and the days between purchases; all days are whole."""

    active_days: int
    lost_days: int
    introduce_days: int
    loyal_orders: int
    high_spend: Decimal
    cycle: float


@dataclass(frozen=True, slots=True)
class LastScoring:
    """When a store's customers were last scored, and by which thresholds."""

    computed_on: date | None
    # Whether the store's own orders gave the days between purchases.
    measured: bool
    thresholds: Thresholds | None


def low_places(count: int) -> list[int]:
    """Return the last place of each of the lower four fifths; who ties with it belongs to the lower fifth."""
    return [ceil(count * fifth / 5) for fifth in _FIFTHS]


def high_places(count: int) -> list[int]:
    """Return the first place of each of the upper four fifths; who ties with it belongs to the upper fifth."""
    return [floor(count * fifth / 5) + 1 for fifth in _FIFTHS]


def thresholds_of(chosen: ChosenThresholds, cuts: Cuts, cycle: float | None) -> Thresholds:
    """Return the chosen thresholds, and for the rest those that follow from the store's orders."""
    days = float(chosen.repurchase_days or cycle or FALLBACK_CYCLE)
    # A cycle of no day would make everyone lapse overnight.
    days = max(days, 1.0)
    active = chosen.active_days or floor(2 * days)
    lost = max(chosen.lost_days or floor(4 * days), active + 1)
    frequent = cuts.frequency[-1] if cuts.frequency else 0
    high = cuts.monetary[-1] if cuts.monetary else Decimal(0)
    return Thresholds(
        active_days=active,
        lost_days=lost,
        introduce_days=chosen.introduce_days or lost,
        loyal_orders=chosen.loyal_orders or max(2, frequent),
        high_spend=high if chosen.high_spend is None else chosen.high_spend,
        cycle=days,
    )


def recent_days(thresholds: Thresholds) -> int:
    """Return up to how many days after it an order is a recent one: less than one cycle."""
    return ceil(thresholds.cycle) - 1


def ready_days(thresholds: Thresholds) -> int:
    """Return up to how many days after it the next order may be expected: two cycles."""
    return floor(2 * thresholds.cycle)


def check_chosen(chosen: ChosenThresholds) -> None:
    """Raise DomainErrors with everything that is out of range."""
    faults = [
        DomainError(f"Write a number from {low:,} to {high:,}", field=(name,))
        for name, value, low, high in (
            ("activeDays", chosen.active_days, 1, _MOST_DAYS),
            ("lostDays", chosen.lost_days, 2, _MOST_DAYS),
            ("introduceDays", chosen.introduce_days, 1, _MOST_DAYS),
            ("loyalOrders", chosen.loyal_orders, 1, _MOST_ORDERS),
            ("highSpend", chosen.high_spend, Decimal(0), _MOST_SPEND),
            ("repurchaseDays", chosen.repurchase_days, 1, _MOST_DAYS),
        )
        if value is not None and not low <= value <= high
    ]
    active, lost = chosen.active_days, chosen.lost_days
    if not faults and active is not None and lost is not None and active >= lost:
        faults.append(DomainError("A customer is lost later than no longer active", field=("lostDays",)))
    if faults:
        raise DomainErrors(faults)
