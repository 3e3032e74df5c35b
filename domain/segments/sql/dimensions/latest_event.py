"""What a customer's latest event of a type says, and how many there are: for dimensions that plugins declare."""

from dataclasses import dataclass

from sqlalchemy import func, select

from domain.orders.tables import events
from domain.segments.filters import Attribute, Behavior, Operator, Window
from domain.segments.sql.behaviors.base import Trait, Traits
from domain.segments.sql.behaviors.events import Events
from domain.segments.sql.predicates import Compiled, Members, Spread
from domain.segments.sql.scope import Scope


@dataclass(frozen=True, slots=True)
class Latest:
    type: str
    trait: Trait

    def leaf(self, condition: Attribute, scope: Scope) -> Members:
        rows = events.c
        own = (rows.store_id == scope.store_id, rows.type == self.type)
        newest = (rows.occurred_at.desc(), rows.id.desc())
        place = func.row_number().over(partition_by=rows.customer_id, order_by=newest).label("place")
        ranked = select(rows.id, place).where(*own).subquery()
        last = select(ranked.c.id).where(ranked.c.place == 1)
        holds = self.trait.column(scope).holds(condition.operator, condition.values, scope)
        ids = select(rows.customer_id).where(*own, rows.id.in_(last), holds)
        return Members(ids.correlate(None), Spread.PROPERTY, once=True)


@dataclass(frozen=True, slots=True)
class HowMany:
    type: str
    window: Window

    def leaf(self, condition: Attribute, scope: Scope) -> Compiled:
        operator = Operator.EQ if condition.operator is Operator.IN else condition.operator
        asked = Behavior(self.type, operator=operator, values=condition.values, window=self.window)
        return Events(self.type).leaf(asked, Traits((), None), scope)
