"""A store's channels, as whatever sends through them finds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from muster_sdk import Channel, Composer, Templates
from pydantic import BaseModel, SecretStr

from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode

# What the settings of channels are sealed for: it never changes.
SETTINGS_PURPOSE = b"muster channel settings"


class ChannelUnavailable(DomainError):
    """The channel cannot be used as it is; the message says what to do."""

    code = ErrorCode.CHANNEL_UNAVAILABLE


def redacted(model: BaseModel) -> dict[str, Any]:
    """Return the settings as they may be shown: without secrets."""
    hidden = set(secrets_of(model))
    return {key: value for key, value in model.model_dump(mode="json", by_alias=True).items() if key not in hidden}


def revealed(model: BaseModel) -> dict[str, Any]:
    """Return the settings with their secrets, as the channel's schema takes them."""
    return {**redacted(model), **secrets_of(model)}


def secrets_of(model: BaseModel) -> dict[str, str]:
    """Return the secrets of the settings, by the names that clients use."""
    fields = type(model).model_fields
    values = ((field.alias or name, getattr(model, name)) for name, field in fields.items())
    return {name: value.get_secret_value() for name, value in values if isinstance(value, SecretStr)}


@dataclass(frozen=True, slots=True)
class ConfiguredChannel:
    """A channel as a store has it; without settings it is a sandbox, which sends nothing."""

    channel: Channel
    settings: BaseModel | None

    @property
    def revealed_settings(self) -> Mapping[str, Any] | None:
        """Return the settings by alias, with their secrets, as the channel's process takes them."""
        return None if self.settings is None else revealed(self.settings)

    def prepare(self, content: Mapping[str, object], templates: Templates) -> Composer:
        """Return the content, ready to be made into messages.

        Raise ValidationError when it does not fit the channel's schema, ContentInvalid or TemplateInvalid when its
        templates cannot be used.
        """
        return self.channel.prepare(self.channel.content.model_validate(content), self.settings, templates)


def place_of_settings(store_id: int, channel: str) -> bytes:
    """Return what sealed settings are bound to: they open for no other store or channel."""
    return f"{store_id}:{channel}".encode()


class Channels(Protocol):
    """The channels of all stores."""

    async def find(self, tx: Transaction, store_id: int, key: str) -> ConfiguredChannel | None:
        """Return the store's channel, or None when it is unknown or not installed. Raise ChannelUnavailable."""
        ...
