"""Identifiers: UUIDv7 (RFC 9562) for rows, UUIDv5 for what must be the same at every try."""

import secrets
from time import time_ns
from uuid import UUID, uuid5

_ONLY = UUID("4d757374-6572-5000-8000-6f6e6c796f6e")
_DELIVERY = UUID("4d757374-6572-5000-8000-64656c697672")


def new() -> UUID:
    """A fresh UUIDv7: sorts by the millisecond in which it was made."""
    millis = time_ns() // 1_000_000
    noise = secrets.randbits(74)
    high = (millis & 0xFFFF_FFFF_FFFF) << 16 | 0x7 << 12 | noise >> 62
    low = 0b10 << 62 | noise & (1 << 62) - 1
    return UUID(int=high << 64 | low)


def delivery_key(store_id: int, campaign_id: UUID, customer_id: int) -> UUID:
    """The identity of one campaign's message to one customer, the same on every attempt."""
    return uuid5(_DELIVERY, f"{store_id}:{campaign_id}:{customer_id}")


def only(store_id: int, what: str) -> UUID:
    """The identity of what a store has one of."""
    return uuid5(_ONLY, f"{store_id}:{what}")
