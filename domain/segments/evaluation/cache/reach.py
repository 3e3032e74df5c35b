"""Whom each channel reaches, as sets that are kept like any leaf's."""

from collections.abc import Iterator, Mapping

from muster_sdk import AddressKind
from pyroaring import BitMap
from sqlalchemy import ColumnElement, literal_column, select

from domain.changes import ChangeKind
from domain.customers.model import Consent
from domain.customers.tables import contacts, customers
from domain.segments.compiler.normal_form import Leaf
from domain.segments.evaluation.reach import ChannelReach
from domain.segments.filters import AttributeCondition, Operator
from domain.segments.sql.predicates import IdSet, Predicate, Selectivity
from domain.segments.sql.scope import FilterScope

OWN = {AddressKind.EMAIL: "email", AddressKind.PHONE: "phone"}


def asked(channels: Mapping[str, AddressKind], scope: FilterScope) -> Iterator[tuple[bytes, ChangeKind, Predicate]]:
    """Who has no address of their own, of each kind; and of each channel those with an address there, those
    whom it does not reach all the same, and those who accept marketing.
    """
    for kind in sorted({kind for kind in channels.values() if kind in OWN}):
        # Written just as the partial indexes have it, here and below.
        none: ColumnElement[bool] = literal_column(f"customers.{OWN[kind]} IS NULL")
        lacking = select(customers.c.id).where(customers.c.store_id == scope.store_id, none)
        yield _lacking(kind), ChangeKind.EXISTENCE | ChangeKind.PROFILE, IdSet(lacking, Selectivity.TAG, distinct=True)
    c = contacts.c
    for channel in channels:
        on = select(c.customer_id).where(c.store_id == scope.store_id, c.channel == channel)
        for what, those in (
            (_name("addressed", channel), on.where(c.address.is_not(None))),
            (_name("failing", channel), on.where(literal_column("contacts.invalid"))),
            (_subscribed(channel), on.where(c.consent == Consent.SUBSCRIBED.value)),
        ):
            yield what, ChangeKind.CONTACTS, IdSet(those, Selectivity.CONSENT, distinct=True)


def reach(found: BitMap, sets: Mapping[bytes, BitMap], channels: Mapping[str, AddressKind]) -> list[ChannelReach]:
    return [_reach(found, sets, channel, kind) for channel, kind in channels.items()]


def _reach(found: BitMap, sets: Mapping[bytes, BitMap], channel: str, kind: AddressKind) -> ChannelReach:
    reachable = found & sets[_name("addressed", channel)]
    if kind in OWN:
        reachable |= found - sets[_lacking(kind)]
    reachable -= sets[_name("failing", channel)]
    accepting = reachable.intersection_cardinality(sets[_subscribed(channel)])
    return ChannelReach(channel, len(reachable), accepting)


def _lacking(kind: AddressKind) -> bytes:
    return f"reach.lacking.{kind}".encode()


def _subscribed(channel: str) -> bytes:
    """As a filter asks for them: the answer is the same."""
    return Leaf(AttributeCondition(f"consent.{channel}", Operator.IN, (Consent.SUBSCRIBED.value,))).key


def _name(what: str, channel: str) -> bytes:
    return f"reach.{what}.{channel}".encode()
