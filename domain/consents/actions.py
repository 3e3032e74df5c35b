"""What a customer says by a link in a message."""

from contextlib import suppress
from datetime import datetime

from domain.consents.links import UnsubscribeToken
from domain.customers import actions as customers
from domain.customers.model import Consent, ContactChange
from domain.kit.db import Transaction
from domain.kit.errors import NotFound


async def unsubscribe(tx: Transaction, subject: UnsubscribeToken, now: datetime) -> None:
    """No more marketing on this channel, from the next intent on; saying it twice changes nothing."""
    refused = ContactChange(subject.channel, consent=Consent.UNSUBSCRIBED)
    # Of a customer whose row is gone there is nobody left to write to.
    with suppress(NotFound):
        await customers.consent_update(
            tx, subject.store_id, subject.customer_id, refused, now, source="unsubscribe link"
        )
