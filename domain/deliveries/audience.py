"""The audience of a message, and the rules that exclude from it: one statement for the forecast and for the sending."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import ColumnElement, FromClause, Subquery, and_, case, exists, func, literal, null, or_, select

from domain.customers.model import ObjectionReason
from domain.customers.objections import in_force
from domain.customers.tables import contacts, customers, objections
from domain.deliveries.model import AcceptMarketing, ExclusionReason
from domain.kit.db.portable import is_among
from domain.lists.tables import list_members
from domain.segments.tables import segment_members


@dataclass(frozen=True, slots=True)
class Audience:
    """The customers of a list, or of a static segment, as a channel reaches them."""

    store_id: int
    list_id: UUID
    channel: str
    address: AddressKind
    accept_marketing: AcceptMarketing
    exclude: Sequence[UUID] = ()
    # Of `list_id` and `exclude`, those that are no lists but static segments, as they are now.
    static_segments: Collection[UUID] = ()


@dataclass(frozen=True, slots=True)
class ExclusionRule:
    condition: ColumnElement[bool]
    reason: ExclusionReason


def addressed(kind: AddressKind) -> ColumnElement[str | None]:
    """Return the contact's own address, or the customer's where the channel takes those."""
    match kind:
        case AddressKind.EMAIL:
            return func.coalesce(contacts.c.address, customers.c.email)
        case AddressKind.PHONE:
            return func.coalesce(contacts.c.address, customers.c.phone)
        case AddressKind.HANDLE:
            return contacts.c.address


def exclusion_rules(
    kind: AddressKind, accept_marketing: AcceptMarketing, excluded: ColumnElement[bool] | None = None
) -> list[ExclusionRule]:
    """Return the rules on customers' own rows, in the order in which they count before what their address objects to.

    `excluded` is true of customers on lists that are excluded.
    """
    rules = [
        ExclusionRule(customers.c.deleted_at.is_not(None), ExclusionReason.DELETED),
        ExclusionRule(customers.c.blacklisted, ExclusionReason.BLACKLISTED),
    ]
    if excluded is not None:
        rules.append(ExclusionRule(excluded, ExclusionReason.EXCLUDED))
    rules += [
        ExclusionRule(addressed(kind).is_(None), ExclusionReason.NO_ADDRESS),
        ExclusionRule(contacts.c.invalid.is_(True), ExclusionReason.INVALID_ADDRESS),
        ExclusionRule(contacts.c.consent == "UNSUBSCRIBED", ExclusionReason.UNSUBSCRIBED),
    ]
    if accept_marketing is AcceptMarketing.ACCEPTED_ONLY:
        not_subscribed = or_(contacts.c.consent.is_(None), contacts.c.consent != "SUBSCRIBED")
        rules.append(ExclusionRule(not_subscribed, ExclusionReason.NOT_SUBSCRIBED))
    return rules


# In the order in which they count.
_OBJECTED = {
    ObjectionReason.BLACKLISTED: ExclusionReason.BLACKLISTED,
    ObjectionReason.BOUNCED: ExclusionReason.INVALID_ADDRESS,
    ObjectionReason.COMPLAINED: ExclusionReason.COMPLAINED,
    ObjectionReason.UNSUBSCRIBED: ExclusionReason.UNSUBSCRIBED,
    # Who it was is forgotten, and that they were: to the store they said no.
    ObjectionReason.ERASED: ExclusionReason.UNSUBSCRIBED,
}


def objection(
    store_id: ColumnElement[int], address: ColumnElement[Any], channel: ColumnElement[str] | str
) -> ColumnElement[str | None]:
    """Return why an address is not written to on the channel; null where it objects to nothing.

    A value, and no join: it is looked up by the key for each address, whatever the database thinks of the table's size.
    """
    of_address = (in_force(store_id, channel), objections.c.address == address)
    reasons = list(_OBJECTED)
    rank = case(*((objections.c.reason == reason.value, index) for index, reason in enumerate(reasons)))
    exclusion = case(*((objections.c.reason == reason.value, literal(_OBJECTED[reason].value)) for reason in reasons))
    first = select(exclusion).where(*of_address).order_by(rank).limit(1)
    return first.scalar_subquery()


def members_with_reasons(audience: Audience, dialect: str, page: tuple[int, int] | None = None) -> Subquery:
    """Return each member of the list: `customer_id`, `address`, and `reason`, which is null for a recipient.

    Of a `page` alone those behind the first of these customers, up to the second.
    """
    list_ids = [source for source in audience.exclude if source not in audience.static_segments]
    segment_ids = [source for source in audience.exclude if source in audience.static_segments]
    on_excluded: list[ColumnElement[bool]] = []
    for sources in filter(None, (list_ids, segment_ids)):
        member, of_sources = _members(sources, audience)
        on_excluded.append(exists().where(of_sources, member.c.customer_id == customers.c.id))
    rules = exclusion_rules(audience.address, audience.accept_marketing, or_(*on_excluded) if on_excluded else None)
    member, of_list = _members([audience.list_id], audience)
    if page is not None:
        of_list = and_(of_list, member.c.customer_id > page[0], member.c.customer_id <= page[1])
    of_channel = and_(
        contacts.c.store_id == audience.store_id,
        contacts.c.customer_id == customers.c.id,
        contacts.c.channel == audience.channel,
    )
    address = addressed(audience.address)
    # Few of many do: why is looked up for these alone.
    is_objection = in_force(audience.store_id, audience.channel)
    has_objection = is_among(address, objections.c.address, dialect, is_objection)
    of_member = and_(customers.c.store_id == audience.store_id, customers.c.id == member.c.customer_id)
    members = (
        select(
            member.c.customer_id,
            address.label("address"),
            case(
                *((rule.condition, literal(rule.reason.value)) for rule in rules),
                (has_objection, objection(customers.c.store_id, address, audience.channel)),
                else_=null(),
            ).label("reason"),
        )
        .select_from(member.join(customers, of_member).outerjoin(contacts, of_channel))
        .where(of_list)
        # PostgreSQL would look an address up once more wherever its reason is read.
        .offset(0)
        .subquery("members")
    )
    # Of several recipients with one address the first gets the message.
    is_recipient = members.c.reason.is_(None)
    position = func.row_number().over(partition_by=(is_recipient, members.c.address), order_by=members.c.customer_id)
    first_of_address = position == 1
    reason = case(
        (and_(is_recipient, ~first_of_address), ExclusionReason.DUPLICATE_ADDRESS.value), else_=members.c.reason
    )
    return select(members.c.customer_id, members.c.address, reason.label("reason")).subquery("members_with_reasons")


def _members(sources: Sequence[UUID], audience: Audience) -> tuple[FromClause, ColumnElement[bool]]:
    """Return the table of the members of lists, or of static segments, and the condition that they are of these."""
    if sources[0] in audience.static_segments:
        member = segment_members.alias()
        return member, and_(member.c.store_id == audience.store_id, member.c.segment_id.in_(sources))
    member = list_members.alias()
    return member, and_(member.c.store_id == audience.store_id, member.c.list_id.in_(sources))
