"""What a Muster channel is written against: the values, the protocols, the errors and the hook."""

from muster_sdk.channel import (
    Accepted,
    AddressKind,
    Ambiguous,
    Capabilities,
    Channel,
    Composer,
    Message,
    NotSent,
    Outcome,
    Recipient,
    Rejected,
    Shown,
    Template,
    Templates,
    Transport,
    TryAgain,
)
from muster_sdk.errors import ChannelError, ContentInvalid, TemplateInvalid, Unreachable
from muster_sdk.hookspecs import hookimpl, register_channels

__all__ = [
    "Accepted",
    "AddressKind",
    "Ambiguous",
    "Capabilities",
    "Channel",
    "ChannelError",
    "Composer",
    "ContentInvalid",
    "Message",
    "NotSent",
    "Outcome",
    "Recipient",
    "Rejected",
    "Shown",
    "Template",
    "TemplateInvalid",
    "Templates",
    "Transport",
    "TryAgain",
    "Unreachable",
    "hookimpl",
    "register_channels",
]
