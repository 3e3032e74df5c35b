"""Links by which a customer says no: what they name is signed, and nothing can be learnt from them."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from uuid import UUID

_FIXED = Struct(">IQ16s")
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class UnsubscribeToken:
    """Who unsubscribes from what, and which campaign moved them to it."""

    store_id: int
    customer_id: int
    campaign_id: UUID
    channel: str


class UnsubscribeLinks:
    """Makes and reads unsubscribe links; `base` is where the server is reached, without a closing slash."""

    def __init__(self, base: str, secret_key: bytes) -> None:
        self._base = f"{base.rstrip('/')}/unsubscribe/"
        self._key = hmac.digest(secret_key, b"muster unsubscribe link", sha256)

    def url(self, subject: UnsubscribeToken) -> str:
        fixed = _FIXED.pack(subject.store_id, subject.customer_id, subject.campaign_id.bytes)
        payload = fixed + subject.channel.encode()
        return self._base + urlsafe_b64encode(self._mac(payload) + payload).rstrip(b"=").decode()

    def read(self, token: str) -> UnsubscribeToken | None:
        """What a link's token says; None unless this server signed it."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (BadBase64, ValueError):
            return None
        if urlsafe_b64encode(raw).rstrip(b"=") != token.encode():
            return None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if len(payload) <= _FIXED.size or not hmac.compare_digest(mac, self._mac(payload)):
            return None
        store_id, customer_id, campaign = _FIXED.unpack_from(payload)
        return UnsubscribeToken(store_id, customer_id, UUID(bytes=campaign), payload[_FIXED.size :].decode())

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, sha256)[:_MAC_BYTES]
