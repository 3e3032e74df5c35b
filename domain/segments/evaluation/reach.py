"""How many of some customers a channel reaches, and how many of those accept marketing there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muster_sdk import AddressKind
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)

from domain.customers.model import Consent
from domain.customers.tables import contacts, customers
from domain.kit.db import AnyRow, Transaction


@dataclass(frozen=True, slots=True)
class ChannelReach:
    """`reachable`: with a usable address; `accepting`: of these, those who have subscribed."""

    channel: str
    reachable: int
    accepting: int


@dataclass(frozen=True, slots=True)
class PreviewResult:
    count: int
    reach: tuple[ChannelReach, ...]
    sample: tuple[int, ...]


Ids = Select[*tuple[Any, ...]]


async def survey(
    tx: Transaction, store_id: int, ids: Ids, channels: Mapping[str, AddressKind], sample: int = 0
) -> PreviewResult:
    """Counts the customers, their reach and a few of them, in one statement that finds them once."""
    [found] = await survey_each(tx, store_id, [ids], channels, sample)
    return found


async def survey_each(
    tx: Transaction, store_id: int, each: Sequence[Ids], channels: Mapping[str, AddressKind], sample: int = 0
) -> list[PreviewResult]:
    """The same for several statements of ids, in one statement."""
    parts = [
        part.add_columns(literal_column(str(number), Integer()))
        for number, ids in enumerate(each)
        for part in _parts(ids, store_id, channels, sample)
    ]
    rows: list[list[AnyRow]] = [[] for _ in each]
    for row in await tx.execute(union_all(*parts)):
        number: int = row[-1]
        rows[number].append(row)
    return [_read(these, channels) for these in rows]


def _parts(ids: Ids, store_id: int, channels: Mapping[str, AddressKind], sample: int) -> list[Ids]:
    found = ids.cte()
    customer = found.c[0]
    parts: list[Ids] = [_count(found, customer, store_id, channels)]
    if channels:
        parts.append(_contacts(found, customer, store_id, channels))
    if sample:
        few = select(customer).order_by(customer).limit(sample).subquery()
        parts.append(
            select(
                literal_column("3", Integer()), cast(null(), String()), few.c[0], *[literal_column("0", Integer())] * 2
            )
        )
    return parts


def _count(
    found: Any, customer: ColumnElement[int], store_id: int, channels: Mapping[str, AddressKind]
) -> Select[*tuple[Any, ...]]:
    channel = cast(null(), String()).label("channel")
    if not channels:
        return select(
            literal_column("1", Integer()).label("part"), channel, func.count(), *[literal_column("0", Integer())] * 2
        ).select_from(found)
    own = found.join(customers, and_(customers.c.store_id == store_id, customers.c.id == customer))
    counts = (func.count(), func.count(customers.c.email), func.count(customers.c.phone))
    return select(literal_column("1", Integer()).label("part"), channel, *counts).select_from(own)


def _contacts(
    found: Any, customer: ColumnElement[int], store_id: int, channels: Mapping[str, AddressKind]
) -> Select[*tuple[Any, ...]]:
    """Of those with a contact on a channel: who has an address to fall back on, who is reachable, who accepts."""
    rows = found.join(customers, and_(customers.c.store_id == store_id, customers.c.id == customer)).join(
        contacts, and_(contacts.c.store_id == store_id, contacts.c.customer_id == customer)
    )
    fallback = _fallback(channels)
    usable = and_(func.coalesce(contacts.c.address, fallback).is_not(None), contacts.c.invalid.is_(False))
    accepting = and_(usable, contacts.c.consent == Consent.SUBSCRIBED.value)
    return (
        select(
            literal_column("2", Integer()),
            contacts.c.channel,
            func.count(fallback),
            func.count(case((usable, 1))),
            func.count(case((accepting, 1))),
        )
        .select_from(rows)
        .where(contacts.c.channel.in_(sorted(channels)))
        .group_by(contacts.c.channel)
    )


def _fallback(channels: Mapping[str, AddressKind]) -> ColumnElement[Any]:
    """The customer's own address that the contact's channel takes where the contact has none."""
    by_kind = {AddressKind.EMAIL: customers.c.email, AddressKind.PHONE: customers.c.phone}
    cases = [(contacts.c.channel == channel, by_kind[kind]) for channel, kind in channels.items() if kind in by_kind]
    return case(*cases, else_=null()) if cases else literal(None, String())


def _read(rows: Sequence[AnyRow], channels: Mapping[str, AddressKind]) -> PreviewResult:
    [(_, _, count, emails, phones, *_)] = [row for row in rows if row[0] == 1]
    own = {AddressKind.EMAIL: emails, AddressKind.PHONE: phones, AddressKind.HANDLE: 0}
    contacted = {row[1]: row[2:5] for row in rows if row[0] == 2}
    reach = tuple(_reach(channel, own[kind], contacted.get(channel, (0, 0, 0))) for channel, kind in channels.items())
    return PreviewResult(count, reach, tuple(sorted(row[2] for row in rows if row[0] == 3)))


def _reach(channel: str, own: int, contacted: Sequence[int]) -> ChannelReach:
    falling_back, usable, accepting = contacted
    return ChannelReach(channel, usable + own - falling_back, accepting)
