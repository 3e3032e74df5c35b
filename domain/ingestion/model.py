"""Events as clients send them, and as they are once validated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.customers.key import CustomerKey

MAX_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class TrackedEvent:
    """An event as a client sent it."""

    id: str
    type: str
    customer: CustomerKey
    occurred_at: datetime
    attributes: object = None


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """An event that is no order, cleaned."""

    id: str
    type: str
    customer: CustomerKey
    occurred_at: datetime
    attributes: Mapping[str, Any]
    subject: str | None = None
