"""Events as clients send them: cleaned, or refused with the place of the fault."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.events.types import ORDER, ORDER_REFUNDED, event_type_of
from domain.ingestion import fields
from domain.ingestion.fields import ATTRIBUTES
from domain.ingestion.model import CustomEvent, TrackedEvent
from domain.ingestion.orders import clean_order
from domain.kit.errors import DomainError, ErrorCode, check_field
from domain.orders.model import Order, parse_amount
from domain.wallets.model import Wallet

_WALLETS = frozenset(wallet.event for wallet in Wallet)


def clean_event(event: TrackedEvent) -> Order | CustomEvent:
    event_id = check_field(("id",), fields.check_required, event.id)
    name = check_field(("type",), fields.check_event_type, event.type)
    customer = fields.check_customer(event.customer)
    moment = check_field(("occurredAt",), fields.check_moment, event.occurred_at)
    attributes = fields.check_object(event.attributes, ATTRIBUTES)
    if name == ORDER:
        return clean_order(event_id, customer, moment, attributes)
    kind = event_type_of(name)
    said = fields.check_attributes(kind, check_field(ATTRIBUTES, fields.check_size, attributes))
    _check_amount(name, said)
    return CustomEvent(event_id, name, customer, moment, said, fields.subject_of(kind, said))


def _check_amount(name: str, said: Mapping[str, Any]) -> None:
    """What is added up must be an amount."""
    given = said.get("amount")
    if given is None or name not in _WALLETS | {ORDER_REFUNDED}:
        return
    read: Decimal = check_field((*ATTRIBUTES, "amount"), parse_amount, given)
    if read == 0 or (read < 0 and name == ORDER_REFUNDED):
        wanted = "more than 0" if name == ORDER_REFUNDED else "other than 0"
        raise DomainError(f"amount: must be {wanted}", field=(*ATTRIBUTES, "amount"), code=ErrorCode.INVALID)
