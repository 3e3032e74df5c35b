"""Consents, contacts and engagement of customers, channel by channel."""

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import literal_column

from domain.addresses import AddressKinds
from domain.customers.model import Consent
from domain.customers.tables import contacts
from domain.events.types import MESSAGE_EVENTS
from domain.segments.catalogue.builders import Group, choice, spoken
from domain.segments.catalogue.entries import BehaviorEntry, DimensionEntry
from domain.segments.catalogue.event_behaviors import EventBehaviors
from domain.segments.sql.dimensions.child_rows import ChildRows, HasRows
from domain.segments.sql.dimensions.customer import ConsentSource
from domain.segments.sql.dimensions.reachable import ReachableOn
from domain.segments.sql.predicates import Selectivity

KNOWN: Mapping[str, str] = {
    "email": "E-mail",
    "sms": "SMS",
    "line": "LINE",
    "facebook": "Facebook Messenger",
    "whatsapp": "WhatsApp",
}
"""Channels of which a store may have consents and engagement before a plugin brings them."""

_c = contacts.c
_consent, _contact = Group("consent"), Group("contact")
_CONSENT_RULES = {"email": (55, 60), "sms": (56, 61), "line": (57, 62), "facebook": (58, 63), "whatsapp": (59,)}
_CONTACT_RULES = {"facebook": (138,), "line": (139,)}
_INVALID_RULES = {"email": (69,), "sms": (70,)}


def reachable(kinds: AddressKinds) -> DimensionEntry:
    return _contact.text("channel", "Can be reached on channel", ReachableOn(kinds), 140)


@lru_cache(256)
def of_channel(channel: str, label: str) -> tuple[DimensionEntry, ...]:
    has_address = ChildRows(
        _c.customer_id, lambda _: (_c.channel == channel, _c.address.is_not(None)), Selectivity.CONSENT
    )
    invalid = ChildRows(
        _c.customer_id, lambda _: (_c.channel == channel, literal_column("contacts.invalid")), Selectivity.PRODUCT
    )
    consents = _consent.text(
        f"consent.{channel}", f"Consent: {label}", ConsentSource(channel), *_CONSENT_RULES.get(channel, ())
    )
    return (
        choice(consents, spoken(Consent)),
        _contact.flag(
            f"contact.{channel}", f"Has an ID on {label}", HasRows(has_address), *_CONTACT_RULES.get(channel, ())
        ),
        _contact.flag(
            f"invalid.{channel}", f"Address is invalid: {label}", HasRows(invalid), *_INVALID_RULES.get(channel, ())
        ),
    )


def channel_of(key: str) -> str | None:
    """Return the channel that a dimension is of; None for any other dimension."""
    kind, _, channel = key.partition(".")
    return channel if kind in {"consent", "contact", "invalid"} else None


_engagement = EventBehaviors("engagement", {"ad": (80,)})
_VERB_LABELS: Mapping[str, str] = {
    "complained": "marked as spam",
    "replied": "replied to",
    "interacted": "interaction",
    "followed": "page followed",
    "unfollowed": "page unfollowed",
    "opted_in": "notifications subscribed",
}
_ENGAGEMENT_RULES: Mapping[str, tuple[int, ...]] = {
    "email.sent": (64,),
    "email.opened": (65, 67),
    "email.clicked": (66, 67),
    "email.bounced": (68,),
    "email.complained": (68,),
    "sms.sent": (71,),
    "sms.delivered": (71,),
    "sms.clicked": (71,),
    "line.sent": (72,),
    "line.clicked": (72,),
    "line.interacted": (73,),
    "facebook.interacted": (74, 80),
    "facebook.followed": (75,),
    "facebook.unfollowed": (75,),
    "facebook.opted_in": (76,),
    "whatsapp.interacted": (77,),
}


@lru_cache(256)
def engagement(channel: str, label: str) -> tuple[BehaviorEntry, ...]:
    keys = {verb: f"{channel}.{verb}" for verb in MESSAGE_EVENTS}
    return tuple(
        _engagement.of(key, f"{label} {_VERB_LABELS.get(verb, verb)}", *_ENGAGEMENT_RULES.get(key, ()))
        for verb, key in keys.items()
    )
