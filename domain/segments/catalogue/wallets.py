"""Points, store credits, gift cards, coupons and referrals of customers."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Date, bindparam, literal_column, or_

from domain.kit.db.types import MONEY_SCALE
from domain.segments.catalogue.builders import NUMBERS_OR_NONE, Group, only
from domain.segments.catalogue.entries import BehaviorEntry, DimensionEntry
from domain.segments.catalogue.event_behaviors import EventBehaviors
from domain.segments.sql.columns.times import DayColumn, MomentColumn
from domain.segments.sql.columns.values import TextColumn, WholeColumn
from domain.segments.sql.dimensions.child_rows import ChildRows, ChildValue, RowCount, RowSum
from domain.segments.sql.scope import FilterScope
from domain.wallets.model import COUPON_RECEIVED, COUPON_USED, Wallet
from domain.wallets.tables import changes, coupons, lots

_rewards = Group("rewards")
_LABELS = {Wallet.POINTS: "Points", Wallet.CREDITS: "Store credits", Wallet.GIFT_CARD: "Gift cards"}
_RULES: Mapping[Wallet, Mapping[str, int]] = {
    Wallet.POINTS: {"balance": 43, "expires": 44, "amount": 45, "reason": 46},
    Wallet.CREDITS: {"balance": 48, "expires": 49},
    Wallet.GIFT_CARD: {"balance": 51},
}


def _usable(expires_on: ColumnElement[Any], scope: FilterScope) -> ColumnElement[bool]:
    """Not expired: the last day still counts."""
    return or_(expires_on.is_(None), expires_on >= bindparam(None, scope.today, type_=Date()))


def _wallet_dimensions(wallet: Wallet) -> Iterator[DimensionEntry]:
    key, label = wallet.value, _LABELS[wallet]
    rules = {name: (rule,) for name, rule in _RULES[wallet].items()}

    def usable(scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
        # The partial index's own words.
        return (
            lots.c.kind == key,
            literal_column("wallet_lots.remaining <> 0"),
            _usable(lots.c.expires_on, scope),
        )

    def expiring(scope: FilterScope) -> tuple[ColumnElement[bool], ...]:
        # The partial index's own words too: SQLite does not know that more than 0 is not 0.
        return (
            lots.c.kind == key,
            literal_column("wallet_lots.remaining <> 0"),
            literal_column("wallet_lots.remaining > 0"),
            lots.c.expires_on >= bindparam(None, scope.today, type_=Date()),
        )

    last = ChildRows(changes.c.customer_id, lambda _: (changes.c.kind == key,))
    amount = ChildValue(last, WholeColumn(changes.c.amount, MONEY_SCALE))
    yield _rewards.number(
        key,
        label,
        RowSum(ChildRows(lots.c.customer_id, usable), lots.c.remaining, MONEY_SCALE),
        *rules.get("balance", ()),
    )
    expiry = ChildValue(ChildRows(lots.c.customer_id, expiring), DayColumn(lots.c.expires_on))
    yield _rewards.day(f"{key}.expire_on", f"{label}: expiry", expiry, *rules.get("expires", ()))
    changed = _rewards.number(f"{key}.last_change", f"{label}: last change", amount, *rules.get("amount", ()))
    yield only(changed, NUMBERS_OR_NONE)
    reason = ChildValue(last, TextColumn(changes.c.reason))
    yield _rewards.text(f"{key}.last_reason", f"{label}: reason of the last change", reason, *rules.get("reason", ()))
    at = ChildValue(last, MomentColumn(changes.c.at))
    yield _rewards.moment(f"{key}.last_changed_at", f"{label}: time of the last change", at)


_UNUSED = ChildRows(
    coupons.c.customer_id, lambda scope: (coupons.c.used_at.is_(None), _usable(coupons.c.expires_on, scope))
)
# Expired or not.
_NEVER_USED = ChildRows(coupons.c.customer_id, lambda _: (coupons.c.used_at.is_(None),))

WALLETS = (
    *(dimension for wallet in Wallet for dimension in _wallet_dimensions(wallet)),
    _rewards.text("coupon", "Unused coupon", ChildValue(_UNUSED, TextColumn(coupons.c.coupon)), 50),
    _rewards.number("coupon_count", "Number of unused coupons", RowCount(_UNUSED), 50),
    _rewards.day("coupon.expire_on", "Unused coupon: expiry", ChildValue(_UNUSED, DayColumn(coupons.c.expires_on))),
    _rewards.moment(
        "coupon.received_at",
        "Coupon that was never used: received",
        ChildValue(_NEVER_USED, MomentColumn(coupons.c.received_at)),
        54,
    ),
)

_rewarding = EventBehaviors("rewards")
REWARDING: tuple[BehaviorEntry, ...] = (
    _rewarding.of(Wallet.POINTS.event, "Points changed", 45, 46),
    _rewarding.of(Wallet.CREDITS.event, "Store credits changed"),
    _rewarding.of(Wallet.GIFT_CARD.event, "Gift card changed"),
    _rewarding.of(COUPON_RECEIVED, "Coupon received", 54),
    _rewarding.of(COUPON_USED, "Coupon used", 54, 98),
    _rewarding.of("referral", "Invited a friend", 52),
)
