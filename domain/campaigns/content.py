"""A campaign's content, as its channel judges it: the channel's code may take long, and is asked outside of writing."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.kit.errors import DomainError, ErrorCode
from domain.kit.json_bounds import JsonBounds
from domain.services import Services
from domain.sessions.session import ChannelBroken
from domain.stores.channels import ConfiguredChannel

# Of content as a client sends it, templates with pictures in them too; what it means is up to the channel.
CONTENT_BOUNDS = JsonBounds(size=2_000_000, levels=20, entries=10_000, key=200, text=1_000_000)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a channel on content, and what is wrong with it."""

    channel: str
    content: Mapping[str, object]
    error: DomainError | None


async def check_content(services: Services, configured: ConfiguredChannel, content: Mapping[str, object]) -> None:
    """Raise DomainError for each fault that the channel's schema or its templates find, with its path."""
    try:
        async with services.sessions.open(configured, content):
            pass
    except DomainError as error:
        raise error.under("content") from None
    except ChannelBroken as error:
        raise DomainError(str(error), field=("content",), code=ErrorCode.CHANNEL_UNAVAILABLE) from None


async def judge(services: Services, configured: ConfiguredChannel, content: Mapping[str, object]) -> Verdict:
    """Return what the channel says of the content."""
    error: DomainError | None = None
    try:
        await check_content(services, configured, content)
    except DomainError as fault:
        error = fault
    return Verdict(configured.channel.key, content, error)
