"""Score a store's customers by one statement, and record for whom something changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    SmallInteger,
    String,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.types import TypeEngine

from domain import changes
from domain.changes import ChangeKind
from domain.customers.tables import customer_facts, customers
from domain.kit.clock import midnight
from domain.kit.db import Transaction
from domain.kit.db.portable import insert_into
from domain.kit.db.types import Instant, Money
from domain.lifecycle.model import (
    GROUPS,
    Cuts,
    LifecycleStage,
    RepurchasePosition,
    RfmGroup,
    ShopperType,
    Thresholds,
    ready_days,
    recent_days,
)
from domain.lifecycle.tables import customer_scores

_facts, _scores = customer_facts.c, customer_scores.c
_COMPUTED = ("recency", "frequency", "monetary", "rfm_group", "stage", "shopper_type", "repurchase_position")
_ORDERED = _facts.order_count > 0


@dataclass(frozen=True, slots=True)
class Scoring:
    """A store's scores of one day."""

    store_id: int
    timezone: str
    today: date
    cuts: Cuts
    used: Thresholds

    async def score(self, tx: Transaction, first: int, last: int) -> int:
        """Score customers from one id to another; write only those whose scores changed, and return how many."""
        names = ["store_id", "customer_id", *_COMPUTED, "computed_on"]
        statement = insert_into(customer_scores, tx.dialect).from_select(names, self._scores(first, last))
        changed = or_(*(_scores[name].is_distinct_from(statement.excluded[name]) for name in _COMPUTED))
        values = {name: statement.excluded[name] for name in (*_COMPUTED, "computed_on")}
        upsert = statement.on_conflict_do_update(index_elements=["store_id", "customer_id"], set_=values, where=changed)
        count: int = (await tx.execute(upsert)).rowcount
        in_range = (customers.c.store_id == self.store_id, customers.c.id.between(first, last))
        live = select(customers.c.id).where(*in_range, customers.c.deleted_at.is_(None))
        scored = (_scores.store_id == self.store_id, _scores.customer_id.between(first, last))
        orphaned = delete(customer_scores).where(*scored, _scores.customer_id.not_in(live))
        deleted: int = (await tx.execute(orphaned)).rowcount
        if deleted:
            await changes.record_range_change(tx, self.store_id, ChangeKind.ORDERS, first, last)
        elif count:
            today = (_scores.computed_on == self.today, _scores.customer_id.between(first, last))
            changed_ids = select(_scores.customer_id).where(_scores.store_id == self.store_id, *today)
            await changes.record_change(tx, self.store_id, ChangeKind.ORDERS, changed_ids)
        return count

    def _scores(self, first: int, last: int) -> Select[*tuple[Any, ...]]:
        active = self._since(self.used.active_days)
        shopper = case(
            (~_ORDERED, cast(null(), String())),
            (and_(active, self._frequent()), _name(ShopperType.LOYAL)),
            (active, _name(ShopperType.NORMAL)),
            else_=_name(ShopperType.INACTIVE),
        )
        position = case(
            (~_ORDERED, cast(null(), String())),
            (self._since(recent_days(self.used)), _name(RepurchasePosition.RECENTLY_PURCHASED)),
            (self._since(ready_days(self.used)), _name(RepurchasePosition.READY_TO_REPURCHASE)),
            else_=_name(RepurchasePosition.LAPSED),
        )
        same = and_(customers.c.store_id == _facts.store_id, customers.c.id == _facts.customer_id)
        scored = (
            select(
                _facts.customer_id,
                _fifth(_facts.last_order_at, self.cuts.recency, Instant(), upper=True).label("recency"),
                _fifth(_facts.order_count, self.cuts.frequency, Integer()).label("frequency"),
                _fifth(_facts.total_spent, self.cuts.monetary, Money()).label("monetary"),
                self._stage().label("stage"),
                shopper.label("shopper_type"),
                position.label("repurchase_position"),
            )
            .join(customers, same)
            .where(_facts.store_id == self.store_id, _facts.customer_id.between(first, last))
            .where(customers.c.deleted_at.is_(None))
            .subquery("scored")
        )
        score = scored.c
        groups = [
            (and_(score.frequency + score.monetary >= least, score.recency == recency), _name(group))
            for least, row in GROUPS.items()
            for recency, group in enumerate(row, 1)
        ]
        group = case(*groups, else_=_name(RfmGroup.PROSPECTS))
        scores = (score.recency, score.frequency, score.monetary)
        places = (group, score.stage, score.shopper_type, score.repurchase_position)
        statement = select(literal(self.store_id, Integer()), score.customer_id, *scores, *places)
        # SQLite takes ON CONFLICT behind a select for a join's unless a WHERE stands between.
        return statement.add_columns(literal(self.today, Date())).where(score.customer_id.is_not(None))

    def _stage(self) -> ColumnElement[Any]:
        active, not_lost = self._since(self.used.active_days), self._since(self.used.lost_days)
        known_since = func.coalesce(customers.c.registered_at, customers.c.created_at, type_=Instant())
        fresh = known_since >= self._start(self.used.introduce_days)
        frequent, high = self._frequent(), _facts.total_spent >= literal(self.used.high_spend, Money())
        return case(
            (and_(~_ORDERED, fresh), _name(LifecycleStage.NEED_INTRODUCE)),
            (~_ORDERED, _name(LifecycleStage.SILENT)),
            (and_(active, frequent, high), _name(LifecycleStage.LOYALISTS)),
            (and_(active, or_(frequent, high)), _name(LifecycleStage.HIGH_POTENTIAL)),
            (active, _name(LifecycleStage.NEED_NURTURING)),
            (and_(not_lost, or_(frequent, high)), _name(LifecycleStage.CANT_LOSE)),
            (not_lost, _name(LifecycleStage.SILENT)),
            else_=_name(LifecycleStage.LOST),
        )

    def _frequent(self) -> ColumnElement[bool]:
        return _facts.order_count >= literal(self.used.loyal_orders, Integer())

    def _since(self, days: int) -> ColumnElement[bool]:
        """Return whether the last order was so many of the store's days ago, or fewer."""
        return _facts.last_order_at >= self._start(days)

    def _start(self, days: int) -> ColumnElement[Any]:
        return bindparam(None, midnight(self.today - timedelta(days=days), self.timezone), type_=Instant())


def _name(value: str) -> ColumnElement[str]:
    return literal(str(value), String())


def _fifth(
    column: ColumnElement[Any], cuts: Sequence[object], kind: TypeEngine[Any], *, upper: bool = False
) -> ColumnElement[Any]:
    """Return 1 and the number of cuts that the value is beyond; `upper`: or at."""
    if not cuts:
        return cast(null(), SmallInteger())
    bounds = [bindparam(None, cut, type_=kind) for cut in cuts]
    beyond = [case((column >= bound if upper else column > bound, 1), else_=0) for bound in bounds]
    score = beyond[0] + beyond[1] + beyond[2] + beyond[3] + 1
    return case((_ORDERED, cast(score, SmallInteger())))
