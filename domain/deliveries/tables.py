"""Rows of deliveries; a batch is a range of them that one worker holds at a time."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, SmallInteger, String, Table, Text

from domain.deliveries.model import EVIDENCE_COUNTS
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
    # What receipts have proved (proof.py): their kinds as bits, and the latest moments by the provider's clock.
    Column("evidence", SmallInteger),
    Column("delivered_at", Instant),
    Column("failed_at", Instant),
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
    # By what receipts tell; who opened has it delivered.
    *(Column(_name, Integer, nullable=False, server_default="0") for _name in EVIDENCE_COUNTS),
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

# By what a channel's receipts name a message: a provider's ID or our key (references.py).
message_references = Table(
    "message_references",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    Column("reference", String(201), primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    # An erasure finds a person's by it, and the end of their time a campaign's.
    Index(None, "store_id", "campaign_id", "customer_id"),
    sqlite_with_rowid=False,
)

# The latest message of whoever has an address, on channels where it opens a conversation.
conversations = Table(
    "conversations",
    metadata,
    Column("store_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", String(64), primary_key=True),
    Column("address", String(500), primary_key=True),
    Column("last_at", Instant, nullable=False),
    Index(None, "last_at"),
    sqlite_with_rowid=False,
)
