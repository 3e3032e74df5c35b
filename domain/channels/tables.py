"""Rows of what channels of stores keep: their state, accounts being connected, work that is due, lists handed over."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Table, Text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant, Json


def _of_channel() -> tuple[Column[int], Column[str]]:
    return (
        Column("store_id", Integer, primary_key=True, autoincrement=False),
        Column("channel", String(64), primary_key=True),
    )


channel_states = Table(
    "channel_states",
    metadata,
    *_of_channel(),
    Column("key", String(200), primary_key=True),
    Column("value", Json, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)

# Somebody is at a provider's page, and comes back to the callback with what this row is found by.
channel_authorizations = Table(
    "channel_authorizations",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True),
    Column("channel", String(64), nullable=False),
    # Sealed as the channel's are.
    Column("settings", LargeBinary, nullable=False),
    Column("return_url", String(2000), nullable=False),
    Column("expires_at", Instant, nullable=False),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
    Index(None, "expires_at"),
)

channel_works = Table(
    "channel_works",
    metadata,
    *_of_channel(),
    Column("due_at", Instant, nullable=False),
    Column("worked_at", Instant),
    # Why it failed, until it does not.
    Column("problem", Text),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)

channel_syncs = Table(
    "channel_syncs",
    metadata,
    *_of_channel(),
    Column("status", String(16), nullable=False),
    # Members of lists that were gone through, and those of all lists.
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("problem", Text),
    Column("last_synced_at", Instant),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)

synced_lists = Table(
    "synced_lists",
    metadata,
    *_of_channel(),
    Column("list_id", Id, primary_key=True),
    Column("provider_id", String(200)),
    # The customer up to whom the list was handed over.
    Column("position", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("contacts", Integer, nullable=False),
    # None as long as it is being handed over for the first time.
    Column("synced_at", Instant),
    ForeignKeyConstraint(["store_id"], ["stores.id"]),
)
