"""Applies what a customer chooses by a link in a message."""

from datetime import datetime

from sqlalchemy import literal, select
from sqlalchemy.types import BigInteger

from domain.consents import suppressions
from domain.consents.links import UnsubscribeToken
from domain.customers import actions as customers
from domain.customers import queries
from domain.customers.model import Consent, ContactChange
from domain.events import log
from domain.kit.db import Transaction

_SOURCE = "unsubscribe link"


async def unsubscribe(tx: Transaction, subject: UnsubscribeToken, key: bytes, now: datetime) -> None:
    """Unsubscribe the customer, and the address that the message went to, whoever has it by now.

    The next intent to send heeds it. Twice changes nothing. `key` is that of the suppressions: of an address that
    nobody has any more a hash is kept.
    """
    if await queries.is_somebody(tx, subject.store_id, subject.customer_id):
        change = ContactChange(subject.channel, consent=Consent.UNSUBSCRIBED)
        await customers.consent_update(tx, subject.store_id, subject.customer_id, change, now, source=_SOURCE)
        campaign_id = str(subject.campaign_id)
        event_id = f"{campaign_id}.{subject.customer_id}.unsubscribed"
        customer_id = literal(subject.customer_id, BigInteger)
        event = select(literal(event_id).label("id"), customer_id, literal(campaign_id).label("subject"))
        await log.append_once(tx, subject.store_id, f"{subject.channel}.unsubscribed", event, now)
    if subject.address is not None:
        await suppressions.object_to(tx, key, subject.store_id, subject.address, subject.channel, now)
