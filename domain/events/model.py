"""Events of customers, other than orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """An event that happened to a customer; `subject` is what it was about, such as a visit's product."""

    id: str
    customer_id: int
    type: str
    occurred_at: datetime
    subject: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
