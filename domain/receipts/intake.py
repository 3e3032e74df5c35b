"""The intake: what a channel has read of a webhook, or of a poll, becomes rows in the caller's transaction."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from muster_sdk import InboundMessage, Receipt, ReceiptKind
from sqlalchemy import select

from domain.customers import values
from domain.deliveries import conversations
from domain.deliveries.mailing import MessageNames
from domain.deliveries.references import key_reference, provider_reference
from domain.kit.db import Transaction
from domain.kit.db.portable import database_now, insert_into
from domain.kit.errors import DomainError
from domain.receipts.tables import receipts as receipt_rows
from domain.sessions.session import ChannelBroken
from domain.stores.channel_description import ChannelDescription

AT_ONCE = 10_000
REASON_LENGTH = 500
_URL_LENGTH = 2_000
# Before it nobody had a receipt: a provider's clock that is wrong by more breaks no column.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Taken:
    """The numbers of receipts that were taken in, repeats among them, and of those that name no message."""

    receipts: int = 0
    nameless: int = 0


def check_size(channel: ChannelDescription, receipts: Sequence[Receipt], inbound: Sequence[InboundMessage]) -> None:
    """Raise ChannelBroken for more than a channel may give at once."""
    if max(len(receipts), len(inbound)) > AT_ONCE:
        raise ChannelBroken(f"The channel {channel.key} gave more than {AT_ONCE:,} receipts at once")


async def take(
    tx: Transaction,
    store_id: int,
    channel: ChannelDescription,
    receipts: Sequence[Receipt],
    inbound: Sequence[InboundMessage],
) -> Taken:
    """Store receipts, each event once, and when customers have written."""
    now: datetime = await tx.scalar(select(database_now(tx.dialect)))
    names = MessageNames.of(channel)
    rows: dict[bytes, dict[str, object]] = {}
    nameless = 0
    for receipt in receipts:
        reference = _reference(receipt, names)
        if reference is None:
            nameless += 1
            continue
        at = _moment(receipt.at, now)
        identity = _identity(receipt, reference, at)
        rows[identity] = {
            "identity": identity,
            "kind": receipt.kind.value,
            "at": at,
            "reference": reference,
            "reason": _text(receipt.reason, REASON_LENGTH),
            "url": _text(receipt.url, _URL_LENGTH),
        }
    await _add(tx, store_id, channel.key, rows.values(), now)
    await conversations.note(tx, store_id, channel.key, _latest(channel, inbound, now))
    return Taken(len(rows), nameless)


async def take_unsubscription(
    tx: Transaction, store_id: int, channel: str, campaign_id: UUID, customer_id: int, now: datetime
) -> None:
    """Store that a link of a message was followed that unsubscribes."""
    identity = sha256(f"link\0{campaign_id}\0{customer_id}".encode()).digest()
    row: dict[str, object] = {
        "identity": identity,
        "kind": ReceiptKind.UNSUBSCRIBED.value,
        "at": now,
        "campaign_id": campaign_id,
        "customer_id": customer_id,
    }
    received_at: datetime = await tx.scalar(select(database_now(tx.dialect)))
    await _add(tx, store_id, channel, [row], received_at)


async def _add(
    tx: Transaction, store_id: int, channel: str, rows: Iterable[dict[str, object]], received_at: datetime
) -> None:
    common = {"store_id": store_id, "channel": channel, "received_at": received_at, "next_at": received_at}
    # In the order of the key: those who store the same events wait for one another.
    complete = sorted(({**common, **row} for row in rows), key=lambda row: bytes(row["identity"]))  # type: ignore[call-overload]
    if complete:
        await tx.execute(insert_into(receipt_rows, tx.dialect).on_conflict_do_nothing(), complete)


def _reference(receipt: Receipt, names: MessageNames) -> str | None:
    if names.by_key and receipt.key is not None:
        return key_reference(receipt.key)
    if names.by_provider_id and receipt.provider_id:
        return provider_reference(_text(receipt.provider_id, None) or "")
    return None


def _identity(receipt: Receipt, reference: str, at: datetime) -> bytes:
    event = f"id\0{receipt.id}" if receipt.id else f"at\0{at.isoformat()}"
    return sha256(f"{receipt.kind.value}\0{reference}\0{event}".encode()).digest()


def _moment(at: datetime, now: datetime) -> datetime:
    """Return the moment in UTC, as which one without a zone is taken; none is still to come."""
    known = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    # Compared before it is converted: at the ends of the calendar, its UTC may be beyond them.
    return min(max(known, _EARLIEST), now).astimezone(UTC)


def _text(text: str | None, length: int | None) -> str | None:
    # PostgreSQL has no NUL.
    return None if text is None else text.replace("\0", "")[:length]


def _latest(channel: ChannelDescription, inbound: Sequence[InboundMessage], now: datetime) -> dict[str, datetime]:
    """Return when each address has written last; what is no address of the channel's kind is left out."""
    latest: dict[str, datetime] = {}
    for message in inbound:
        address: str | None = None
        with suppress(DomainError):
            address = values.address(message.address.replace("\0", ""), channel.address, None)
        if address is not None:
            at = _moment(message.at, now)
            latest[address] = max(at, latest.get(address, at))
    return latest
