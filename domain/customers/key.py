"""How callers name a customer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """Exactly one of these is given."""

    id: int | None = None
    external_id: str | None = None
    email: str | None = None
