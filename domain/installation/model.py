"""Keys that last as long as the installation: what they sign and hash is meant for years."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from domain.kit.errors import DomainError, ErrorCode

SECRET_BYTES = 32


class WrongSecretKey(DomainError):
    """The database is of another secret key."""

    code = ErrorCode.INVALID_STATE

    def __init__(self) -> None:
        super().__init__(
            "MUSTER_SECRET_KEY is not the key that this database was sealed with. Set that one again, or restore the "
            "file muster.key; if it is lost, `muster key replace-lost` says what is lost with it"
        )


@dataclass(frozen=True, slots=True)
class LastingKeys:
    """A random secret, and the key that signs links: in installations from before, their secret key of that time."""

    secret: bytes
    signing: bytes

    def derive(self, purpose: str) -> bytes:
        """Return a key of 32 bytes, the same for ever and in every process; each purpose has another."""
        return hmac.digest(self.secret, purpose.encode(), sha256)

    def pack(self) -> bytes:
        return self.secret + self.signing

    @classmethod
    def unpack(cls, plain: bytes) -> "LastingKeys":
        return cls(plain[:SECRET_BYTES], plain[SECRET_BYTES:])
