"""The channels on which a customer can be reached: with a contact of their own there, or with the profile's address."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from muster_sdk import AddressKind
from sqlalchemy import ColumnElement, Select, String, literal, literal_column, select, type_coerce, union_all

from domain.addresses import AddressKinds
from domain.customers.tables import contacts, customers
from domain.segments.filters import AttributeCondition, Operator
from domain.segments.sql.columns.values import TextColumn
from domain.segments.sql.predicates import IdSet, Selectivity
from domain.segments.sql.projections import RelatedValues
from domain.segments.sql.scope import FilterScope

_OWN = {AddressKind.EMAIL: customers.c.email, AddressKind.PHONE: customers.c.phone}
_c = contacts.c
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ReachableOn:
    """Whoever has an address that is not known to fail, as the reach of a channel counts them; consents are others'."""

    kinds: AddressKinds

    def predicate(self, condition: AttributeCondition, scope: FilterScope) -> IdSet:
        channel = TextColumn(_c.channel)
        rows = [_of_contacts(scope).where(channel.matches(condition.operator, condition.values, scope))]
        for key, statement in self._of_profiles(scope):
            if condition.operator is not Operator.IN:
                named = TextColumn(type_coerce(literal(key), String()))
                rows.append(statement.where(named.matches(condition.operator, condition.values, scope)))
            elif key in condition.values:
                rows.append(statement)
        ids = union_all(*(statement.with_only_columns(statement.selected_columns[0]) for statement in rows))
        reachable = ids.subquery("reachable")
        return IdSet(select(reachable.c[0]).correlate(None), Selectivity.CONSENT)

    def value(self, scope: FilterScope) -> RelatedValues:
        statements = [_of_contacts(scope), *(statement for _, statement in self._of_profiles(scope))]
        reachable = union_all(*statements).subquery("reachable")
        return RelatedValues(select(reachable.c.customer_id, reachable.c.channel).distinct(), reachable.c[0], str)

    def _of_profiles(self, scope: FilterScope) -> Iterator[tuple[str, Rows]]:
        """Yield whom each channel reaches by the profile's address, as `_of_contacts` has them."""
        for key, kind in sorted(self.kinds.items()):
            own = _OWN.get(kind)
            if own is not None:
                channel: ColumnElement[str] = type_coerce(literal(key), String()).label("channel")
                yield (
                    key,
                    select(customers.c.id.label("customer_id"), channel).where(
                        customers.c.store_id == scope.store_id,
                        own.is_not(None),
                        customers.c.id.not_in(_failing(key, scope)),
                    ),
                )


def _of_contacts(scope: FilterScope) -> Rows:
    usable = (_c.address.is_not(None), ~_c.invalid)
    return select(_c.customer_id, _c.channel).where(_c.store_id == scope.store_id, *usable)


def _failing(channel: str, scope: FilterScope) -> Select[int]:
    # Written just as the partial index has it.
    return select(_c.customer_id).where(
        _c.store_id == scope.store_id, _c.channel == channel, literal_column("contacts.invalid")
    )
