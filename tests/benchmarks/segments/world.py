"""The rows of a shop with N customers: 5N orders, 12N items, 20N events, 3N tags, 10N properties, 2N lots of points."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.segments.numbers import Numbers, chance, padded, pick

CAMPAIGNS = 90
PRODUCTS = 5_000
PROPERTIES = 60
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Rows:
    """What fills a table: `values` by column, of the rows of `source`."""

    table: str
    values: dict[str, str]
    source: str
    where: str = "true"

    def statement(self, store_id: int) -> str:
        columns = ", ".join(("store_id", *self.values))
        return (
            f"INSERT INTO {self.table} ({columns}) "
            f"SELECT {store_id}, {', '.join(self.values.values())} FROM {self.source} WHERE {self.where}"
        )


def rows(customers: int, numbers: Numbers) -> Iterator[Rows]:
    """Table by table, each in the order of its key."""
    yield _customers(customers, numbers)
    yield from _contacts(customers, numbers)
    yield from _tags(customers, numbers)
    yield from _properties(customers, numbers)
    yield from _orders(customers, numbers)
    yield from _messages(customers, numbers)
    yield from _browsing(customers, numbers)
    yield _lots(customers, numbers)


def _customers(customers: int, numbers: Numbers) -> Rows:
    registered = numbers.instant(chance(11, 1095 * _DAY))
    values = {
        "id": "i",
        "external_id": padded("c"),
        "name": "'Customer ' || i",
        "email": f"CASE WHEN {chance(1, 100)} < 90 THEN 'c' || i || '@shop.example' END",
        "email_verified": f"{chance(1, 100)} < 60",
        "phone": f"CASE WHEN {chance(2, 100)} < 60 THEN '+8869' || substr(CAST(100000000 + i AS text), 2) END",
        "phone_verified": "false",
        "gender": pick(chance(3, 100), (45, "'FEMALE'"), (85, "'MALE'")),
        "birthday": numbers.day(f"-{chance(4, 21_000)} - 6500"),
        "locale": pick(chance(5, 100), (50, "'zh-TW'"), (70, "'ja'"), (100, "'en'")),
        "country": pick(chance(5, 100), (50, "'TW'"), (70, "'JP'"), (85, "'HK'"), (100, "'US'")),
        "city": f"'City ' || {chance(6, 200)}",
        "source": pick(chance(7, 100), (70, "'storefront'"), (90, "'pos'"), (100, "'import'")),
        "member": f"{chance(8, 100)} < 60",
        "tier": pick(chance(9, 100), (5, "'Gold'"), (20, "'Silver'"), (60, "'Bronze'")),
        "blacklisted": f"{chance(10, 1000)} < 5",
        "created_at": registered,
        "updated_at": registered,
        "registered_at": registered,
        "deleted_at": f"CASE WHEN {chance(12, 1000)} < 10 THEN {numbers.instant('3600')} END",
    }
    return Rows("customers", values, numbers.up_to(customers))


def _contacts(customers: int, numbers: Numbers) -> Iterator[Rows]:
    consents = ((55, "'SUBSCRIBED'"), (80, "'NOT_SUBSCRIBED'"), (100, "'UNSUBSCRIBED'"))
    for channel, salt, have in (("email", 21, 85), ("sms", 23, 50)):
        values = {
            "customer_id": "i",
            "channel": f"'{channel}'",
            "consent": pick(chance(salt, 100), *consents),
            "invalid": f"{chance(salt, 1000)} < 10",
        }
        yield Rows("contacts", values, numbers.up_to(customers), f"{chance(salt + 1, 100)} < {have}")


def _tags(customers: int, numbers: Numbers) -> Iterator[Rows]:
    newsletter = pick(chance(31, 100), (50, "'newsletter'"), (100, f"'interest-{{}}' || {chance(32, 9)}"))
    vip = pick(chance(33, 100), (30, "'vip'"), (100, f"'event-' || {chance(34, 9)}"))
    shop_tag = f"'shop-' || {chance(35, 50)}"
    for tag in (newsletter.replace("{}", ""), vip, shop_tag):
        yield Rows("customer_tags", {"customer_id": "i", "tag": tag, "source": "'IMPORT'"}, numbers.up_to(customers))


def _properties(customers: int, numbers: Numbers) -> Iterator[Rows]:
    """Ten of sixty for each customer: texts, numbers and days in turn."""
    key = "k.s * 6 + 1 + " + pick(chance(41, 12, "(i * 10 + k.s)"), (7, "0"), (12, chance(42, 5, "(i * 10 + k.s)")))
    slots = " UNION ALL ".join(f"SELECT {slot} AS s" for slot in range(10))
    source = f"(SELECT i, {key} AS p FROM {numbers.up_to(customers)} CROSS JOIN ({slots}) AS k) AS o"
    of = "(i * 61 + p)"
    values = {
        "customer_id": "i",
        "property_id": "p",
        "string": f"CASE WHEN p % 3 = 0 THEN 'v' || {chance(43, 20, of)} END",
        "number": f"CASE WHEN p % 3 = 1 THEN CAST({chance(44, 1000, of)} AS double precision) END",
        "date": f"CASE WHEN p % 3 = 2 THEN {numbers.day('-' + chance(45, 700, of))} END",
    }
    yield Rows("customer_properties", values, source)


def buyer(customers: int, of: str, salt: int) -> str:
    """Three in ten by a fifth of the customers, the others by 85 in a hundred."""
    anyone = chance(salt, max(1, customers * 85 // 100), of)
    loyal = chance(salt + 1, max(1, customers // 5), of)
    return f"(({pick(chance(salt + 2, 100, of), (30, loyal), (100, anyone))} * 7919) % {customers} + 1)"


def _orders(customers: int, numbers: Numbers) -> Iterator[Rows]:
    lines = pick(chance(51, 100, "{of}"), (30, "1"), (55, "2"), (80, "3"), (95, "4"), (100, "5"))
    when = numbers.instant(chance(52, 600 * _DAY, "{of}"))
    counted = f"{chance(53, 1000, '{of}')} < 898"
    values = {
        "id": padded("o"),
        "customer_id": buyer(customers, "i", 54),
        "placed_at": when.format(of="i"),
        "status": f"CASE WHEN {counted} THEN 'completed' ELSE 'cancelled' END".format(of="i"),
        "counted": counted.format(of="i"),
        "total": f"(200 + {chance(57, 5000)}) * 10000",
        "lines": lines.format(of="i"),
        "quantity": lines.format(of="i"),
        "source": pick(chance(58, 10), (8, "'storefront'"), (10, "'pos'")),
        "updated_at": when.format(of="i"),
    }
    keys = {"order_id": values["id"], "customer_id": values["customer_id"]}
    yield Rows("order_customers", keys, numbers.up_to(5 * customers))
    yield Rows("orders", values, numbers.up_to(5 * customers))
    yield _items(customers, numbers, lines, when, counted)


def _items(customers: int, numbers: Numbers, lines: str, when: str, counted: str) -> Rows:
    position = " UNION ALL ".join(f"SELECT {line} AS line" for line in range(1, 6))
    share = chance(61, 100_003, "(i * 5 + line)")
    made = {
        "i": "i",
        "line": "line",
        "product": f"{share} * {share} / 100003 * {PRODUCTS} / 100003",
        "buyer": buyer(customers, "i", 54),
    }
    inner = ", ".join(f"{value} AS {name}" for name, value in made.items())
    source = (
        f"(SELECT {inner} FROM {numbers.up_to(5 * customers)} CROSS JOIN ({position}) AS l "
        f"WHERE line <= {lines.format(of='i')}) AS o"
    )
    values = {
        "order_id": padded("o"),
        "position": "line",
        "customer_id": "buyer",
        "placed_at": when.format(of="i"),
        "counted": counted.format(of="i"),
        "product": "'p' || product",
        "name": "'Product ' || product",
        "category": "'c' || product % 20",
        "department": "'d' || product % 8",
        "brand": "'b' || product % 200",
        "quantity": "1",
        "price": "(10 + product % 500) * 10000",
    }
    return Rows("order_items", values, source)


def _messages(customers: int, numbers: Numbers) -> Iterator[Rows]:
    """A campaign every four days to a tenth of the customers; of those who got it 45 in a hundred open it, 13 click."""
    place = f"(i - 1) / {CAMPAIGNS}"
    customer = f"((({place}) * 10 + {chance(71, 10)}) * 7919 % {customers} + 1)"
    sent = f"((i % {CAMPAIGNS}) * 4 + 2) * {_DAY} + {place} % 3600"
    share = chance(72, 1000)
    for verb, below, later in (("sent", 1000, 0), ("opened", 450, 90_000), ("clicked", 130, 40_000)):
        at = numbers.instant(f"{sent} - {chance(73, later)}" if later else sent)
        values = {
            "id": padded(verb[0]),
            "customer_id": customer,
            "type": f"'email.{verb}'",
            "occurred_at": at,
            "subject": f"'campaign-' || (i % {CAMPAIGNS} + 1)",
            "attributes": "'{}'",
            "received_at": at,
        }
        source, condition = numbers.up_to(9 * customers), f"{share} < {below}"
        keys = {"event_id": values["id"], "customer_id": customer}
        yield Rows("event_customers", keys, source, condition)
        yield Rows("events", values, source, condition)


def _browsing(customers: int, numbers: Numbers) -> Iterator[Rows]:
    for kind, tenths, salt in (("visit", 33, 81), ("wishlist", 15, 85), ("cart", 10, 89)):
        at = numbers.instant(chance(salt, 365 * _DAY))
        share = chance(salt + 1, 100_003)
        values = {
            "id": padded(kind[:2]),
            "customer_id": buyer(customers, "i", 20 + salt),
            "type": f"'{kind}'",
            "occurred_at": at,
            "subject": f"'p' || {share} * {share} / 100003 * {PRODUCTS} / 100003",
            "attributes": "'{}'",
            "received_at": at,
        }
        source = numbers.up_to(tenths * customers // 10)
        keys = {"event_id": values["id"], "customer_id": values["customer_id"]}
        yield Rows("event_customers", keys, source)
        yield Rows("events", values, source)


def _lots(customers: int, numbers: Numbers) -> Rows:
    values = {
        "kind": "'points'",
        "customer_id": chance(121, customers) + " + 1",
        "id": padded("l"),
        "remaining": f"CASE WHEN {chance(122, 10)} < 2 THEN 0 ELSE (1 + {chance(123, 500)}) * 10000 END",
        "expires_on": numbers.day(f"{chance(124, 480)} - 60"),
    }
    return Rows("wallet_lots", values, numbers.up_to(2 * customers))
