"""Every statement on settings of channels as they are sealed: a rotation of the secret key seals them anew."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, LargeBinary, func, select, tuple_, update

from domain.kit.db import Transaction
from domain.stores.tables import channel_installations


@dataclass(frozen=True, slots=True)
class SealedSettings:
    """Settings of a store's channel, as they are sealed."""

    store_id: int
    channel: str
    settings: bytes


async def page(
    tx: Transaction, limit: int, *, unlike: bytes | None = None, after: SealedSettings | None = None
) -> list[SealedSettings]:
    """Return up to `limit` sealed settings of all stores; with `unlike`, those that do not begin with these bytes."""
    key = channel_installations.c.store_id, channel_installations.c.channel
    columns = *key, channel_installations.c.settings
    statement = select(*columns).where(channel_installations.c.settings.is_not(None))
    if unlike is not None:
        statement = statement.where(_begins_otherwise(unlike))
    if after is not None:
        statement = statement.where(tuple_(*key) > (after.store_id, after.channel))
    statement = statement.order_by(*key).limit(limit)
    return [SealedSettings(row.store_id, row.channel, row.settings) for row in await tx.execute(statement)]


async def count(tx: Transaction, *, unlike: bytes) -> int:
    """Return the number of all stores' sealed settings that do not begin with these bytes."""
    is_sealed = channel_installations.c.settings.is_not(None)
    counted = select(func.count()).select_from(channel_installations).where(is_sealed, _begins_otherwise(unlike))
    number: int = await tx.scalar(counted)
    return number


async def replace(tx: Transaction, before: SealedSettings, settings: bytes) -> None:
    """Store settings that are sealed anew, unless somebody has changed them meanwhile."""
    await tx.execute(
        update(channel_installations)
        .where(
            channel_installations.c.store_id == before.store_id,
            channel_installations.c.channel == before.channel,
            channel_installations.c.settings == before.settings,
        )
        .values(settings=settings)
    )


def _begins_otherwise(prefix: bytes) -> ColumnElement[bool]:
    beginning = func.substr(channel_installations.c.settings, 1, len(prefix), type_=LargeBinary())
    return beginning != prefix
