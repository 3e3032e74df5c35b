"""A customer as callers name it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """Exactly one of these is not None."""

    id: int | None = None
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
