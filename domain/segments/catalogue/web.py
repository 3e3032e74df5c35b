"""Visits, carts and wishlists of customers, and the first visit's origin."""

from domain.customers.tables import customer_origins
from domain.kit.values import ValueType
from domain.segments.catalogue.builders import Group, attribute, only
from domain.segments.catalogue.entries import FLAG, BehaviorEntry
from domain.segments.catalogue.event_behaviors import EventBehaviors
from domain.segments.sql.behaviors.event_fields import AbandonedField
from domain.segments.sql.columns.times import MomentColumn
from domain.segments.sql.columns.values import TextColumn
from domain.segments.sql.dimensions.child_rows import ChildRows, ChildValue

_rows = customer_origins.c
_origin = Group("origin")
_KEPT = ChildRows(_rows.customer_id)

ORIGINS = (
    _origin.moment("first_visit.at", "First visit", ChildValue(_KEPT, MomentColumn(_rows.at))),
    *(
        _origin.text(f"first_visit.{key}", f"First visit: {label}", ChildValue(_KEPT, TextColumn(_rows[key])), 116)
        for key, label in (
            ("landing_page", "landing page"),
            ("referrer", "referrer"),
            ("utm_source", "UTM source"),
            ("utm_medium", "UTM medium"),
            ("utm_campaign", "UTM campaign"),
        )
    ),
)

_visiting = EventBehaviors("visiting", {"product": (105,), "category": (105, 115), "collection": (115,)})
_ABANDONED = only(attribute(("abandoned", "Not followed by an order"), ValueType.BOOLEAN, AbandonedField(), 95), FLAG)
VISITING: tuple[BehaviorEntry, ...] = (
    _visiting.of("visit", "Visit", 105, 109, 110, 111, 114, 115, 117, more=(_ABANDONED,)),
    _visiting.of("cart", "Added to cart", 95, 105, 112, 117, more=(_ABANDONED,)),
    _visiting.of("checkout", "Checkout started", 95, 113, 117, more=(_ABANDONED,)),
    _visiting.of("login", "Logged in", 28),
    _visiting.of("wishlist", "Put on the wishlist", 118),
    _visiting.of("wishlist.removed", "Taken off the wishlist", 118),
    _visiting.of("restock_request", "Asked to be told of a restock", 119),
    _visiting.of("scenario.run", "Scenario run", 143),
)
