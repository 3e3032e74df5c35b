"""Whom each channel reaches, as sets that are kept like any leaf's."""

from collections.abc import Iterator, Mapping

from muster_sdk import AddressKind
from pyroaring import BitMap
from sqlalchemy import literal_column, select

from domain.changes import Kind
from domain.customers.model import Consent
from domain.customers.tables import contacts, customers
from domain.segments.conditions.leaf import Compiled, Fact, Members, Spread
from domain.segments.conditions.scope import Scope
from domain.segments.reach import ChannelReach

OWN = {AddressKind.EMAIL: customers.c.email, AddressKind.PHONE: customers.c.phone}


def asked(channels: Mapping[str, AddressKind], scope: Scope) -> Iterator[tuple[bytes, Kind, Compiled]]:
    """Who has an address of their own, of each kind; and of each channel those with an address there, those
    whom it does not reach all the same, and those who accept marketing.
    """
    for kind in sorted({kind for kind in channels.values() if kind in OWN}):
        yield _own(kind), Kind.EXISTENCE | Kind.PROFILE, Fact(OWN[kind].is_not(None), on_customer=True)
    c = contacts.c
    for channel in channels:
        on = select(c.customer_id).where(c.store_id == scope.store_id, c.channel == channel)
        for what, those in (
            ("addressed", on.where(c.address.is_not(None))),
            # Written just as the partial index has it.
            ("failing", on.where(literal_column("contacts.invalid"))),
            ("subscribed", on.where(c.consent == Consent.SUBSCRIBED.value)),
        ):
            yield _name(what, channel), Kind.CONTACTS, Members(those, Spread.CONSENT, once=True)


def reach(found: BitMap, sets: Mapping[bytes, BitMap], channels: Mapping[str, AddressKind]) -> list[ChannelReach]:
    return [_reach(found, sets, channel, kind) for channel, kind in channels.items()]


def _reach(found: BitMap, sets: Mapping[bytes, BitMap], channel: str, kind: AddressKind) -> ChannelReach:
    reachable = found & sets[_name("addressed", channel)]
    if kind in OWN:
        reachable |= found & sets[_own(kind)]
    reachable -= sets[_name("failing", channel)]
    accepting = reachable.intersection_cardinality(sets[_name("subscribed", channel)])
    return ChannelReach(channel, len(reachable), accepting)


def _own(kind: AddressKind) -> bytes:
    return f"reach.own.{kind}".encode()


def _name(what: str, channel: str) -> bytes:
    return f"reach.{what}.{channel}".encode()
