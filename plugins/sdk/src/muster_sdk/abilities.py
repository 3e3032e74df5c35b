"""The methods that go with each of a channel's capabilities."""

from muster_sdk.channel import Capabilities, Channel, MessageReference

__all__ = ["unfulfilled"]

_METHODS = {
    "webhooks": ("read_webhook",),
    "polling": ("poll_receipts",),
    "connection_check": ("check",),
    "account_limits": ("account_limits",),
    "oauth": ("authorization_url", "authorize"),
    "audience_sync": ("open_audience", "add_members", "close_audience"),
    "periodic": ("work",),
}
_EVENTS = ("delivery_receipts", "open_tracking", "click_tracking")


def unfulfilled(channel: Channel) -> list[str]:
    """Return what the channel's capabilities declare and the channel does not fulfil, a sentence each; none is good.

    That of a composer (`content_review`, `estimates`) shows when there is one: see `muster_sdk.testing`.

        unfulfilled(channel)  # ["webhooks: it has no method read_webhook"]
    """
    capabilities = channel.capabilities
    faults = [
        f"{name}: it has no method {method}"
        for name, methods in _METHODS.items()
        if getattr(capabilities, name)
        for method in methods
        if not callable(getattr(channel, method, None))
    ]
    faults += [
        f"{name}: it is called only if the capability is declared"
        for name, methods in _METHODS.items()
        if not getattr(capabilities, name) and any(callable(getattr(channel, method, None)) for method in methods)
    ]
    return faults + _receipt_faults(capabilities)


def _receipt_faults(capabilities: Capabilities) -> list[str]:
    faults: list[str] = []
    declared = [name for name in _EVENTS if getattr(capabilities, name)]
    has_way = capabilities.webhooks or capabilities.polling is not None
    if declared and not has_way:
        faults.append(f"{declared[0]}: receipts come neither by webhooks nor by polling")
    if declared and capabilities.reference is MessageReference.NONE:
        faults.append(f"{declared[0]}: receipts name no message: reference is NONE")
    if capabilities.max_batch < 1:
        faults.append("max_batch: it is 1 at least")
    faults += [
        f"{name}: it is a minute at least"
        for name in ("polling", "periodic")
        if (interval := getattr(capabilities, name)) is not None and interval.total_seconds() < 60
    ]
    return faults
