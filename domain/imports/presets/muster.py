"""Muster's own report of a list: its columns are fields by their names, but for what follows from orders and events."""

from domain.imports.presets.model import ExportPreset

_CHANNELS = ("email", "sms", "line", "facebook", "whatsapp")
_COMPUTED = (
    *("order_count", "total_spent", "average_order_value", "first_order_at", "last_order_at", "shopper"),
    *("shopper_type", "repurchase_position", "lifecycle_stage", "rfm_group", "rfm.recency", "rfm.frequency"),
    *("rfm.monetary", "favourite.product", "favourite.category", "favourite.brand", "favourite.department"),
    *("points", "credits", "gift_card"),
    *(
        f"{wallet}.{fact}"
        for wallet in ("points", "credits", "gift_card")
        for fact in ("expire_on", "last_change", "last_reason", "last_changed_at")
    ),
    *(
        "coupon",
        "coupon_count",
        "coupon.expire_on",
        "coupon.received_at",
        "tag_count",
        "tag.manual",
        "tag.import",
        "tag.form",
        "tag.shop",
    ),
    *("has_email", "email_domain", "has_phone", "phone_country_code", "has_birthday", "birthday_year"),
    *("birthday_month", "age", "blacklisted", "created_at", "channel", "address.area"),
    *("first_visit.at", "first_visit.landing_page", "first_visit.referrer", "first_visit.utm_source"),
    *("first_visit.utm_medium", "first_visit.utm_campaign"),
    *(f"invalid.{channel}" for channel in _CHANNELS),
)

# The addresses of somebody who has several are one text in each column: which of them are one address, nobody can tell.
_ADDRESSES = tuple(f"address.{name}" for name in ("country", "region", "city", "postcode", "street", "company"))
LIST_EXPORT = ExportPreset(
    "Muster list",
    marks=[("tag",), *((column,) for column in _COMPUTED)],
    fields={"tags": "tag"},
    left_out=(*_COMPUTED, *_ADDRESSES),
)
