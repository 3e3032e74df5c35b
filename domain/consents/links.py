"""Links by which a customer unsubscribes: a mail has one each, so they are signed rather than stored."""

from dataclasses import dataclass
from struct import Struct
from uuid import UUID

from domain.kit.signing import SignedTokens


@dataclass(frozen=True, slots=True)
class UnsubscribeToken:
    """The customer and the channel that they unsubscribe from, and the campaign that moved them to it."""

    store_id: int
    customer_id: int
    campaign_id: UUID
    channel: str


class UnsubscribeLinks:
    """Make and read unsubscribe links; `base` is where the server is reached."""

    PATH = "/unsubscribe"

    def __init__(self, base: str, secret_key: bytes) -> None:
        self._prefix = f"{base.rstrip('/')}{self.PATH}/"
        self._tokens = SignedTokens(secret_key, "muster unsubscribe link", Struct(">IQ16s"))

    def url(self, subject: UnsubscribeToken) -> str:
        fields = (subject.store_id, subject.customer_id, subject.campaign_id.bytes)
        return self._prefix + self._tokens.write(*fields, text=subject.channel)

    def read(self, token: str) -> UnsubscribeToken | None:
        """Return what the token of a link names, None unless this server signed it."""
        signed = self._tokens.read(token)
        if signed is None or not signed.text:
            return None
        store_id, customer_id, campaign_id = signed.fields
        return UnsubscribeToken(store_id, customer_id, UUID(bytes=campaign_id), signed.text)
