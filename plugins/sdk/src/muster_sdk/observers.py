"""Observers of deliveries and receipts, and filters for templates: hooks of plugins that need no channel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

__all__ = ["DeliveryNotice", "Observer", "TemplateFilter"]


@dataclass(frozen=True, slots=True)
class DeliveryNotice:
    """An event of a message.

    - `store_id`, `campaign_id`, `customer_id`: whose message it is; `channel`: the channel's key.
    - `event`: "sent", "failed", "unknown", "skipped", or a `ReceiptKind` in lower case: "delivered", "opened", ...
    - `at`: when, with a time zone; `reason`: why it failed or was skipped.

        DeliveryNotice(1, campaign_id, 42, "email", "sent", at)
    """

    store_id: int
    campaign_id: UUID
    customer_id: int
    channel: str
    event: str
    at: datetime
    reason: str | None = None


class Observer(Protocol):
    """A listener that is told of deliveries and receipts, after they are stored.

    - `key`: its permanent name, of lower-case letters, digits and hyphens.

        class Ledger:
            key = "ledger"

            async def observe(self, notices):
                await self._post([notice for notice in notices if notice.event == "sent"])
    """

    @property
    def key(self) -> str: ...

    async def observe(self, notices: Sequence[DeliveryNotice]) -> None:
        """Take note, within 30 seconds, of at most 1,000 notices, of one store.

        At least once: notices come again when this raises or does not return, five times at most.
        """
        ...


@dataclass(frozen=True, slots=True)
class TemplateFilter:
    """A function for templates: `{{ customer.name | initials }}`.

    - `name`: of lower-case letters, digits and underscores; not one of the engine's own.
    - `apply`: takes the value and the filter's arguments, in the types of JSON, and returns text, a number or a
      boolean. It is called for each message: no network, no waiting. What it raises makes the template invalid.
    - `description`: a sentence for the store's staff.

        TemplateFilter("initials", lambda name: "".join(word[0] for word in name.split()), "The first letters")
    """

    name: str
    apply: Callable[..., Any]
    description: str = ""
