"""Find whom each channel reaches, from sets that are cached like any leaf's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from muster_sdk import AddressKind
from pyroaring import BitMap
from sqlalchemy import ColumnElement, literal_column, select

from domain.changes import ChangeKind
from domain.customers.model import Consent
from domain.customers.tables import contacts, customers
from domain.segments.compiler.normal_form import Leaf
from domain.segments.evaluation.reach import ChannelReach
from domain.segments.filters import AttributeCondition, Operator
from domain.segments.sql.predicates import IdSet, Selectivity
from domain.segments.sql.scope import FilterScope

OWN_COLUMNS = {AddressKind.EMAIL: "email", AddressKind.PHONE: "phone"}


@dataclass(frozen=True, slots=True)
class ReachSet:
    """A set of customers that the reach of channels follows from, and the kinds of data that it rests on."""

    name: bytes
    kinds: ChangeKind
    ids: IdSet


def reach_sets(channels: Mapping[str, AddressKind], scope: FilterScope) -> Iterator[ReachSet]:
    """Yield who has no address of their own, of each kind; and of each channel those with an address there, those
    whom it does not reach all the same, and those who accept marketing.
    """
    for kind in sorted({kind for kind in channels.values() if kind in OWN_COLUMNS}):
        # Written just as the partial indexes have it, here and below.
        no_address: ColumnElement[bool] = literal_column(f"customers.{OWN_COLUMNS[kind]} IS NULL")
        without = select(customers.c.id).where(customers.c.store_id == scope.store_id, no_address)
        kinds = ChangeKind.EXISTENCE | ChangeKind.PROFILE
        yield ReachSet(_without_address(kind), kinds, IdSet(without, Selectivity.TAG, distinct=True))
    c = contacts.c
    for channel in channels:
        on_channel = select(c.customer_id).where(c.store_id == scope.store_id, c.channel == channel)
        for name, ids in (
            (_name("addressed", channel), on_channel.where(c.address.is_not(None))),
            (_name("failing", channel), on_channel.where(literal_column("contacts.invalid"))),
            (_subscribed(channel), on_channel.where(c.consent == Consent.SUBSCRIBED.value)),
        ):
            yield ReachSet(name, ChangeKind.CONTACTS, IdSet(ids, Selectivity.CONSENT, distinct=True))


def channel_reach(
    matching: BitMap, sets: Mapping[bytes, BitMap], channels: Mapping[str, AddressKind]
) -> Iterator[ChannelReach]:
    """Yield each channel's reach among the customers of a bitmap; `sets`: those of `reach_sets`, by name."""
    for channel, kind in channels.items():
        reachable = matching & sets[_name("addressed", channel)]
        if kind in OWN_COLUMNS:
            reachable |= matching - sets[_without_address(kind)]
        reachable -= sets[_name("failing", channel)]
        accepting = reachable.intersection_cardinality(sets[_subscribed(channel)])
        yield ChannelReach(channel, len(reachable), accepting)


def _without_address(kind: AddressKind) -> bytes:
    return f"reach.lacking.{kind}".encode()


def _subscribed(channel: str) -> bytes:
    """Return the key of the same condition in a filter: the answer is the same."""
    return Leaf(AttributeCondition(f"consent.{channel}", Operator.IN, (Consent.SUBSCRIBED.value,))).key


def _name(set_name: str, channel: str) -> bytes:
    return f"reach.{set_name}.{channel}".encode()
