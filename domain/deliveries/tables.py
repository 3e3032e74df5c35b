"""Rows of deliveries; a batch is a range of them that one worker holds at a time."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, SmallInteger, String, Table, Text

from domain.kit.db.schema import metadata
from domain.kit.db.types import Id, Instant, Json

deliveries = Table(
    "deliveries",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", Id, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("address", String(500), nullable=False),
    Column("status", String(10), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    # The claim under which the message was last handed over: outcomes of an older claim do not count. 0: none, or an
    # attempt that was taken back.
    Column("fence", Integer, nullable=False),
    Column("not_before", Instant),
    # Since the first attempt that may have reached the recipient, by the database's clock.
    Column("in_doubt_since", Instant),
    Column("provider_message_id", String(200)),
    Column("error", Text),
    Column("sent_at", Instant),
    Column("updated_at", Instant, nullable=False),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70},
)

delivery_batches = Table(
    "delivery_batches",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first_customer_id", BigInteger, nullable=False),
    Column("last_customer_id", BigInteger, nullable=False),
    Column("recipients", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    ForeignKeyConstraint(["store_id", "campaign_id"], ["campaigns.store_id", "campaigns.id"]),
)

# What a channel without settings would have sent.
sandbox_messages = Table(
    "sandbox_messages",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("campaign_id", Id, primary_key=True),
    Column("customer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("message", Json, nullable=False),
)
