"""Count how many of some customers each channel reaches, and how many of those accept marketing there."""

from collections.abc import Iterator, Mapping, Sequence
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

_FIGURES = ("customers", "emails", "phones", "falling_back", "usable", "accepting", "customer_id")
Ids = Select[*tuple[Any, ...]]


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


async def survey(
    tx: Transaction, store_id: int, ids: Ids, channels: Mapping[str, AddressKind], sample: int = 0
) -> PreviewResult:
    """Return the customers' count, their reach and a few of them, by one statement that finds them once."""
    [result] = await survey_each(tx, store_id, [ids], channels, sample)
    return result


async def survey_each(
    tx: Transaction, store_id: int, statements: Sequence[Ids], channels: Mapping[str, AddressKind], sample: int = 0
) -> list[PreviewResult]:
    """Return the survey of each statement of ids, by one statement for all of them."""
    selects = [
        statement
        for index, ids in enumerate(statements)
        for statement in _selects(ids, index, store_id, channels, sample)
    ]
    rows: list[list[AnyRow]] = [[] for _ in statements]
    for row in await tx.execute(union_all(*selects)):
        rows[int(row.statement)].append(row)
    results: list[PreviewResult] = []
    for statement_rows in rows:
        [total] = [row for row in statement_rows if row.part == "count"]
        with_address = {AddressKind.EMAIL: total.emails, AddressKind.PHONE: total.phones, AddressKind.HANDLE: 0}
        contacted = {row.channel: row for row in statement_rows if row.part == "channel"}
        reach: list[ChannelReach] = []
        for channel, kind in channels.items():
            contact = contacted.get(channel)
            if contact is None:
                reach.append(ChannelReach(channel, with_address[kind], 0))
            else:
                reach.append(
                    ChannelReach(channel, contact.usable + with_address[kind] - contact.falling_back, contact.accepting)
                )
        sample_ids = sorted(row.customer_id for row in statement_rows if row.part == "sample")
        results.append(PreviewResult(total.customers, tuple(reach), tuple(sample_ids)))
    return results


def _selects(ids: Ids, index: int, store_id: int, channels: Mapping[str, AddressKind], sample: int) -> Iterator[Ids]:
    """Yield the statement of the count, then of the customers with a contact by channel, then of the sample."""
    matching = ids.cte()
    customer = matching.c[0]
    if not channels:
        yield select(*_columns(index, "count", customers=func.count())).select_from(matching)
    else:
        profiles = matching.join(customers, and_(customers.c.store_id == store_id, customers.c.id == customer))
        emails, phones = func.count(customers.c.email), func.count(customers.c.phone)
        yield select(*_columns(index, "count", customers=func.count(), emails=emails, phones=phones)).select_from(
            profiles
        )
        contacted = profiles.join(contacts, and_(contacts.c.store_id == store_id, contacts.c.customer_id == customer))
        by_kind = {AddressKind.EMAIL: customers.c.email, AddressKind.PHONE: customers.c.phone}
        cases = [
            (contacts.c.channel == channel, by_kind[kind]) for channel, kind in channels.items() if kind in by_kind
        ]
        # The customer's own address, which the contact's channel takes where the contact has none.
        fallback: ColumnElement[Any] = case(*cases, else_=null()) if cases else literal(None, String())
        usable = and_(func.coalesce(contacts.c.address, fallback).is_not(None), contacts.c.invalid.is_(False))
        accepting = and_(usable, contacts.c.consent == Consent.SUBSCRIBED.value)
        figures = {
            "falling_back": func.count(fallback),
            "usable": func.count(case((usable, 1))),
            "accepting": func.count(case((accepting, 1))),
        }
        yield (
            select(*_columns(index, "channel", contacts.c.channel, **figures))
            .select_from(contacted)
            .where(contacts.c.channel.in_(sorted(channels)))
            .group_by(contacts.c.channel)
        )
    if sample:
        few = select(customer).order_by(customer).limit(sample).subquery()
        yield select(*_columns(index, "sample", customer_id=few.c[0]))


def _columns(
    index: int, part: str, channel: ColumnElement[str] | None = None, **figures: ColumnElement[int]
) -> list[ColumnElement[Any]]:
    """Return the columns that all statements of the union have; a figure that is left out is 0."""
    zero = literal_column("0", Integer())
    return [
        literal_column(str(index), Integer()).label("statement"),
        literal_column(f"'{part}'", String()).label("part"),
        (cast(null(), String()) if channel is None else channel).label("channel"),
        *(figures.get(name, zero).label(name) for name in _FIGURES),
    ]
