"""A channel's settings: checked by the channel's own schema, sealed at rest, secrets never shown."""

from collections.abc import Mapping
from typing import Any

import orjson
from muster_sdk import Channel
from pydantic import BaseModel, SecretStr, ValidationError

from domain.kit import secret_keys
from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.kit.secret_keys import SecretKey, SecretKeys
from domain.stores.channels import SETTINGS_PURPOSE, place_of_settings


class Unusable(Exception):
    """Stored settings cannot be used; the message says what to do."""


class WrongKey(Unusable):
    """The settings were sealed with another key, or for another store or channel."""


def validate(channel: Channel, settings: Mapping[str, object], stored: BaseModel | None = None) -> BaseModel:
    """Return the settings; a secret that is left out stays as it was. Raise DomainErrors, each with its path."""
    secrets = {} if stored is None else _secrets(stored)
    try:
        return channel.settings.model_validate({**secrets, **settings})
    except ValidationError as error:
        errors: list[DomainError] = []
        for fault in error.errors(include_url=False, include_input=False):
            code = ErrorCode.REQUIRED if fault["type"] == "missing" else ErrorCode.INVALID
            message = fault["msg"].removeprefix("Value error, ")
            errors.append(DomainError(message, field=tuple(fault["loc"]), code=code))
        raise DomainErrors(errors) from None


def redacted(model: BaseModel) -> dict[str, Any]:
    """Return the settings as they may be shown: without secrets."""
    hidden = set(_secrets(model))
    return {key: value for key, value in model.model_dump(mode="json", by_alias=True).items() if key not in hidden}


def revealed(model: BaseModel) -> dict[str, Any]:
    """Return the settings with their secrets, as the channel's schema takes them."""
    return {**redacted(model), **_secrets(model)}


def seal(model: BaseModel, key: SecretKey, store_id: int, channel: str) -> bytes:
    """Return the settings encrypted, bound to the store and channel: they open nowhere else."""
    return secret_keys.seal(key, orjson.dumps(revealed(model)), SETTINGS_PURPOSE, place_of_settings(store_id, channel))


def unseal(channel: Channel, sealed: bytes, keys: SecretKeys, store_id: int) -> BaseModel:
    """Return the settings. Raise WrongKey, or Unusable when the channel's schema has outgrown them."""
    plain = keys.open(sealed, SETTINGS_PURPOSE, place_of_settings(store_id, channel.key))
    if plain is None:
        raise WrongKey(
            f"The settings of {channel.key!r} do not open: MUSTER_SECRET_KEY is not the key they were sealed with. "
            "Set that one again, or configure the channel anew"
        )
    try:
        return channel.settings.model_validate(orjson.loads(plain))
    except ValidationError:
        raise Unusable(
            f"The settings of {channel.key!r} are not as its version {channel.version} wants them: configure it anew"
        ) from None


def _secrets(model: BaseModel) -> dict[str, str]:
    """Return the secrets of the settings, by the names that clients use."""
    fields = type(model).model_fields
    values = ((field.alias or name, getattr(model, name)) for name, field in fields.items())
    return {name: value.get_secret_value() for name, value in values if isinstance(value, SecretStr)}
