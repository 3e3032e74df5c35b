"""Orders and their items, and the rule by which an order counts as bought."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from domain.customers import values
from domain.customers.key import CustomerKey
from domain.kit.errors import DomainError

MAX_ITEMS = 1_000
TAG = "tag"
# Orders in these states were never bought (SL-55).
NEVER_COUNTED = frozenset({"cancelled", "canceled", "deleted", "voided"})
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

    @property
    def counted(self) -> bool:
        return is_counted(self.status)


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


def is_counted(status: str) -> bool:
    return status not in NEVER_COUNTED


def normalize_status(value: str) -> str:
    """Return the status in lower case; an order without one is completed."""
    # In lower case a few letters are two.
    return values.text(value.lower(), 32) or DEFAULT_STATUS


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
