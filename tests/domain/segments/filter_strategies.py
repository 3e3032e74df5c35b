"""Filters of every shape that the catalogue allows, for hypothesis to choose from."""

from datetime import UTC, date, datetime
from typing import TypeVar

from hypothesis import strategies as st

from domain.kit.values import ValueType
from domain.segments.catalogue import Catalogue, catalogue
from domain.segments.catalogue.entries import NUMBERS, TIMES, CatalogueEntry
from domain.segments.filters import (
    ALL_TIME,
    BLACKLISTED,
    ORDERED,
    Aggregate,
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Value,
    Window,
)
from tests.domain.segments.persons import CATEGORIES, CITIES, DAYS, EXPIRIES, MOMENTS, NAMES, PROPERTIES, RANKS, TAGS
from tests.domain.segments.stored_people import LIST, PICKED, SEGMENT

CATALOGUE: Catalogue = catalogue(
    PROPERTIES, {"email": "E-mail", "sms": "SMS"}, ["visit", "Added to cart"], facets=["Size"], ranks=RANKS
)

T = TypeVar("T")
_TEXTS = [
    text for text in (*NAMES, *CITIES, *TAGS, *CATEGORIES, "p1", "p2", "Acme", "red", "home", "shop.example") if text
]
_PARTS = ["a", "A", "ß", "ss", "i", "İ", "%", "_", "\\", '"', "😀", "u1", "shop", "+886", "台", "E", "VIP"]
_DAYS = [0, 1, 2, 5, 7, 8, 30, 31, 400]
_WHOLE = {
    Operator.MONTH_IN: [1, 2, 3, 12],
    Operator.ANNIVERSARY_IN_DAYS: [0, 1, 2, 7, 364, 365, 366],
    Operator.WITHIN_LAST_DAYS: _DAYS,
    Operator.WITHIN_NEXT_DAYS: _DAYS,
    Operator.MORE_THAN_DAYS_AGO: _DAYS,
    Operator.IN_DAYS: _DAYS,
}
_MANY = {
    Operator.IN,
    Operator.NOT_IN,
    Operator.CONTAINS,
    Operator.NOT_CONTAINS,
    Operator.STARTS_WITH,
    Operator.ENDS_WITH,
    Operator.MONTH_IN,
    Operator.ANNIVERSARY_IN_DAYS,
}
_OWN: dict[str, list[Value]] = {
    "email": ["u1@shop.example", "U3@Shop.Example"],
    "phone": ["+886912340001", "+886912340007"],
    "external_id": ["c1", "c2"],
    "locale": ["en", "zh-TW"],
    "country": ["TW", "jp"],
    "source": ["pos", "import"],
    "tier": ["Gold", "gold"],
    "status": ["completed", "cancelled"],
    "email_domain": ["shop.example", "MAIL.example"],
    "address.area": ["TW-North-Taipei", "JP--台北", "--"],
    "address.country": ["TW", "jp"],
    "address.region": ["North"],
    "address.postcode": ["110"],
    "address.street": ["Xinyi Road 7"],
    "near": [
        "25.0330,121.5654,0.5km",
        "25.033,121.5654,30km",
        "35.7,139.7,10km",
        "-17.8,180,50km",
        "-17.8,-179.95,6km",
    ],
    "note": ["Likes a red hat"],
    "registered_from": ["line", "pos"],
    "registration_form": ["f1"],
    "preferred_channel": ["email"],
    "channel": ["facebook", "email", "sms"],
    "loyalty_rank": ["A", "B"],
    "coupon": ["WELCOME", "SPRING"],
    "tag": [*TAGS, "TRUCK", "sale"],
    "points.last_reason": ["order"],
    "credits.last_reason": ["expiry"],
    "gift_card.last_reason": ["expiry"],
    "first_visit.landing_page": ["/", "/sale"],
    "first_visit.referrer": ["https://search.example/"],
    "first_visit.utm_source": ["newsletter"],
    "first_visit.utm_medium": ["email"],
    "first_visit.utm_campaign": ["spring"],
    "favourite.product": ["p1"],
    "favourite.category": ["Shoes"],
    "favourite.department": ["Women"],
    "variant": ["p1-red"],
    "department": ["Women"],
    "campaign": ["summer"],
    "payment_status": ["paid"],
    "delivery_status": ["shipped"],
    "facet.Size": ["L", "M"],
}


def values(entry: CatalogueEntry, operator: Operator) -> st.SearchStrategy[tuple[Value, ...]]:
    if operator in {Operator.IS_SET, Operator.IS_NOT_SET}:
        return st.just(())
    value = _one(entry, operator)
    if operator is Operator.BETWEEN:
        return st.tuples(value, value).map(lambda pair: _sorted(pair, entry))
    return st.lists(value, min_size=1, max_size=3 if operator in _MANY else 1).map(tuple)


def _sorted(pair: tuple[Value, Value], entry: CatalogueEntry) -> tuple[Value, ...]:
    ranks = list(entry.ranks)
    return tuple(sorted(pair, key=lambda value: ranks.index(value) if isinstance(value, str) else _order(value)))


def _order(value: Value) -> float | str:
    if isinstance(value, datetime):
        return value.timestamp()
    return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() if isinstance(value, date) else value


def _one(entry: CatalogueEntry, operator: Operator) -> st.SearchStrategy[Value]:
    if operator in _WHOLE:
        return st.sampled_from(_WHOLE[operator])
    if entry.options is not None and (entry.closed or operator in ORDERED):
        return st.sampled_from([option.value for option in entry.options])
    if entry.type is ValueType.STRING:
        equal = operator in {Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN}
        return st.sampled_from([*_OWN.get(entry.key, _TEXTS)] if equal or entry.key == "near" else _PARTS)
    choices: dict[ValueType, list[Value]] = {
        ValueType.NUMBER: [-1, 0, 0.5, 1, 2, 2.5, 3, 5, 10, 18, 26, 46, 50, 19.9999, 20, 110, 1980, 123.45678, 10**12],
        ValueType.BOOLEAN: [True, False],
        ValueType.DATE: [*DAYS, *(day for day in EXPIRIES if day)],
        ValueType.DATETIME: [*MOMENTS, *DAYS[-3:], date(2026, 1, 30), date(2026, 3, 1)],
    }
    return st.sampled_from(choices[entry.type])


@st.composite
def compared(draw: st.DrawFn, entry: CatalogueEntry) -> AttributeCondition:
    operator = draw(st.sampled_from(entry.operators))
    return AttributeCondition(entry.key, operator, draw(values(entry, operator)))


_ASKED = list(CATALOGUE.dimensions.values())


def attributes() -> st.SearchStrategy[Filter]:
    return st.sampled_from(_ASKED).flatmap(compared)


windows = st.one_of(
    st.just(ALL_TIME),
    st.sampled_from(_DAYS).map(lambda days: Window(last_days=days)),
    st.sampled_from(MOMENTS[:4]).map(lambda since: Window(since=since)),
    st.sampled_from(MOMENTS[3:]).map(lambda until: Window(until=until)),
    st.sampled_from([1, 3, 4, 168, 9000]).map(lambda hours: Window(last_hours=hours)),
    st.just(Window(since=MOMENTS[1], until=MOMENTS[6])),
)


@st.composite
def behaviors(draw: st.DrawFn) -> BehaviorCondition:
    key = draw(
        st.sampled_from(
            ["order", "order", "order", "visit", "Added to cart", "checkout", "email.clicked", "never.seen"]
        )
    )
    behavior = CATALOGUE.behavior(key)
    assert behavior is not None
    entries: list[CatalogueEntry] = list(behavior.attributes)
    if behavior.open:
        samples: list[tuple[str, list[object]]] = [
            ("page", ["x"]),
            ("amount", [1]),
            ("first time", [True]),
            ("page", []),
        ]
        entries = [entry for name, like in samples if (entry := behavior.attribute(name, like)) is not None]
    where = tuple(draw(compared(entry)) for entry in draw(st.lists(st.sampled_from(entries), max_size=3)))
    aggregate = draw(st.sampled_from(Aggregate))
    timed = aggregate in {Aggregate.FIRST, Aggregate.LAST}
    numeric = [entry.key for entry in entries if entry.type is ValueType.NUMBER]
    measured = [entry.key for entry in entries] if aggregate is Aggregate.DISTINCT else numeric
    of = None if timed or aggregate in {Aggregate.COUNT, Aggregate.SHARE} else draw(st.sampled_from(measured))
    kind = ValueType.DATETIME if timed else ValueType.NUMBER
    result = CatalogueEntry(key="", label="", group="", type=kind, operators=TIMES if timed else NUMBERS)
    comparison = draw(compared(result))
    return BehaviorCondition(key, where, aggregate, of, comparison.operator, comparison.values, draw(windows))


memberships: st.SearchStrategy[Filter] = st.sampled_from(
    [
        MembershipCondition(segment, listed, member)
        for segment, listed in ((SEGMENT, None), (PICKED, None), (None, LIST))
        for member in (True, False)
    ]
)
leaves = st.one_of(attributes(), attributes(), behaviors(), memberships)


def _groups(part: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(part, min_size=1, max_size=3).map(tuple)
    return st.one_of(parts.map(AllOf), parts.map(AnyOf), part.map(Not))


filters: st.SearchStrategy[Filter] = st.recursive(leaves, _groups, max_leaves=6)
definitions = st.builds(
    Definition, st.one_of(st.none(), filters, filters), st.one_of(st.just(BLACKLISTED), st.none(), filters)
)
