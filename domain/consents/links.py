"""Links by which a customer unsubscribes: a mail has one each, so they are signed rather than stored."""

from dataclasses import dataclass
from struct import Struct
from uuid import UUID

from domain.kit.signing import SealedTokens, SignedFields, SignedTokens

# Neither has it a channel's key, nor an address.
_SEPARATOR = "\0"


@dataclass(frozen=True, slots=True)
class UnsubscribeToken:
    """The customer and the channel that they unsubscribe from, and the campaign that moved them to it.

    `address`: where the message went, which unsubscribes whoever has it by then; links of earlier releases have none.
    """

    store_id: int
    customer_id: int
    campaign_id: UUID
    channel: str
    address: str | None = None


class UnsubscribeLinks:
    """Make and read unsubscribe links; `base` is where the server is reached.

    They are sealed, so that no address can be read in one. Links of earlier releases are signed alone, and stay valid.
    """

    PATH = "/unsubscribe"

    def __init__(self, base: str, secret_key: bytes) -> None:
        self._prefix = f"{base.rstrip('/')}{self.PATH}/"
        fields = Struct(">IQ16s")
        self._sealed = SealedTokens(secret_key, "muster unsubscribe link with address", fields)
        self._signed = SignedTokens(secret_key, "muster unsubscribe link", fields)

    def url(self, subject: UnsubscribeToken) -> str:
        fields = (subject.store_id, subject.customer_id, subject.campaign_id.bytes)
        text = _SEPARATOR.join((subject.channel, subject.address or ""))
        return self._prefix + self._sealed.write(*fields, text=text)

    def read(self, token: str) -> UnsubscribeToken | None:
        """Return what the token of a link names, None unless this server made it."""
        sealed = self._sealed.read(token)
        if sealed is not None:
            channel, _, address = sealed.text.partition(_SEPARATOR)
            return _named(sealed, channel, address or None)
        signed = self._signed.read(token)
        return None if signed is None or not signed.text else _named(signed, signed.text, None)


def _named(fields: SignedFields, channel: str, address: str | None) -> UnsubscribeToken:
    store_id, customer_id, campaign_id = fields.fields
    return UnsubscribeToken(store_id, customer_id, UUID(bytes=campaign_id), channel, address)
