"""A store's channels, as whatever sends through them finds them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from muster_sdk import Channel, Composer, Templates
from pydantic import BaseModel

from domain.consents.links import UnsubscribeLinks
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, ErrorCode


@dataclass(frozen=True, slots=True)
class ConfiguredChannel:
    """A channel as a store has it; without settings it is a sandbox, which sends nothing."""

    channel: Channel
    settings: BaseModel | None


class ChannelUnavailable(DomainError):
    """The channel is installed, and cannot be used as it is; the message says what to do."""

    code = ErrorCode.CHANNEL_UNAVAILABLE


# The store's channel by its key; None when it is unknown or not installed. Raises ChannelUnavailable.
FindChannel = Callable[[Transaction, int, str], Awaitable[ConfiguredChannel | None]]


@dataclass(frozen=True, slots=True)
class Office:
    """A worker's equipment."""

    database: Database
    clock: Clock
    templates: Templates
    links: UnsubscribeLinks
    find_channel: FindChannel


def prepare(configured: ConfiguredChannel, content: Mapping[str, object], templates: Templates) -> Composer:
    """A campaign's content, ready to be made into messages."""
    channel = configured.channel
    return channel.prepare(channel.content.model_validate(content), configured.settings, templates)
