"""Example SMS: a channel for Muster."""

from muster_sdk import Channel, hookimpl

from example_sms.channel import ExampleSms

__all__ = ["ExampleSms", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """Return the channel of this package."""
    return [ExampleSms()]
