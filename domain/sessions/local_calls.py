"""Calls of a channel's code in this very process: one of its own should run it so."""

from typing import TypeVar

from muster_sdk import Channel, ContentInvalid, HttpClient, Unreachable, WebhookRefused
from pydantic import BaseModel, ValidationError

from domain.sessions.calls import CallContext, CallResult, ChannelCall
from domain.sessions.host import CallHost, CallState
from domain.sessions.session import ChannelBroken

T = TypeVar("T")


async def call_locally(channel: Channel, call: ChannelCall[T], context: CallContext, http: HttpClient) -> CallResult[T]:
    """Call the channel's method, as `Sessions.call` says, but for one that hangs."""
    host = CallHost(http, CallState(context.state), context.webhook_url)
    arguments = call.before
    if not call.alone:
        settings = context.settings if call.open_settings else _model(channel, context)
        arguments = *call.before, settings, *call.after, *(() if call.bare else (host,))
    try:
        answer = getattr(channel, call.method)(*arguments)
        value = answer if call.bare else await answer
    except (Unreachable, ContentInvalid, WebhookRefused):
        raise
    except Exception as error:
        # Without its text, which may hold a secret.
        raise ChannelBroken(f"The channel {channel.key} failed in {call.method}: {type(error).__name__}") from error
    try:
        checked = call.check(value)
    except (ValueError, TypeError) as error:
        kind = type(value).__name__
        raise ChannelBroken(f"The channel {channel.key} answered {call.method} with a {kind} that is wrong") from error
    return CallResult(checked, host.state.changes)


def _model(channel: Channel, context: CallContext) -> BaseModel:
    try:
        return channel.settings.model_validate(context.settings)
    except ValidationError:
        # Its version has outgrown them.
        reason = f"The channel {channel.key} does not take its stored settings any more: configure it anew"
        raise ChannelBroken(reason) from None
    except Exception as error:
        raise ChannelBroken(f"The channel {channel.key} failed to check settings: {type(error).__name__}") from error
