"""Names of messages, by which receipts find them: keys are known with the intent, providers' IDs with the outcome."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, delete, func, literal, select, true

from domain.deliveries.model import Batch
from domain.deliveries.tables import deliveries, message_references
from domain.kit import ids
from domain.kit.db import Transaction
from domain.kit.db.portable import array_value, in_array, insert_into

PROVIDER_ID_LENGTH = 200
_KEY, _PROVIDER_ID = "k", "p"
_COLUMNS = ("store_id", "channel", "reference", "campaign_id", "customer_id")
_names = message_references.c


def key_reference(key: UUID) -> str:
    """Return the reference of a message by its key."""
    return _KEY + key.hex


def provider_reference(provider_id: str) -> str:
    """Return the reference of a message by its provider's ID, of which as much counts as is kept with the delivery."""
    return _PROVIDER_ID + provider_id[:PROVIDER_ID_LENGTH]


async def add_keys(tx: Transaction, batch: Batch, channel: str, customer_ids: Collection[int]) -> None:
    """Add the keys of messages that are about to be sent; one that is tried again has its own already."""
    by_key = {
        key_reference(ids.delivery_key(batch.store_id, batch.mailing_id, customer_id)): customer_id
        for customer_id in customer_ids
    }
    # In the order of the key: writers who meet wait for one another.
    rows = sorted(by_key.items())
    if not rows:
        return
    statement = insert_into(message_references, tx.dialect)
    if tx.dialect == "postgresql":
        columns = zip(("reference", "customer_id"), zip(*rows, strict=True), strict=True)
        arrays = [literal(list(values), ARRAY(_names[name].type)) for name, values in columns]
        new = func.unnest(*arrays).table_valued("reference", "customer_id", name="new").render_derived()
        selected = select(
            literal(batch.store_id, _names.store_id.type),
            literal(channel, _names.channel.type),
            new.c.reference,
            literal(batch.mailing_id, _names.campaign_id.type),
            new.c.customer_id,
        ).where(true())
        await tx.execute(statement.from_select(_COLUMNS, selected).on_conflict_do_nothing())
        return
    common = {"store_id": batch.store_id, "channel": channel, "campaign_id": batch.mailing_id}
    await tx.execute(
        statement.on_conflict_do_nothing(),
        [{**common, "reference": reference, "customer_id": customer_id} for reference, customer_id in rows],
    )


async def add_provider_ids(tx: Transaction, batch: Batch, channel: str, customer_ids: Collection[int]) -> None:
    """Add the provider's IDs that deliveries have, whose outcomes this transaction has recorded, but of the erased."""
    if not customer_ids:
        return
    named = (
        select(
            deliveries.c.store_id,
            literal(channel, _names.channel.type).label("channel"),
            (literal(_PROVIDER_ID) + deliveries.c.provider_message_id).label("reference"),
            deliveries.c.campaign_id,
            deliveries.c.customer_id,
        )
        .where(
            deliveries.c.store_id == batch.store_id,
            deliveries.c.campaign_id == batch.mailing_id,
            in_array(deliveries.c.customer_id, "ids", tx.dialect),
            deliveries.c.provider_message_id.is_not(None),
            deliveries.c.address != "",
        )
        .order_by("reference")
    )
    if tx.dialect == "postgresql":
        # Whoever erases a person deletes these behind their deliveries.
        named = named.with_for_update(of=deliveries)
    statement = insert_into(message_references, tx.dialect).from_select(_COLUMNS, named).on_conflict_do_nothing()
    await tx.execute(statement, {"ids": array_value(sorted(customer_ids), tx.dialect)})


async def delete_of(tx: Transaction, portion: Sequence[Batch]) -> int:
    """Delete the names of the messages of neighbouring batches, and return how many these are."""
    first, last = portion[0], portion[-1]
    deleted = await tx.execute(
        delete(message_references).where(
            _names.store_id == first.store_id,
            _names.campaign_id == first.mailing_id,
            _names.customer_id.between(first.first_customer_id, last.last_customer_id),
        )
    )
    return deleted.rowcount
