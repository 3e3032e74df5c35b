"""The types of events that every store has, and the attributes that events of each have."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.kit.values import ValueType
from domain.wallets.model import COUPON_RECEIVED, COUPON_USED, Wallet

ORDER = "order"
ORDER_CANCELLED, ORDER_REFUNDED, ORDER_UPDATED = "order.cancelled", "order.refunded", "order.updated"
ORDER_CHANGES = (ORDER_CANCELLED, ORDER_REFUNDED, ORDER_UPDATED)

_TEXT, _NUMBER, _FLAG, _DAY = ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN, ValueType.DATE


@dataclass(frozen=True, slots=True)
class EventType:
    """The attributes that events of a type have, and their types of value; an event may have others besides.

    `subject` names the attribute that the event is about, `required` those without which it means nothing.
    """

    attributes: Mapping[str, ValueType] = field(default_factory=dict[str, ValueType])
    subject: str | None = None
    required: frozenset[str] = frozenset()


def _about(subject: str, *required: str, **attributes: ValueType) -> EventType:
    return EventType({subject: _TEXT, **attributes}, subject, frozenset(required))


_VISIT = dict.fromkeys(
    ("page", "category", "collection", "landing_page", "referrer", "utm_source", "utm_medium", "utm_campaign"), _TEXT
)
_PAGE = {"page": _TEXT, "kind": _TEXT}
_WALLET = EventType({"amount": _NUMBER, "reason": _TEXT, "expires_on": _DAY}, None, frozenset({"amount"}))
_COUPON = _about("coupon", "coupon", code=_TEXT, expires_on=_DAY)

EVENT_TYPES: Mapping[str, EventType] = {
    "visit": _about("product", price=_NUMBER, **_VISIT),
    "cart": _about("product", variant=_TEXT, category=_TEXT, collection=_TEXT, quantity=_NUMBER, price=_NUMBER),
    "checkout": EventType({"total": _NUMBER}),
    "wishlist": _about("product", category=_TEXT, collection=_TEXT, tag=_TEXT, price=_NUMBER),
    "wishlist.removed": _about("product"),
    "restock_request": _about("product", variant=_TEXT, notified=_FLAG),
    "review": _about("product", order=_TEXT, rating=_NUMBER),
    "return": _about("order", product=_TEXT, quantity=_NUMBER, amount=_NUMBER),
    "login": EventType(),
    "referral": _about("friend"),
    "subscription.created": _about("product", plan=_TEXT),
    "subscription.cancelled": _about("product", plan=_TEXT),
    "scenario.run": _about("scenario", "scenario"),
    "tag.removed": _about("tag", "tag"),
    "segment.entered": _about("segment", "segment"),
    "segment.left": _about("segment", "segment"),
    ORDER_CANCELLED: _about("order", "order"),
    ORDER_REFUNDED: _about("order", "order", amount=_NUMBER),
    ORDER_UPDATED: _about("order", "order", status=_TEXT, payment_status=_TEXT, delivery_status=_TEXT),
    COUPON_RECEIVED: _COUPON,
    COUPON_USED: _COUPON,
    **{wallet.event: _WALLET for wallet in Wallet},
}

# The events of every channel, behind its name: "email.opened" is about a campaign.
MESSAGE_EVENTS: Mapping[str, EventType] = {
    "sent": _about("campaign"),
    "delivered": _about("campaign"),
    "opened": _about("campaign"),
    "clicked": _about("campaign", link=_TEXT),
    "bounced": _about("campaign", permanent=_FLAG, kind=_TEXT, reason=_TEXT),
    "complained": _about("campaign"),
    "unsubscribed": _about("campaign"),
    "replied": _about("campaign", **_PAGE),
    "interacted": _about("campaign", ad=_TEXT, link=_TEXT, **_PAGE),
    "followed": EventType({"page": _TEXT}),
    "unfollowed": EventType({"page": _TEXT}),
    "opted_in": _about("template", **_PAGE),
}
_ANY = EventType()


def event_type_of(event_type: str) -> EventType:
    """Return the description of an event type; events of a store's own types may have any attributes."""
    described = EVENT_TYPES.get(event_type)
    if described is not None:
        return described
    channel, _, verb = event_type.partition(".")
    return MESSAGE_EVENTS.get(verb, _ANY) if channel else _ANY
