"""Generates customers and orders as CSV in the columns that imports take, row by row, in constant memory."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

CUSTOMER_COLUMNS = (
    "external_id",
    "name",
    "email",
    "phone",
    "gender",
    "birthday",
    "locale",
    "country",
    "city",
    "source",
    "member",
    "tier",
    "registered_at",
    "tags",
    "property.favourite_colour",
    "property.shoe_size",
    "consent.email",
    "consent.sms",
)
ORDER_COLUMNS = (
    "order_id",
    "customer_external_id",
    "placed_at",
    "status",
    "total",
    "product",
    "name",
    "category",
    "brand",
    "quantity",
    "price",
)


class _Place(NamedTuple):
    locale: str
    country: str
    city: str
    phone: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


_PLACES = (
    _Place("zh-TW", "TW", "Taipei", "+8869", ("怡君", "志明", "淑芬", "家豪"), ("陳", "林", "黃", "張")),
    _Place("zh-HK", "HK", "Hong Kong", "+8526", ("Ka Yan", "Chi Ming", "Wing", "Tsz"), ("Chan", "Wong", "Lee")),
    _Place("ja-JP", "JP", "Tokyo", "+8190", ("陽菜", "蓮", "結衣", "大翔"), ("佐藤", "鈴木", "高橋", "田中")),
    _Place("en-SG", "SG", "Singapore", "+659", ("Aisha", "Wei", "Priya", "Daniel"), ("Tan", "Lim", "Kumar", "Ng")),
    _Place("fr-FR", "FR", "Lyon", "+336", ("Zoé", "Hugo", "Inès", "Loïc"), ("Lefèvre", "Moreau", "Garçon")),
)
_PRODUCTS = (
    ("sneaker-01", "City Sneaker", "Shoes", "Northway", 79.0),
    ("boot-02", "Rain Boot", "Shoes", "Northway", 95.5),
    ("tee-03", "Plain Tee", "Clothing", "Loom", 19.9),
    ("coat-04", "Wool Coat", "Clothing", "Loom", 189.0),
    ("cap-05", "Cap", "Accessories", "Sunday", 15.0),
    ("belt-06", "Leather Belt", "Accessories", "Sunday", 34.9),
    ("mug-07", "Stone Mug", "Home", "Kiln", 12.5),
    ("lamp-08", "Desk Lamp", "Home", "Kiln", 49.0),
)
_TAGS = ("VIP", "newsletter", "wholesale", "event-2026", "employee")
_COLOURS = ("red", "blue", "green", "black", "white")
_TIERS = (None, None, None, "Silver", "Gold", "Platinum")


def write(folder: Path, customers: int, now: datetime, seed: int = 1) -> tuple[Path, Path]:
    """Write `customers.csv` and `orders.csv` into the folder, about three orders a customer; return their paths."""
    customer_file, order_file = folder / "customers.csv", folder / "orders.csv"
    _write(customer_file, CUSTOMER_COLUMNS, customer_rows(customers, now, seed))
    _write(order_file, ORDER_COLUMNS, order_rows(customers, now, seed))
    return customer_file, order_file


def customer_rows(count: int, now: datetime, seed: int = 1) -> Iterator[tuple[object, ...]]:
    chance = Random(seed)  # noqa: S311 - plausible, not secret
    for number in range(1, count + 1):
        place = chance.choice(_PLACES)
        tier = chance.choice(_TIERS)
        registered = now - timedelta(days=chance.randint(0, 1500), minutes=chance.randint(0, 1440))
        yield (
            f"c-{number:07}",
            f"{chance.choice(place.first_names)} {chance.choice(place.last_names)}",
            f"customer{number}@example.com" if chance.random() < 0.93 else "",
            f"{place.phone}{number % 10_000_000:07}" if chance.random() < 0.6 else "",
            chance.choice(("MALE", "FEMALE", "FEMALE", "UNDISCLOSED", "")),
            f"{chance.randint(1950, 2007)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
            if chance.random() >= 0.3
            else "",
            place.locale,
            place.country,
            place.city,
            chance.choice(("storefront", "storefront", "pos", "import")),
            "true" if tier else "false",
            tier or "",
            registered.astimezone(UTC).isoformat(timespec="seconds"),
            ";".join(tag for tag in _TAGS if chance.random() < 0.12),
            chance.choice(_COLOURS),
            chance.choice(("", 36, 38, 40, 42, 44)),
            chance.choices(("SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED"), (70, 22, 8))[0],
            chance.choices(("SUBSCRIBED", "NOT_SUBSCRIBED", ""), (30, 50, 20))[0],
        )


def order_rows(customers: int, now: datetime, seed: int = 1) -> Iterator[tuple[object, ...]]:
    """Yield a row for each line item; some customers never ordered, a few order all the time."""
    chance = Random(seed + 1)  # noqa: S311 - plausible, not secret
    number = 0
    for customer in range(1, customers + 1):
        for _ in range(min(int(chance.expovariate(1 / 3)), 40)):
            number += 1
            placed = now - timedelta(days=chance.expovariate(1 / 200), minutes=chance.randint(0, 1440))
            status = chance.choices(("completed", "shipped", "cancelled"), (88, 8, 4))[0]
            items = [(chance.choice(_PRODUCTS), chance.randint(1, 3)) for _ in range(chance.choice((1, 1, 2, 3)))]
            total = sum(price * quantity for (*_, price), quantity in items)
            for (product, name, category, brand, price), quantity in items:
                yield (
                    f"o-{number:08}",
                    f"c-{customer:07}",
                    placed.astimezone(UTC).isoformat(timespec="seconds"),
                    status,
                    f"{total:.2f}",
                    product,
                    name,
                    category,
                    brand,
                    quantity,
                    f"{price:.2f}",
                )


def _write(path: Path, columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
