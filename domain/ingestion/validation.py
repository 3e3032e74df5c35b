"""Turns events as clients send them into clean ones, or refuses them with the path of the field that is wrong."""

from domain.events.types import ORDER, ORDER_REFUNDED, ORDER_UPDATED, event_type_of
from domain.ingestion import fields
from domain.ingestion.fields import ATTRIBUTES
from domain.ingestion.model import CustomEvent, TrackedEvent
from domain.ingestion.orders import clean_order
from domain.kit.errors import DomainError, check_field
from domain.orders.model import STATES, Order, normalize_status, parse_amount
from domain.wallets.model import Wallet

# The events whose amounts are added up.
_AMOUNT_EVENTS = frozenset({ORDER_REFUNDED, *(wallet.event for wallet in Wallet)})


def clean_event(event: TrackedEvent) -> Order | CustomEvent:
    """Return the event, cleaned. Raise DomainError with the path of the first field that is wrong."""
    event_id = check_field(("id",), fields.check_required, event.id)
    name = check_field(("type",), fields.check_event_type, event.type)
    customer = fields.check_customer(event.customer)
    moment = check_field(("occurredAt",), fields.check_moment, event.occurred_at)
    attributes = fields.check_object(event.attributes, ATTRIBUTES)
    if name == ORDER:
        return clean_order(event_id, customer, moment, attributes)
    event_type = event_type_of(name)
    attributes = fields.check_attributes(event_type, fields.check_bounds(attributes))
    if name in _AMOUNT_EVENTS and attributes.get("amount") is not None:
        path = (*ATTRIBUTES, "amount")
        amount = check_field(path, parse_amount, attributes["amount"])
        if name == ORDER_REFUNDED and amount <= 0:
            raise DomainError("amount: must be more than 0", field=path)
        if amount == 0:
            raise DomainError("amount: must be other than 0", field=path)
    if name == ORDER_UPDATED:
        for state in STATES:
            if attributes.get(state):
                check_field((*ATTRIBUTES, state), normalize_status, str(attributes[state]))
    return CustomEvent(event_id, name, customer, moment, attributes, fields.subject_of(event_type, attributes))
