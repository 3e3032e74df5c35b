"""Settings of a channel, checked by its own model in the process that runs its code."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from muster_sdk import Channel
from pydantic import BaseModel, Secret, SecretBytes, SecretStr, ValidationError
from pydantic_core import to_jsonable_python

from domain.kit.errors import DomainError, DomainErrors, ErrorCode
from domain.sessions.session import ChannelBroken
from domain.stores.channels import ChannelUnavailable

_SECRETS = (Secret, SecretStr, SecretBytes)
_LISTS = (list, tuple, set, frozenset)


def check_settings(channel: Channel, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as they are stored: by alias, with their secrets, and as the channel will take them again.

    Raise DomainErrors, each with its path, for those that its model refuses; ChannelBroken when the model breaks.
    """
    try:
        model = channel.settings.model_validate(settings)
    except ValidationError as error:
        raise DomainErrors(_faults(error)) from None
    except Exception as error:
        raise _broken(channel, error) from error
    try:
        checked = _revealed(model)
        channel.settings.model_validate(checked)
    except Exception as error:
        raise _broken(channel, error) from error
    return checked


def model_of(channel: Channel, settings: Mapping[str, Any]) -> BaseModel:
    """Return stored settings as the channel's model. Raise ChannelUnavailable when that has outgrown them."""
    try:
        return channel.settings.model_validate(settings)
    except ValidationError:
        raise ChannelUnavailable(outgrown(channel.key, channel.version), field=("channel",)) from None
    except Exception as error:
        raise _broken(channel, error) from error


def outgrown(key: str, version: str) -> str:
    return f"The settings of {key!r} are not as its version {version} wants them: configure it anew"


def _broken(channel: Channel, error: Exception) -> ChannelBroken:
    # Without its text, which may hold a secret.
    return ChannelBroken(f"The channel {channel.key} failed to check settings: {type(error).__name__}")


def _faults(error: ValidationError) -> list[DomainError]:
    faults: list[DomainError] = []
    for fault in error.errors(include_url=False, include_input=False):
        code = ErrorCode.REQUIRED if fault["type"] == "missing" else ErrorCode.INVALID
        faults.append(DomainError(fault["msg"].removeprefix("Value error, "), field=tuple(fault["loc"]), code=code))
    return faults


def _revealed(model: BaseModel) -> dict[str, Any]:
    """Return the model's values by alias; JSON's own dump has stars in place of secrets, wherever they are."""
    plain = model.model_dump(by_alias=True)
    return {
        name: to_jsonable_python(_unveiled(plain[name])) if _has_secret(plain[name]) else value
        for name, value in model.model_dump(mode="json", by_alias=True).items()
    }


def _has_secret(value: object) -> bool:
    return isinstance(value, _SECRETS) or any(map(_has_secret, _parts(value)))


def _unveiled(value: object) -> object:
    if isinstance(value, _SECRETS):
        return cast("Secret[object]", value).get_secret_value()
    if isinstance(value, dict):
        return {key: _unveiled(inner) for key, inner in cast("dict[object, object]", value).items()}
    if isinstance(value, _LISTS):
        return list(map(_unveiled, cast("Iterable[object]", value)))
    return value


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[object, object]", value).values()
    return cast("Iterable[object]", value) if isinstance(value, _LISTS) else ()
