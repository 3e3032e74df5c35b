"""A store's channels, as whatever sends through them finds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from muster_sdk import AddressKind, Capabilities

from domain.kit.db import Database, Transaction
from domain.kit.errors import DomainError, ErrorCode
from domain.stores.channel_description import ChannelDescription

# What the settings of channels are sealed for: it never changes.
SETTINGS_PURPOSE = b"muster channel settings"


class ChannelUnavailable(DomainError):
    """The channel cannot be used as it is; the message says what to do."""

    code = ErrorCode.CHANNEL_UNAVAILABLE


def redacted(channel: ChannelDescription, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as they may be shown: without secrets, nor what the channel has no setting for any more."""
    known = channel.settings_schema.get("properties", {}).keys() - channel.secrets
    return {key: value for key, value in settings.items() if key in known}


@dataclass(frozen=True, slots=True)
class ConfiguredChannel:
    """A channel as a store has it; without settings it is a sandbox, which sends nothing.

    Settings are by alias, with their secrets, as the channel took them when they were stored. `webhook_url`: where its
    provider may tell what becomes of messages.
    """

    channel: ChannelDescription
    settings: Mapping[str, Any] | None = field(repr=False)
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedSettings:
    """Settings as they were given, and as their channel took them with the secrets of what was sealed then."""

    given: Mapping[str, Any]
    checked: Mapping[str, Any] = field(repr=False)
    sealed: bytes | None


def place_of_settings(store_id: int, channel: str) -> bytes:
    """Return what sealed settings are bound to: they open for no other store or channel."""
    return f"{store_id}:{channel}".encode()


class Channels(Protocol):
    """The channels of all stores."""

    @property
    def addresses(self) -> Mapping[str, AddressKind]:
        """Return the kind of address that each channel takes, by its key."""
        ...

    @property
    def capabilities(self) -> Mapping[str, Capabilities]:
        """Return what each channel of the server can do, by its key."""
        ...

    async def check(
        self, database: Database, store_id: int, key: str, settings: Mapping[str, object]
    ) -> CheckedSettings | None:
        """Return the settings as `configure` takes them, None for an unknown channel.

        The channel's code checks them, which may take long: no transaction is open meanwhile. Raise DomainErrors.
        """
        ...

    async def configure(
        self,
        tx: Transaction,
        store_id: int,
        key: str,
        settings: CheckedSettings | Mapping[str, object] | None,
        now: datetime,
    ) -> object:
        """Install the store's channel, and store its settings, which are sealed.

        They are checked here unless `check` has done it, and nothing was stored since. Raise DomainError, with paths
        below `settings` for those that the channel refuses.
        """
        ...

    async def find(self, tx: Transaction, store_id: int, key: str) -> ConfiguredChannel | None:
        """Return the store's channel, or None when it is unknown or not installed. Raise ChannelUnavailable."""
        ...
