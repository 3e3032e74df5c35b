"""The thirteen filters, from one predicate to a tree of ten leaves, and windows that no fact answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter as a person writes it, and the same with one leaf changed."""

    name: str
    query: str
    edited: str

    @property
    def key(self) -> str:
        return self.name.split()[0]


FILTERS = (
    Asked(
        "S1 profile, 4 predicates",
        'country = "TW" AND gender = "FEMALE" AND consent.email = "SUBSCRIBED" AND age BETWEEN 25 AND 39',
        'country = "TW" AND gender = "FEMALE" AND consent.email = "SUBSCRIBED" AND age BETWEEN 25 AND 40',
    ),
    Asked(
        "S2 tag AND NOT tag",
        'tag = "newsletter" AND NOT tag = "vip"',
        'tag = "newsletter" AND NOT tag = "event-3"',
    ),
    Asked("S3 >= 3 orders in 90 days", "order.count(last 90 days) >= 3", "order.count(last 90 days) >= 2"),
    Asked("S4 lifetime spend", "total_spent >= 15500", "total_spent >= 15600"),
    Asked("S5 product >= 2", 'order.count(product = "p5") >= 2', 'order.count(product = "p6") >= 2'),
    Asked(
        "S6 category >= 3 in 180 days",
        'order.count(category = "c7", last 180 days) >= 3',
        'order.count(category = "c8", last 180 days) >= 3',
    ),
    Asked("S7 opened in 30 days", "email.opened(last 30 days)", "email.opened(last 31 days)"),
    Asked(
        "S8 got, did not click",
        'email.sent(campaign = "campaign-5") AND NOT email.clicked(campaign = "campaign-5")',
        'email.sent(campaign = "campaign-5") AND NOT email.opened(campaign = "campaign-5")',
    ),
    Asked(
        "S9 two custom properties",
        "property.k1 >= 400 AND property.k7 < 150",
        "property.k1 >= 400 AND property.k7 < 160",
    ),
    Asked("S10 points expiring", "points.expire_on within next 30 days", "points.expire_on within next 31 days"),
    Asked(
        "S11 six at once",
        'member = true AND country = "TW" AND total_spent >= 5000 AND email.opened(last 90 days) '
        'AND tag = "newsletter" AND NOT tag = "vip"',
        'member = true AND country = "TW" AND total_spent >= 5100 AND email.opened(last 90 days) '
        'AND tag = "newsletter" AND NOT tag = "vip"',
    ),
    Asked(
        "S12 tree of ten leaves",
        'country IN ("TW", "JP") AND age BETWEEN 20 AND 45 '
        'AND (total_spent >= 10000 OR order.count(last 90 days) >= 2 OR tag = "vip") '
        "AND (email.opened(last 30 days) OR email.clicked(last 90 days)) "
        'AND NOT (wishlist(product = "p3") OR order.count(category = "c7", last 180 days) >= 1) '
        "AND property.k1 >= 400",
        'country IN ("TW", "JP") AND age BETWEEN 20 AND 45 '
        'AND (total_spent >= 10000 OR order.count(last 90 days) >= 2 OR tag = "vip") '
        "AND (email.opened(last 30 days) OR email.clicked(last 90 days)) "
        'AND NOT (wishlist(product = "p4") OR order.count(category = "c7", last 180 days) >= 1) '
        "AND property.k1 >= 400",
    ),
    Asked(
        "S13 win-back",
        "order_count >= 2 AND last_order_at more than 120 days ago AND total_spent >= 3000",
        "order_count >= 2 AND last_order_at more than 125 days ago AND total_spent >= 3000",
    ),
)

# No k-th last order answers these: they are counted from the orders' covering index.
WINDOWED = (
    Asked("W1 >= 6 orders in 90 days", "order.count(last 90 days) >= 6", "order.count(last 90 days) >= 7"),
    Asked("W2 spend in 90 days", "order.sum(total, last 90 days) >= 8000", "order.sum(total, last 90 days) >= 8100"),
)
