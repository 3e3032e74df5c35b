"""Identifiers: UUIDv7 (RFC 9562) for rows, UUIDv5 for what must be the same at every try."""

import secrets
from time import time_ns
from uuid import UUID, uuid5

_SINGLETON = UUID("4d757374-6572-5000-8000-6f6e6c796f6e")
_DELIVERY = UUID("4d757374-6572-5000-8000-64656c697672")


def new() -> UUID:
    """Return a fresh UUIDv7, which sorts behind those that this process has made before."""
    millis, nanos = divmod(time_ns(), 1_000_000)
    # A transaction makes many in one millisecond: 12 bits say when in it (RFC 9562, section 6.2, method 3).
    high = (millis & 0xFFFF_FFFF_FFFF) << 16 | 0x7 << 12 | (nanos << 12) // 1_000_000
    low = 0b10 << 62 | secrets.randbits(62)
    return UUID(int=high << 64 | low)


def delivery_key(store_id: int, campaign_id: UUID, customer_id: int) -> UUID:
    """Return the id of a campaign's message to a customer, the same on every attempt."""
    return uuid5(_DELIVERY, f"{store_id}:{campaign_id}:{customer_id}")


def singleton(store_id: int, kind: str) -> UUID:
    """Return the id of the one thing of a kind that a store has."""
    return uuid5(_SINGLETON, f"{store_id}:{kind}")
