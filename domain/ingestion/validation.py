"""Events as clients send them: cleaned, or refused with the place of the fault."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.events.types import ORDER, ORDER_REFUNDED, kind_of
from domain.ingestion import fields as checking
from domain.ingestion.fields import ATTRIBUTES, at
from domain.ingestion.model import Happening, TrackedEvent
from domain.ingestion.orders import clean_order
from domain.kit.errors import DomainError, ErrorCode
from domain.orders.model import Order, amount
from domain.wallets.model import Wallet

_WALLETS = frozenset(wallet.event for wallet in Wallet)


def clean(event: TrackedEvent) -> Order | Happening:
    event_id = at(("id",), checking.required, event.id)
    name = at(("type",), checking.event_type, event.type)
    customer = checking.customer(event.customer)
    moment = at(("occurredAt",), checking.aware, event.occurred_at)
    attributes = checking.an_object(event.attributes, ATTRIBUTES)
    if name == ORDER:
        return clean_order(event_id, customer, moment, attributes)
    kind = kind_of(name)
    said = checking.known(kind, at(ATTRIBUTES, checking.small, attributes))
    _check_amount(name, said)
    return Happening(event_id, name, customer, moment, said, checking.subject(kind, said))


def _check_amount(name: str, said: Mapping[str, Any]) -> None:
    """What is added up must be an amount."""
    given = said.get("amount")
    if given is None or name not in _WALLETS | {ORDER_REFUNDED}:
        return
    read: Decimal = at((*ATTRIBUTES, "amount"), amount, given)
    if read == 0 or (read < 0 and name == ORDER_REFUNDED):
        wanted = "more than 0" if name == ORDER_REFUNDED else "other than 0"
        raise DomainError(f"amount: must be {wanted}", field=(*ATTRIBUTES, "amount"), code=ErrorCode.INVALID)
