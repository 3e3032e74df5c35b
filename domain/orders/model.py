"""Orders and their items, and the rules by which an order counts as bought, and its money as the store's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from domain.customers import values
from domain.customers.key import CustomerKey
from domain.kit.errors import DomainError
from domain.orders.meanings import Meanings

MAX_ITEMS = 1_000
TAG = "tag"
DEFAULT_STATUS = "completed"
STATES = ("status", "payment_status", "delivery_status")
# Sums of many stay within 64 bits of ten-thousandths.
MAX_AMOUNT = Decimal(10**12)
# All of a customer's orders together.
MAX_SPENT = Decimal(9 * 10**14)


@dataclass(frozen=True, slots=True)
class Item:
    product: str | None
    name: str | None
    variant: str | None
    category: str | None
    department: str | None
    brand: str | None
    quantity: float
    price: Decimal
    # Its tags as facet "tag", and attributes such as its size.
    facets: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    customer: CustomerKey
    placed_at: datetime
    status: str
    total: Decimal
    items: Sequence[Item]
    source: str | None = None
    payment_status: str | None = None
    delivery_status: str | None = None
    coupon: str | None = None
    campaign: str | None = None
    # Of its amounts; None for the store's.
    currency: str | None = None

    @property
    def quantity(self) -> float:
        return sum(item.quantity for item in self.items)


class Amounts(NamedTuple):
    """The amount of an order: `total` in the store's currency, `foreign_total` in another one; the other is None."""

    total: Decimal | None
    foreign_total: Decimal | None


@dataclass(frozen=True, slots=True)
class SaleRules:
    """The rules by which a store's orders count: what its statuses mean, its currency, and its zone for hours."""

    meanings: Meanings
    currency: str
    timezone: str

    def amounts(self, total: Decimal, currency: str | None) -> Amounts:
        return Amounts(total, None) if currency in {None, self.currency} else Amounts(None, total)

    def is_counted(self, status: str, payment_status: str | None, total: Decimal, quantity: float) -> bool:
        """Return whether an order is bought: a sale by its statuses (SL-55), and no return (SL-59)."""
        return total >= 0 and quantity >= 0 and self.meanings.is_sale(status, payment_status)


def sum_of_items(items: Iterable[Item]) -> Decimal:
    """Return what the items come to. Raise DomainError when that is more than an order may."""
    total = sum((item.price * Decimal(str(item.quantity)) for item in items), Decimal(0))
    if abs(total) > MAX_AMOUNT:
        raise DomainError(f"come to more than an order may: {MAX_AMOUNT:,} at most")
    return total


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order, and the id of the store's customer who placed it."""

    order: Order
    customer_id: int


def normalize_status(value: str) -> str | None:
    """Return the status in lower case, None for an empty one."""
    # In lower case a few letters are two.
    return values.text(value.lower(), 32)


def currency_code(value: str) -> str | None:
    """Return the code of a currency, None for an empty one. Raise DomainError for what is none."""
    code = value.strip().upper()
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise DomainError(f"{value[:60]!r} is no currency: write its three letters, such as TWD")
    return code or None


def parse_amount(value: object) -> Decimal:
    """Return the amount. Raise DomainError when the value is no number or out of range."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise DomainError("is no amount: write it as 1234.50")
    try:
        parsed = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise DomainError(f"{str(value)[:60]!r} is no amount: write it as 1234.50") from error
    if not parsed.is_finite() or abs(parsed) > MAX_AMOUNT:
        raise DomainError(f"{str(value)[:60]!r} is out of range: {MAX_AMOUNT:,} at most")
    return parsed
