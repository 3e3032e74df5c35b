"""Who on a list gets a message and who does not, and why: one statement for the forecast and for the sending."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, case, exists, func, literal, null, or_, select

from domain.customers.tables import contacts, customers
from domain.deliveries.model import AcceptMarketing, ExclusionReason
from domain.lists.tables import list_members
from domain.segments.tables import segment_members


@dataclass(frozen=True, slots=True)
class Audience:
    """A list, or a static segment, seen through a channel."""

    store_id: int
    list_id: UUID
    channel: str
    address: AddressKind
    accept_marketing: AcceptMarketing
    exclude: Sequence[UUID] = ()
    # Which of these are no lists but static segments, seen as they are now.
    static_segments: Collection[UUID] = ()


def addressed(kind: AddressKind) -> ColumnElement[str | None]:
    """The contact's own address, or the customer's where the channel takes those."""
    match kind:
        case AddressKind.EMAIL:
            return func.coalesce(contacts.c.address, customers.c.email)
        case AddressKind.PHONE:
            return func.coalesce(contacts.c.address, customers.c.phone)
        case AddressKind.HANDLE:
            return contacts.c.address


def exclusion_reasons(
    kind: AddressKind, accept_marketing: AcceptMarketing
) -> list[tuple[ColumnElement[bool], ExclusionReason]]:
    """What a customer, an address or a consent has against a message, in the order in which it is given."""
    unwilling: list[tuple[ColumnElement[bool], ExclusionReason]] = [
        (contacts.c.consent == "UNSUBSCRIBED", ExclusionReason.UNSUBSCRIBED),
    ]
    if accept_marketing is AcceptMarketing.ACCEPTED_ONLY:
        not_asked = or_(contacts.c.consent.is_(None), contacts.c.consent != "SUBSCRIBED")
        unwilling.append((not_asked, ExclusionReason.NOT_SUBSCRIBED))
    return [
        (customers.c.deleted_at.is_not(None), ExclusionReason.DELETED),
        (customers.c.blacklisted, ExclusionReason.BLACKLISTED),
        (addressed(kind).is_(None), ExclusionReason.NO_ADDRESS),
        (contacts.c.invalid.is_(True), ExclusionReason.INVALID_ADDRESS),
        *unwilling,
    ]


def members_with_reasons(audience: Audience) -> Subquery:
    """Each member of the list: `customer_id`, `address`, and `reason`, which is null for a recipient."""
    judged = _judged(audience).subquery("judged")
    first = func.row_number().over(
        partition_by=(judged.c.reason.is_(None), judged.c.address), order_by=judged.c.customer_id
    )
    repeated = and_(judged.c.reason.is_(None), first > 1)
    reason = case((repeated, ExclusionReason.DUPLICATE_ADDRESS.value), else_=judged.c.reason)
    return select(judged.c.customer_id, judged.c.address, reason.label("reason")).subquery("seen")


def _judged(audience: Audience) -> Select[Any, str | None, Any]:
    reasons = exclusion_reasons(audience.address, audience.accept_marketing)
    member, belongs = _of([audience.list_id], audience)
    if audience.exclude:
        reasons.insert(2, (_left_out(audience), ExclusionReason.EXCLUDED))
    reason = case(*((condition, literal(reason.value)) for condition, reason in reasons), else_=null())
    of_channel = and_(
        contacts.c.store_id == audience.store_id,
        contacts.c.customer_id == customers.c.id,
        contacts.c.channel == audience.channel,
    )
    of_member = and_(customers.c.store_id == audience.store_id, customers.c.id == member.c.customer_id)
    return (
        select(member.c.customer_id, addressed(audience.address).label("address"), reason.label("reason"))
        .select_from(member.join(customers, of_member).outerjoin(contacts, of_channel))
        .where(belongs)
    )


def _left_out(audience: Audience) -> ColumnElement[bool]:
    """Who is on a list, or in a static segment, that is to be left out."""
    lists, segments = (
        [each for each in audience.exclude if (each in audience.static_segments) is way] for way in (False, True)
    )
    conditions: list[ColumnElement[bool]] = []
    for owners in filter(None, (lists, segments)):
        member, belongs = _of(owners, audience)
        conditions.append(exists().where(belongs, member.c.customer_id == customers.c.id))
    return or_(*conditions)


def _of(owners: Sequence[UUID], audience: Audience) -> tuple[FromClause, ColumnElement[bool]]:
    """The rows of who is on lists, or in static segments, and which of them it is about."""
    if owners[0] in audience.static_segments:
        member = segment_members.alias()
        return member, and_(member.c.store_id == audience.store_id, member.c.segment_id.in_(owners))
    member = list_members.alias()
    return member, and_(member.c.store_id == audience.store_id, member.c.list_id.in_(owners))
