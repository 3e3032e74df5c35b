"""The proof that receipts are of a message: a fold of their set, whatever their order and however often each came."""

from dataclasses import dataclass, replace
from datetime import datetime

from muster_sdk import ReceiptKind

from domain.deliveries.model import DeliveryStatus

# They are stored: a bit never gets another meaning.
BITS = {
    ReceiptKind.ACCEPTED: 1,
    ReceiptKind.DELIVERED: 2,
    ReceiptKind.OPENED: 4,
    ReceiptKind.CLICKED: 8,
    ReceiptKind.FAILED: 16,
    ReceiptKind.BOUNCED: 32,
    ReceiptKind.COMPLAINED: 64,
    ReceiptKind.UNSUBSCRIBED: 128,
}
OPENED = BITS[ReceiptKind.OPENED] | BITS[ReceiptKind.CLICKED]
FAILED = BITS[ReceiptKind.FAILED] | BITS[ReceiptKind.BOUNCED]
# Nobody does these with a message that has not arrived.
READ = OPENED | BITS[ReceiptKind.COMPLAINED] | BITS[ReceiptKind.UNSUBSCRIBED]
_REASONS = {ReceiptKind.FAILED: "The provider could not deliver it", ReceiptKind.BOUNCED: "The address does not exist"}


@dataclass(frozen=True, slots=True)
class Proof:
    """The kinds of a message's receipts, as bits, and the latest moments by the provider's clock.

    `reason` is that of the latest failure.
    """

    kinds: int = 0
    delivered_at: datetime | None = None
    failed_at: datetime | None = None
    reason: str | None = None

    def with_receipt(self, kind: ReceiptKind, at: datetime, reason: str | None = None) -> "Proof":
        """Return the proof with one more receipt; one that it has changes nothing."""
        proof = replace(self, kinds=self.kinds | BITS[kind])
        if kind is ReceiptKind.DELIVERED:
            return replace(proof, delivered_at=max(at, self.delivered_at or at))
        if kind in _REASONS:
            # Of several at one moment, any; the same one in whatever order they come.
            told = (at, reason or _REASONS[kind])
            latest = told if self.failed_at is None else max(told, (self.failed_at, self.reason or ""))
            return replace(proof, failed_at=latest[0], reason=latest[1])
        return proof

    def has(self, kind: ReceiptKind) -> bool:
        return bool(self.kinds & BITS[kind])

    @property
    def status(self) -> DeliveryStatus | None:
        """Return what the message has become; None while there is no receipt.

        Who has read it has got it, whatever else is told. Otherwise the later word counts: a mailbox may refuse what
        its server has taken, and a provider may try again after a failure. At one moment it is the delivery.
        """
        if not self.kinds:
            return None
        if self.kinds & READ:
            return DeliveryStatus.DELIVERED
        if self.failed_at is not None and (self.delivered_at is None or self.failed_at > self.delivered_at):
            return DeliveryStatus.FAILED
        return DeliveryStatus.SENT if self.delivered_at is None else DeliveryStatus.DELIVERED
