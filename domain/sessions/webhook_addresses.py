"""Addresses of webhooks: they name the store and are signed, so that nobody can guess another's."""

from struct import Struct

from domain.kit.signing import SignedTokens


class WebhookAddresses:
    """Make and read the addresses that stores give to providers; `base` is where the server is reached."""

    PATH = "/webhooks"

    def __init__(self, base: str, secret_key: bytes) -> None:
        self._prefix = f"{base.rstrip('/')}{self.PATH}/"
        self._tokens = SignedTokens(secret_key, "muster webhook address", Struct(">I"))

    def url(self, store_id: int, channel: str) -> str:
        return f"{self._prefix}{channel}/{self._tokens.write(store_id, text=channel)}"

    def read(self, channel: str, token: str) -> int | None:
        """Return the store whose address of the channel this is, None unless this server made it."""
        signed = self._tokens.read(token)
        if signed is None or signed.text != channel:
            return None
        store_id: int = signed.fields[0]
        return store_id
