"""A channel's settings: sealed at rest, their secrets never shown."""

from collections.abc import Mapping
from typing import Any, cast

import orjson

from domain.kit import secret_keys
from domain.kit.secret_keys import SecretKey, SecretKeys
from domain.stores.channel_description import ChannelDescription
from domain.stores.channels import SETTINGS_PURPOSE, place_of_settings

Settings = Mapping[str, Any]


class WrongKey(Exception):
    """The settings were sealed with another key, or for another store or channel; the message says what to do."""


def with_secrets(channel: ChannelDescription, settings: Settings, stored: Settings | None) -> dict[str, Any]:
    """Return the settings with the stored secrets that they leave out."""
    kept = {key: value for key, value in (stored or {}).items() if key in channel.secrets and value is not None}
    return {**kept, **settings}


def seal(settings: Settings, key: SecretKey, store_id: int, channel: str) -> bytes:
    """Return the settings encrypted, bound to the store and channel: they open nowhere else."""
    return secret_keys.seal(key, orjson.dumps(settings), SETTINGS_PURPOSE, place_of_settings(store_id, channel))


def unseal(channel: str, sealed: bytes, keys: SecretKeys, store_id: int) -> Settings:
    """Return the settings. Raise WrongKey."""
    plain = keys.open(sealed, SETTINGS_PURPOSE, place_of_settings(store_id, channel))
    if plain is None:
        raise WrongKey(
            f"The settings of {channel!r} do not open: MUSTER_SECRET_KEY is not the key they were sealed with. "
            "Set that one again, or configure the channel anew"
        )
    return cast("Settings", orjson.loads(plain))
