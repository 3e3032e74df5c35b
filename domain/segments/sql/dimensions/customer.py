"""Dimensions of customers: their columns, facts, tags, consents and properties, and the lists that they are on."""

from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, String, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.customers.model import Consent
from domain.customers.tables import contacts, customer_properties, customer_tags, customers
from domain.segments.filters import AttributeCondition, Operator
from domain.segments.sql.columns.values import Column, TextColumn
from domain.segments.sql.dimensions.child_rows import ChildRows
from domain.segments.sql.predicates import ALWAYS, IdSet, Predicate, RowPredicate, Selectivity, partial_index_ids
from domain.segments.sql.projections import ColumnValue, DimensionValue, RelatedValues
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import list_members, segment_members


class email_domain(FunctionElement[str]):  # noqa: N801 - reads as an SQL function
    """The part of an e-mail address behind its @."""

    type = String()
    inherit_cache = True


@compiles(email_domain, "postgresql")
def _email_domain_on_postgresql(element: email_domain, compiler: SQLCompiler, **_: Any) -> str:
    return f"split_part({compiler.process(element.clauses)}, '@', 2)"


@compiles(email_domain, "sqlite")
def _email_domain_on_sqlite(element: email_domain, compiler: SQLCompiler, **_: Any) -> str:
    email = compiler.process(element.clauses)
    return f"substr({email}, instr({email}, '@') + 1)"


class DimensionSource(Protocol):
    """The place of a dimension: conditions with positive operators become SQL there, and values are read."""

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate: ...

    def value(self, scope: FilterScope, /) -> DimensionValue | None:
        """Return how the customers' values are read; None where there is nothing to show."""
        ...


@dataclass(frozen=True, slots=True)
class CustomerColumn:
    """A column of the customer's row, or of the row of their facts."""

    column: Column

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> RowPredicate:
        return RowPredicate(self.column.matches(condition.operator, condition.values, scope))

    def value(self, scope: FilterScope) -> ColumnValue | None:
        return self.column.value(scope)


class BlacklistSource:
    """Few customers are blacklisted: the others are known without reading their rows."""

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        if condition.operator is Operator.IS_SET or len(set(condition.values)) == 2:
            return ALWAYS
        blacklisted = partial_index_ids("blacklisted", scope)
        return IdSet(blacklisted, Selectivity.PICKED, negated=True not in condition.values, distinct=True)

    def value(self, _: FilterScope) -> ColumnValue:
        return ColumnValue(customers.c.blacklisted, bool)


_TAG = TextColumn(customer_tags.c.tag)


class TagSource:
    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        ids = select(customer_tags.c.customer_id).where(
            customer_tags.c.store_id == scope.store_id, _TAG.matches(condition.operator, condition.values, scope)
        )
        one_tag = condition.operator is Operator.IN and len(condition.values) == 1
        return IdSet(ids.correlate(None), Selectivity.TAG, distinct=one_tag)

    def value(self, scope: FilterScope) -> RelatedValues | None:
        return ChildRows(customer_tags.c.customer_id).values(_TAG, scope)


@dataclass(frozen=True, slots=True)
class ConsentSource:
    """A customer without a contact on the channel has not subscribed there."""

    channel: str

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        consents = {Consent(value) for value in condition.values if isinstance(value, str)}
        if Consent.NOT_SUBSCRIBED not in consents:
            return self._with_contact(consents, scope, negated=False)
        rest = set(Consent) - consents
        return self._with_contact(rest, scope, negated=True) if rest else ALWAYS

    def value(self, scope: FilterScope) -> RelatedValues | None:
        on_channel = ChildRows(contacts.c.customer_id, lambda _: (contacts.c.channel == self.channel,))
        consents = on_channel.values(TextColumn(contacts.c.consent), scope)
        return consents and replace(consents, default=Consent.NOT_SUBSCRIBED.value)

    def _with_contact(self, consents: set[Consent], scope: FilterScope, *, negated: bool) -> IdSet:
        ids = select(contacts.c.customer_id).where(
            contacts.c.store_id == scope.store_id,
            contacts.c.channel == self.channel,
            contacts.c.consent.in_([consent.value for consent in sorted(consents)]),
        )
        return IdSet(ids.correlate(None), Selectivity.CONSENT, negated, distinct=True)


@dataclass(frozen=True, slots=True)
class PropertySource:
    property_id: int
    stored: ColumnElement[object]
    column: Column

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        rows = customer_properties.c
        ids = select(rows.customer_id).where(
            rows.store_id == scope.store_id, rows.property_id == self.property_id, self.stored.is_not(None)
        )
        if condition.operator is not Operator.IS_SET:
            ids = ids.where(self.column.matches(condition.operator, condition.values, scope))
        return IdSet(ids.correlate(None), Selectivity.PROPERTY, distinct=True)

    def value(self, scope: FilterScope) -> RelatedValues | None:
        rows = customer_properties.c
        of_property = ChildRows(rows.customer_id, lambda _: (rows.property_id == self.property_id,))
        return of_property.values(self.column, scope)


def on_list(list_id: UUID, scope: FilterScope) -> IdSet:
    rows = list_members.c
    ids = select(rows.customer_id).where(rows.store_id == scope.store_id, rows.list_id == list_id)
    return IdSet(ids.correlate(None), Selectivity.TAG, distinct=True)


def picked_for(segment_id: UUID, scope: FilterScope) -> IdSet:
    rows = segment_members.c
    ids = select(rows.customer_id).where(rows.store_id == scope.store_id, rows.segment_id == segment_id)
    return IdSet(ids.correlate(None), Selectivity.PICKED, distinct=True)
