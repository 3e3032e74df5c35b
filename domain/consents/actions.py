"""Applies what a customer chooses by a link in a message."""

from contextlib import suppress
from datetime import datetime

from domain.consents.links import UnsubscribeToken
from domain.customers import actions as customers
from domain.customers.model import Consent, ContactChange
from domain.kit.db import Transaction
from domain.kit.errors import NotFound


async def unsubscribe(tx: Transaction, subject: UnsubscribeToken, now: datetime) -> None:
    """Unsubscribe the customer from the channel, which the next intent to send heeds. Twice changes nothing."""
    change = ContactChange(subject.channel, consent=Consent.UNSUBSCRIBED)
    # A customer whose row is deleted is written to no more anyway.
    with suppress(NotFound):
        await customers.consent_update(
            tx, subject.store_id, subject.customer_id, change, now, source="unsubscribe link"
        )
