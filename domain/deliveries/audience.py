"""Who on a list gets a message and who does not, and why: one statement for the forecast and for the sending."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from muster_sdk import AddressKind
from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, literal, null, or_, select

from domain.customers.tables import contacts, customers
from domain.deliveries.model import AcceptMarketing, ExclusionReason
from domain.lists.tables import list_members


@dataclass(frozen=True, slots=True)
class Audience:
    """A list, seen through a channel."""

    store_id: int
    list_id: UUID
    channel: str
    address: AddressKind
    accept_marketing: AcceptMarketing
    exclude: Sequence[UUID] = ()


def addressed(kind: AddressKind) -> ColumnElement[str | None]:
    """The contact's own address, or the customer's where the channel takes those."""
    match kind:
        case AddressKind.EMAIL:
            return func.coalesce(contacts.c.address, customers.c.email)
        case AddressKind.PHONE:
            return func.coalesce(contacts.c.address, customers.c.phone)
        case AddressKind.HANDLE:
            return contacts.c.address


def objection(
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


def seen(audience: Audience) -> Subquery:
    """Each member of the list: `customer_id`, `address`, and `reason`, which is null for a recipient."""
    judged = _judged(audience).subquery("judged")
    first = func.row_number().over(
        partition_by=(judged.c.reason.is_(None), judged.c.address), order_by=judged.c.customer_id
    )
    repeated = and_(judged.c.reason.is_(None), first > 1)
    reason = case((repeated, ExclusionReason.DUPLICATE_ADDRESS.value), else_=judged.c.reason)
    return select(judged.c.customer_id, judged.c.address, reason.label("reason")).subquery("seen")


def _judged(audience: Audience) -> Select[Any, str | None, Any]:
    reasons = objection(audience.address, audience.accept_marketing)
    if audience.exclude:
        left_out = list_members.alias("left_out")
        reasons.insert(
            2,
            (
                exists().where(
                    left_out.c.store_id == audience.store_id,
                    left_out.c.list_id.in_(audience.exclude),
                    left_out.c.customer_id == list_members.c.customer_id,
                ),
                ExclusionReason.EXCLUDED,
            ),
        )
    reason = case(*((condition, literal(reason.value)) for condition, reason in reasons), else_=null())
    of_channel = and_(
        contacts.c.store_id == audience.store_id,
        contacts.c.customer_id == customers.c.id,
        contacts.c.channel == audience.channel,
    )
    of_member = and_(customers.c.store_id == audience.store_id, customers.c.id == list_members.c.customer_id)
    return (
        select(list_members.c.customer_id, addressed(audience.address).label("address"), reason.label("reason"))
        .select_from(list_members.join(customers, of_member).outerjoin(contacts, of_channel))
        .where(list_members.c.store_id == audience.store_id, list_members.c.list_id == audience.list_id)
    )
