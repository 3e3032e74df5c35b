"""Conditions on customers: their own columns, their facts, and what is kept in rows beside them."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.customers.model import Consent
from domain.customers.tables import contacts, customer_properties, customer_tags
from domain.segments.filters import AttributeCondition, Operator
from domain.segments.sql.columns.values import Column, TextColumn
from domain.segments.sql.predicates import ALWAYS, IdSet, Predicate, RowPredicate, Selectivity, partial_index_ids
from domain.segments.sql.scope import FilterScope
from domain.segments.tables import list_members, segment_members


class email_domain(FunctionElement[str]):  # noqa: N801 - reads as an SQL function
    """What is behind the @ of an e-mail address."""

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
    """Where a dimension is kept: it turns a condition with a positive operator into SQL."""

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate: ...


@dataclass(frozen=True, slots=True)
class CustomerColumn:
    """A column of the customer's row, or of the row of their facts."""

    column: Column

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> RowPredicate:
        return RowPredicate(self.column.matches(condition.operator, condition.values, scope))


class BlacklistSource:
    """Few customers are: the others are known without reading their rows."""

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        if condition.operator is Operator.IS_SET or len(set(condition.values)) == 2:
            return ALWAYS
        return IdSet(
            partial_index_ids("blacklisted", scope),
            Selectivity.PICKED,
            negated=True not in condition.values,
            distinct=True,
        )


class TagSource:
    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        tag = TextColumn(customer_tags.c.tag)
        ids = select(customer_tags.c.customer_id).where(
            customer_tags.c.store_id == scope.store_id, tag.matches(condition.operator, condition.values, scope)
        )
        once = condition.operator is Operator.IN and len(condition.values) == 1
        return IdSet(ids.correlate(None), Selectivity.TAG, distinct=once)


@dataclass(frozen=True, slots=True)
class ConsentSource:
    """A customer without a contact on the channel has not subscribed there."""

    channel: str

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> Predicate:
        wanted = {Consent(value) for value in condition.values if isinstance(value, str)}
        if Consent.NOT_SUBSCRIBED not in wanted:
            return IdSet(self._with(wanted, scope), Selectivity.CONSENT, distinct=True)
        others = set(Consent) - wanted
        return IdSet(self._with(others, scope), Selectivity.CONSENT, negated=True, distinct=True) if others else ALWAYS

    def _with(self, consents: set[Consent], scope: FilterScope) -> Select[int]:
        return (
            select(contacts.c.customer_id)
            .where(
                contacts.c.store_id == scope.store_id,
                contacts.c.channel == self.channel,
                contacts.c.consent.in_([consent.value for consent in sorted(consents)]),
            )
            .correlate(None)
        )


@dataclass(frozen=True, slots=True)
class PropertySource:
    property_id: int
    value: ColumnElement[object]
    column: Column

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        rows = customer_properties.c
        ids = select(rows.customer_id).where(
            rows.store_id == scope.store_id, rows.property_id == self.property_id, self.value.is_not(None)
        )
        if condition.operator is not Operator.IS_SET:
            ids = ids.where(self.column.matches(condition.operator, condition.values, scope))
        return IdSet(ids.correlate(None), Selectivity.PROPERTY, distinct=True)


def on_list(list_id: UUID, scope: FilterScope) -> IdSet:
    rows = list_members.c
    ids = select(rows.customer_id).where(rows.store_id == scope.store_id, rows.list_id == list_id)
    return IdSet(ids.correlate(None), Selectivity.TAG, distinct=True)


def picked_for(segment_id: UUID, scope: FilterScope) -> IdSet:
    rows = segment_members.c
    ids = select(rows.customer_id).where(rows.store_id == scope.store_id, rows.segment_id == segment_id)
    return IdSet(ids.correlate(None), Selectivity.PICKED, distinct=True)
