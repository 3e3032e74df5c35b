"""A channel's settings: checked by the channel's own schema, sealed at rest, secrets never shown."""

from collections.abc import Mapping

import orjson
from muster_sdk import Channel
from pydantic import BaseModel, ValidationError

from domain.kit import secret_keys
from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.kit.secret_keys import SecretKey, SecretKeys
from domain.stores.channels import SETTINGS_PURPOSE, place_of_settings, revealed, secrets_of


class Unusable(Exception):
    """Stored settings cannot be used; the message says what to do."""


class WrongKey(Unusable):
    """The settings were sealed with another key, or for another store or channel."""


def validate(channel: Channel, settings: Mapping[str, object], stored: BaseModel | None = None) -> BaseModel:
    """Return the settings; a secret that is left out stays as it was. Raise DomainErrors, each with its path."""
    secrets = {} if stored is None else secrets_of(stored)
    try:
        return channel.settings.model_validate({**secrets, **settings})
    except ValidationError as error:
        errors: list[DomainError] = []
        for fault in error.errors(include_url=False, include_input=False):
            code = ErrorCode.REQUIRED if fault["type"] == "missing" else ErrorCode.INVALID
            message = fault["msg"].removeprefix("Value error, ")
            errors.append(DomainError(message, field=tuple(fault["loc"]), code=code))
        raise DomainErrors(errors) from None


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
