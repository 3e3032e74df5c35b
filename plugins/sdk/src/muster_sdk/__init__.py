"""The SDK for plugins of Muster: values, protocols, errors and hooks."""

from muster_sdk.addresses import canonical_email, smtp_mailbox
from muster_sdk.channel import (
    AddressKind,
    Capabilities,
    Channel,
    Composer,
    Message,
    Recipient,
    Report,
    Shown,
    Template,
    Templates,
    Transport,
)
from muster_sdk.errors import AddressInvalid, ChannelError, ContentInvalid, TemplateInvalid, Unreachable
from muster_sdk.hookspecs import hookimpl, register_behaviors, register_channels, register_dimensions
from muster_sdk.outcomes import Accepted, Ambiguous, NotSent, Outcome, Rejected, TryAgain
from muster_sdk.segments import (
    Behavior,
    Choice,
    Dimension,
    EventAttribute,
    EventCount,
    LatestEvent,
    PropertyValue,
    ValueKind,
)

__all__ = [
    "Accepted",
    "AddressInvalid",
    "AddressKind",
    "Ambiguous",
    "Behavior",
    "Capabilities",
    "Channel",
    "ChannelError",
    "Choice",
    "Composer",
    "ContentInvalid",
    "Dimension",
    "EventAttribute",
    "EventCount",
    "LatestEvent",
    "Message",
    "NotSent",
    "Outcome",
    "PropertyValue",
    "Recipient",
    "Rejected",
    "Report",
    "Shown",
    "Template",
    "TemplateInvalid",
    "Templates",
    "Transport",
    "TryAgain",
    "Unreachable",
    "ValueKind",
    "canonical_email",
    "hookimpl",
    "register_behaviors",
    "register_channels",
    "register_dimensions",
    "smtp_mailbox",
]
