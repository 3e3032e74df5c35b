"""What customers look at, put into carts and wish for, and what brought them first."""

from dataclasses import replace

from domain.customers.model import ValueType
from domain.customers.tables import customer_origins
from domain.segments.catalogue.entries import FLAG, Attribute, Behavior
from domain.segments.catalogue.happenings import about, happening
from domain.segments.catalogue.making import Group, attribute, only, said
from domain.segments.conditions.beside import Beside, Kept
from domain.segments.conditions.columns import TextColumn
from domain.segments.conditions.subjects import Abandoned
from domain.segments.conditions.times import MomentColumn

_rows = customer_origins.c
_origin = Group("origin")
_KEPT = Kept(_rows.customer_id)

ORIGINS = (
    _origin.moment("first_visit.at", "First visit", Beside(_KEPT, MomentColumn(_rows.at))),
    *(
        _origin.text(f"first_visit.{key}", f"First visit: {label}", Beside(_KEPT, TextColumn(_rows[key])), 116)
        for key, label in (
            ("landing_page", "landing page"),
            ("referrer", "referrer"),
            ("utm_source", "UTM source"),
            ("utm_medium", "UTM medium"),
            ("utm_campaign", "UTM campaign"),
        )
    ),
)

_GOODS: tuple[Attribute, ...] = (
    about("product", "Product", 105),
    said("category", "Category", ValueType.STRING, 105, 115),
    said("collection", "Collection", ValueType.STRING, 115),
    said("price", "Price", ValueType.NUMBER),
)
_PRODUCT = about("product", "Product")
_ABANDONED = only(attribute(("abandoned", "Not followed by an order"), ValueType.BOOLEAN, Abandoned(), 95, 114), FLAG)
VISITING: tuple[Behavior, ...] = (
    happening(
        "visit",
        "Visit",
        "visiting",
        (*_GOODS, said("page", "Page"), said("referrer", "Referrer"), _ABANDONED),
        *(105, 109, 110, 111, 114, 115, 117),
    ),
    happening(
        "cart",
        "Added to cart",
        "visiting",
        (*_GOODS, said("quantity", "Quantity", ValueType.NUMBER), _ABANDONED),
        *(95, 105, 112, 117),
    ),
    happening(
        "checkout",
        "Checkout started",
        "visiting",
        (said("total", "Total", ValueType.NUMBER), _ABANDONED),
        *(95, 113, 117),
    ),
    happening("login", "Logged in", "visiting", (), 28),
    happening("wishlist", "Put on the wishlist", "visiting", (*_GOODS, said("tag", "Product tag")), 118),
    happening(
        "restock_request",
        "Asked to be told of a restock",
        "visiting",
        (_PRODUCT, said("variant", "Variant"), said("notified", "Notified", ValueType.BOOLEAN)),
        119,
    ),
    happening(
        "scenario.run",
        "Scenario run",
        "visiting",
        (replace(about("scenario", "Scenario"), refers_to="Scenario"),),
        143,
    ),
)
