"""Lists that are kept at a provider too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from muster_sdk.host import Host

__all__ = ["AudienceKeeper", "AudienceMember", "KeptAudience"]


@dataclass(frozen=True, slots=True)
class KeptAudience:
    """A list of a store. It never changes: what a segment holds later is another list.

    - `key`: its identity; `name`: for people; `size`: how many members are handed over.

        KeptAudience(key, "Regulars-2", 12_000)
    """

    key: UUID
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class AudienceMember:
    """A member who may be written to on the channel.

    - `address`: as `Recipient.address`; `variables`: the customer's, as in templates.

        AudienceMember("ann@example.com", {"customer": {"name": "Ann"}})
    """

    address: str
    variables: Mapping[str, object]


class AudienceKeeper(Protocol):
    """A channel with `Capabilities.audience_sync`. Each method may be called again with the same values.

    Example:

        async def open_audience(self, audience, settings, host):
            url = f"{settings.api_base_url}/lists/{audience.key}"
            return (await host.http.request("PUT", url, json={"name": audience.name})).json()["id"]
    """

    async def open_audience(self, audience: KeptAudience, settings: Any, host: Host) -> str:
        """Return the provider's ID of the audience, 200 characters at most, which is made where it is not there yet."""
        ...

    async def add_members(self, provider_id: str, members: Sequence[AudienceMember], settings: Any, host: Host) -> None:
        """Add members, of whom some may be there already; as many as `Capabilities.max_batch` at most.

        Raise Unreachable when that failed: the host tries the same members again later.
        """
        ...

    async def close_audience(self, provider_id: str, settings: Any, host: Host) -> None:
        """Do what is to be done when all members are there."""
        ...
