"""A channel's settings: checked by the channel's own schema, sealed at rest, secrets never shown."""

import os
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from muster_sdk import Channel
from pydantic import BaseModel, SecretStr, ValidationError

from domain.kit.errors import DomainError, DomainErrors, ErrorCode

_NONCE_BYTES = 12
_VERSION = b"\x01"


class Unusable(Exception):
    """Settings that are kept cannot be used; the message says what to do."""


class WrongKey(Unusable):
    """The settings were sealed with another key, or for another store or channel."""


def validate(channel: Channel, settings: Mapping[str, object], stored: BaseModel | None = None) -> BaseModel:
    """The settings, or every fault of them with its path. A secret that is left out stays as it was."""
    kept = {} if stored is None else _secrets(stored)
    try:
        return channel.settings.model_validate({**kept, **settings})
    except ValidationError as error:
        raise DomainErrors([_fault(fault) for fault in error.errors(include_url=False, include_input=False)]) from None


def redacted(model: BaseModel) -> dict[str, Any]:
    """The settings as they may be shown: secrets are left out."""
    hidden = set(_secrets(model))
    return {key: value for key, value in model.model_dump(mode="json", by_alias=True).items() if key not in hidden}


def seal(model: BaseModel, key: bytes, store_id: int, channel: str) -> bytes:
    """Encrypted with AES-256-GCM; bound to the store and the channel, elsewhere it does not open."""
    plain = orjson.dumps({**redacted(model), **_secrets(model)})
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(_derived(key)).encrypt(nonce, plain, _bound(store_id, channel))


def unseal(channel: Channel, sealed: bytes, key: bytes, store_id: int) -> BaseModel:
    plain = _opened(sealed, key, _bound(store_id, channel.key))
    if plain is None:
        raise WrongKey(
            f"the settings of {channel.key!r} do not open: MUSTER_SECRET_KEY is not the key they were sealed with. "
            "Set that one again, or configure the channel anew"
        )
    try:
        return channel.settings.model_validate(orjson.loads(plain))
    except ValidationError:
        raise Unusable(
            f"the settings of {channel.key!r} are not as its version {channel.version} wants them: configure it anew"
        ) from None


def _opened(sealed: bytes, key: bytes, bound: bytes) -> bytes | None:
    version, nonce, text = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if version != _VERSION or len(nonce) != _NONCE_BYTES:
        return None
    try:
        return AESGCM(_derived(key)).decrypt(nonce, text, bound)
    except InvalidTag:
        return None


def _secrets(model: BaseModel) -> dict[str, str]:
    """What the settings hide, by the names that clients use."""
    fields = type(model).model_fields
    held = ((field.alias or name, getattr(model, name)) for name, field in fields.items())
    return {name: value.get_secret_value() for name, value in held if isinstance(value, SecretStr)}


def _fault(fault: Mapping[str, Any]) -> DomainError:
    code = ErrorCode.REQUIRED if fault["type"] == "missing" else ErrorCode.INVALID
    message = str(fault["msg"]).removeprefix("Value error, ")
    return DomainError(message, field=tuple(fault["loc"]), code=code)


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"muster channel settings").derive(key)


def _bound(store_id: int, channel: str) -> bytes:
    return f"{store_id}:{channel}".encode()
